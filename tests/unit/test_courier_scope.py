"""What a courier does while a scope cannot be told, may not be sent, or names nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import ClusterError
from customevents.resource.event import CustomEvent
from customevents.resource.spec import parse_spec
from customevents.resource.status import State
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.resolve import Rules
from unit.builders import NOW, later, raw_spec, record, stored
from unit.in_memory import Handled, World
from unit.instant import at_once
from unit.released import HELM, INSTANCE

MARKED = {INSTANCE: "checkout"}
SELECTING = raw_spec(scope={"serviceSelector": {"matchLabels": MARKED}})
NAMING = raw_spec(scope={"serviceNames": ["web", "chekcout"]})
NEVER_ARRIVED = NoAnswer(Stage.CONNECT, "ClientConnectorError")
FORBIDDEN = ClusterError("the Kubernetes API answered 403: deployments.apps is forbidden", 403)


@pytest.fixture
def world() -> World:
    return World()


def on_object(world: World) -> tuple[str, str]:
    """The reason and the message that were written last."""
    ((condition,),) = [world.cluster.writes[-1]["conditions"]]
    return condition["reason"], condition["message"]


def sent_services(world: World) -> list[list[str] | None]:
    return [body["scope"].get("servicesNames") for body, _ in world.api.posts]


# --- What was released with the event


def released(world: World, **parts: Any) -> CustomEvent:
    return world.cluster.apply(annotations={HELM: "checkout"}, **parts)


def test_an_event_of_a_release_waits_for_it_without_a_word_and_without_a_slot(world: World) -> None:
    event = released(world)
    assert world.handle(event) == Handled(event, later(3))
    assert world.workloads.lists == []
    assert world.cluster.writes == []
    assert world.journal.committed_intents == []


def test_it_is_then_sent_for_exactly_the_workloads_of_its_release(world: World) -> None:
    world.workloads.apply("web", annotations={HELM: "checkout"})
    world.workloads.apply("db", plural="statefulsets", annotations={HELM: "checkout"})
    world.workloads.apply("cart", annotations={HELM: "cart"})
    event = released(world)
    world.clock.advance(3)
    world.handle(event)
    assert sent_services(world) == [["db", "web"]]
    (status,) = world.cluster.writes
    assert status["resolved"] == {
        "endpoint": "api.komodor.com",
        "severity": "information",
        "clusters": ["prod-eu-1"],
        "namespaces": ["shop"],
        "serviceNames": ["db", "web"],
        "reach": "services db or web, namespace shop, cluster prod-eu-1",
        "sources": {
            "clusters": "setting clusterName",
            "namespaces": "metadata.namespace",
            "serviceNames": "annotation meta.helm.sh/release-name=checkout",
        },
        "matchingServices": 2,
    }


def test_an_event_of_no_release_waits_for_nothing_and_lists_nothing(world: World) -> None:
    world.handle(world.cluster.apply())
    assert len(world.api.posts) == 1
    assert world.workloads.lists == []
    assert "matchingServices" not in world.cluster.writes[-1]["resolved"]


def test_a_courier_delivers_others_while_an_event_waits_for_its_release(world: World) -> None:
    """With a clock that stands still, the first would keep the courier for ever."""
    world.inbox.offer(released(world, uid="first", name="first"))
    world.inbox.offer(world.cluster.apply(uid="second", name="second"))
    world.api.during = world.inbox.close
    at_once(world.courier().run())
    assert [body["details"]["customevents.dev/source"] for body, _ in world.api.posts] == [
        "shop/second"
    ]
    assert world.inbox.knows("first")


def test_a_dry_run_waits_for_the_release_as_well_and_then_shows_it(world: World) -> None:
    world.workloads.apply("web", annotations={HELM: "checkout"})
    event = released(world, spec=raw_spec(suspend=True))
    assert world.handle(event) == Handled(event, later(3))
    world.clock.advance(3)
    assert world.handle(event).again == later(63)
    assert world.cluster.writes[-1]["resolved"]["serviceNames"] == ["web"]
    assert world.api.posts == []


def test_a_wait_for_the_release_ends_with_the_deadline(world: World) -> None:
    world.settle = 60.0
    event = released(world, spec=raw_spec(deliveryDeadlineSeconds=60, occurredAt=NOW.isoformat()))
    changed = world.cluster.change(
        event,
        lambda raw: raw["metadata"].update(managedFields=[{"time": "2026-05-01T12:00:30Z"}]),
    )
    world.clock.advance(30)
    assert world.handle(changed).again == later(60)


def test_retries_do_not_look_for_the_release_again(world: World) -> None:
    world.workloads.apply("web", annotations={HELM: "checkout"})
    world.api.answers = [NEVER_ARRIVED, Answer(201)]
    event = released(world)
    world.clock.advance(3)
    first = world.handle(event)
    assert first.fresh is not None
    world.workloads.apply("new", annotations={HELM: "checkout"})
    world.workloads.lists.clear()
    world.clock.advance(600)
    world.handle(first.fresh)
    assert sent_services(world) == [["web"], ["web"]]
    assert world.cluster.writes[-1]["resolved"]["matchingServices"] == 1
    assert world.workloads.lists == []


def test_a_release_that_cannot_be_looked_for_is_waited_for_and_not_sent_wide(world: World) -> None:
    world.workloads.refusal = ClusterError("the Kubernetes API did not answer: TimeoutError")
    event = released(world)
    world.clock.advance(60)
    assert world.handle(event) == Handled(event, later(70))
    assert world.cluster.writes == []

    world.workloads.refusal = FORBIDDEN
    world.clock.advance(5)
    handled = world.handle(event)
    assert on_object(world)[0] == "ServicesUnknown"
    assert "deployments.apps is forbidden" in on_object(world)[1]
    assert world.api.posts == []

    world.workloads.refusal = None
    world.clock.advance(60)
    assert handled.fresh is not None
    world.handle(handled.fresh)
    assert sent_services(world) == [None]
    assert on_object(world)[0] == "Delivered"


# --- A selector


def test_a_selector_that_matches_nothing_is_held_and_sent_when_it_matches(world: World) -> None:
    event = world.cluster.apply(spec=SELECTING)
    world.clock.advance(60)
    held = world.handle(event)
    assert on_object(world)[0] == "NoServicesMatch"
    assert world.cluster.writes[-1]["delivery"]["state"] == "Held"
    assert "resolved" not in world.cluster.writes[-1]
    assert held.again == later(120)

    world.clock.advance(60)
    assert held.fresh is not None
    again = world.handle(held.fresh)
    assert again == Handled(held.fresh, later(180))
    assert len(world.cluster.writes) == 1

    world.workloads.apply("web", labels=MARKED)
    world.clock.advance(60)
    world.handle(held.fresh)
    assert sent_services(world) == [["web"]]
    assert on_object(world)[0] == "Delivered"


def test_a_fresh_event_whose_selector_matches_nothing_yet_is_looked_at_again_soon(
    world: World,
) -> None:
    assert world.handle(world.cluster.apply(spec=SELECTING)).again == later(3)
    assert on_object(world)[0] == "NoServicesMatch"


# --- Who may reach wide


def test_an_event_that_asks_for_more_than_it_may_fails_and_sends_nothing(world: World) -> None:
    world.rules = Rules(wide_from=())
    handled = world.handle(world.cluster.apply(spec=raw_spec(scope={"level": "Account"})))
    assert handled.fresh is not None
    assert handled.fresh.needs_nothing
    assert handled.again is None
    (status,) = world.cluster.writes
    assert status["delivery"]["state"] == "Failed"
    assert status["delivery"]["attempts"] == 0
    assert "finishedTime" in status["delivery"]
    assert on_object(world)[0] == "ScopeNotAllowed"
    assert (world.api.posts, world.journal.committed_intents) == ([], [])


def test_a_dry_run_says_that_it_would_not_be_allowed(world: World) -> None:
    world.rules = Rules(wide_from=())
    spec = raw_spec(suspend=True, scope={"level": "Account"})
    world.handle(world.cluster.apply(spec=spec))
    assert world.cluster.writes[-1]["delivery"]["state"] == "Suspended"
    assert "spec.suspend is true" in on_object(world)[1]
    assert "asks for level Account" in on_object(world)[1]


# --- Names that nobody has


def test_a_misspelt_name_is_sent_and_said(world: World) -> None:
    world.workloads.apply("web")
    world.handle(world.cluster.apply(spec=NAMING))
    assert sent_services(world) == [["web", "chekcout"]]
    assert on_object(world) == (
        "Delivered",
        "Delivered at the first attempt. No workload here is named chekcout; misspelt?",
    )
    assert world.cluster.writes[-1]["resolved"]["matchingServices"] == 1


def test_a_name_that_is_there_is_counted_and_not_spoken_of(world: World) -> None:
    world.workloads.apply("web")
    world.handle(world.cluster.apply(spec=raw_spec(scope={"serviceNames": ["web"]})))
    assert on_object(world)[1] == "Delivered at the first attempt."
    assert world.cluster.writes[-1]["resolved"]["matchingServices"] == 1


def test_of_many_misspelt_names_a_few_are_said(world: World) -> None:
    spec = raw_spec(scope={"serviceNames": [f"x{number}" for number in range(7)]})
    world.handle(world.cluster.apply(spec=spec))
    assert "named x0, x1, x2, x3, x4 and 2 more; misspelt?" in on_object(world)[1]
    assert world.cluster.writes[-1]["resolved"]["matchingServices"] == 0


def test_a_misspelt_name_is_said_at_last_when_a_retry_succeeds(world: World) -> None:
    world.api.answers = [NEVER_ARRIVED, Answer(201)]
    handled = world.handle(world.cluster.apply(spec=NAMING))
    assert "misspelt" not in on_object(world)[1]
    world.clock.advance(600)
    assert handled.fresh is not None
    done = world.handle(handled.fresh)
    assert done.fresh is not None
    assert done.fresh.status.delivery.state is State.DELIVERED
    assert on_object(world)[1].endswith("No workload here is named web, chekcout; misspelt?")


def test_a_dry_run_says_which_names_are_misspelt(world: World) -> None:
    world.workloads.apply("web")
    world.handle(world.cluster.apply(spec={**NAMING, "suspend": True}))
    assert "No workload here is named chekcout; misspelt?" in on_object(world)[1]


@pytest.mark.parametrize("trouble", ["refused", "slow"])
def test_names_that_cannot_be_looked_up_do_not_hold_up_their_event(
    world: World, trouble: str
) -> None:
    if trouble == "slow":
        world.workloads.takes = 3600.0
    else:
        world.workloads.refusal = FORBIDDEN
    event = world.cluster.apply(spec=NAMING)

    async def timed() -> float:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await world.deliver(event)
        return loop.time() - begin

    assert at_once(timed()) <= 1.5
    assert on_object(world)[1] == "Delivered at the first attempt."
    assert "matchingServices" not in world.cluster.writes[-1]["resolved"]


def test_names_for_another_cluster_are_not_judged_here(world: World) -> None:
    spec = raw_spec(scope={"clusters": ["elsewhere"], "serviceNames": ["web"]})
    world.handle(world.cluster.apply(spec=spec))
    assert on_object(world)[1] == "Delivered at the first attempt."
    assert world.workloads.lists == []


# --- A scope that somebody else wrote into the status

OWN = {"clusters": ["prod-eu-1"], "namespaces": ["shop"]}


def tried(world: World, scope: dict[str, Any] | None, resolved: dict[str, Any]) -> CustomEvent:
    """An event with an attempt on record, and this beside it."""
    content = raw_spec(scope=scope) if scope else raw_spec()
    delivery = stored(record(parse_spec(content)))
    return world.cluster.apply(spec=content, status={"delivery": delivery, "resolved": resolved})


@pytest.mark.parametrize(
    "planted",
    [
        {},
        {"clusters": ["prod-eu-1"]},
        {"namespaces": ["shop"]},
        {"clusters": ["prod-eu-1"], "namespaces": ["payments"]},
        {"clusters": ["prod-eu-1", "prod-us-1"], "namespaces": ["shop"]},
        {"clusters": ["*"], "namespaces": ["shop"]},
        {**OWN, "serviceNames": ["web,db"]},
    ],
    ids=str,
)
def test_no_retry_reaches_further_than_its_spec_whatever_its_status_says(
    world: World, planted: dict[str, Any]
) -> None:
    world.handle(tried(world, None, planted))
    assert [body["scope"] for body, _ in world.api.posts] == [OWN]
    assert world.cluster.writes[-1]["resolved"]["namespaces"] == ["shop"]


def test_what_a_selector_found_is_looked_for_again_if_the_status_has_lost_it(world: World) -> None:
    """Without names the event would be about the whole namespace."""
    world.workloads.apply("web", labels=MARKED)
    world.handle(tried(world, SELECTING["scope"], OWN))
    assert sent_services(world) == [["web"]]


@pytest.mark.parametrize(
    ("scope", "recorded"),
    [
        (None, OWN),
        (None, {**OWN, "serviceNames": ["web"]}),
        (None, {**OWN, "clusters": ["renamed since"]}),
        ({"level": "Cluster"}, {"clusters": ["prod-eu-1"]}),
        ({"level": "Account"}, {}),
        ({"namespaces": ["b", "a", "b"]}, {**OWN, "namespaces": ["b", "a"]}),
        (SELECTING["scope"], {**OWN, "serviceNames": ["gone", "web"]}),
    ],
    ids=str,
)
def test_what_an_operator_recorded_is_sent_again_as_it_is(
    world: World, scope: dict[str, Any] | None, recorded: dict[str, Any]
) -> None:
    world.handle(tried(world, scope, {**recorded, "severity": "information"}))
    spelt = {"servicesNames" if key == "serviceNames" else key: recorded[key] for key in recorded}
    assert [body.get("scope", {}) for body, _ in world.api.posts] == [spelt]


def test_a_retry_says_the_endpoint_to_which_it_goes(world: World) -> None:
    """The first attempt was refused by the wrong site, and the setting was mended."""
    recorded = {**OWN, "severity": "information", "endpoint": "api.eu.komodor.com"}
    world.handle(tried(world, None, recorded))
    assert world.cluster.writes[-1]["resolved"]["endpoint"] == "api.komodor.com"


@pytest.mark.parametrize(
    "scope", [{"level": "Account"}, {"level": "Cluster"}, {"namespaces": ["payments"]}], ids=str
)
def test_no_retry_reaches_further_than_the_setting_allows_by_now(
    world: World, scope: dict[str, Any]
) -> None:
    world.rules = Rules(wide_from=("ops",))
    clusters = {} if scope.get("level") == "Account" else {"clusters": ["prod-eu-1"]}
    namespaces = {"namespaces": ["payments"]} if "namespaces" in scope else {}
    world.handle(tried(world, scope, {**clusters, **namespaces, "severity": "information"}))
    assert world.api.posts == []
    reason, message = on_object(world)
    assert (reason, message[:16]) == ("ScopeNotAllowed", "Not sent again: ")


@pytest.mark.parametrize(
    "name", [ClusterName("a-guess", "node x"), Nameless("nobody knows it")], ids=["guess", "none"]
)
def test_a_retry_that_names_its_cluster_goes_on_where_the_own_name_is_a_guess(
    world: World, name: ClusterName | Nameless
) -> None:
    world.rules, world.cluster_name = Rules(wide_from=("ops",)), name
    world.handle(tried(world, {"clusters": ["prod-eu-1"]}, {**OWN, "severity": "information"}))
    assert [body["scope"] for body, _ in world.api.posts] == [OWN]
