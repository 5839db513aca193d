"""The straight line of one event: scope, intent, POST, record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from customevents.delivery.state import Policy
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import KeyFileError
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.resource.status import State
from customevents.scope.cluster_name import ClusterName, Nameless
from unit.builders import NOW, later, raw_spec
from unit.in_memory import Handled, Raw, World
from unit.instant import at_once

NEVER_ARRIVED = NoAnswer(Stage.CONNECT, "ClientConnectorError")
LOST = NoAnswer(Stage.SENT, "ServerDisconnectedError")
NAMELESS = Nameless("the cluster's name is not known")
RENAMED = ClusterName("renamed", "setting clusterName")


@pytest.fixture
def world() -> World:
    return World()


def condition(status: Raw) -> Raw:
    (only,) = status["conditions"]
    assert isinstance(only, dict)
    return only


def test_an_event_is_posted_once_and_its_receipt_written_once(world: World) -> None:
    handled = world.handle(world.cluster.apply())
    ((body, delivery_id),) = world.api.posts
    (status,) = world.cluster.writes
    assert body == {
        "eventType": "release",
        "summary": "checkout 1.4.2 is live",
        "severity": "information",
        "scope": {"clusters": ["prod-eu-1"], "namespaces": ["shop"]},
        "details": {
            "customevents.dev/source": "shop/checkout-1-4-2",
            "customevents.dev/id": delivery_id,
            "customevents.dev/occurredAt": "2026-05-01T12:00:00Z",
        },
    }
    assert condition(status) == {
        "type": "Delivered",
        "status": "True",
        "reason": "Delivered",
        "message": "Delivered at the first attempt.",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-05-01T12:00:00Z",
    }
    assert status["delivery"]["id"] == delivery_id
    assert status["delivery"]["state"] == "Delivered"
    assert status["resolved"] == {
        "endpoint": "api.komodor.com",
        "severity": "information",
        "clusters": ["prod-eu-1"],
        "namespaces": ["shop"],
        "reach": "ALL services, namespace shop, cluster prod-eu-1",
        "sources": {"clusters": "setting clusterName", "namespaces": "metadata.namespace"},
    }
    assert handled.again is None
    assert handled.fresh == world.cluster.now(handled.fresh or pytest.fail("gone"))


def test_a_delivered_event_is_left_alone(world: World) -> None:
    event = world.cluster.apply()
    world.handle(event)
    world.handle(world.cluster.now(event))
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


def test_the_provenance_can_be_left_out(world: World) -> None:
    world.with_provenance = False
    world.handle(world.cluster.apply())
    ((body, _),) = world.api.posts
    assert "details" not in body


# --- Retries


def test_an_event_that_did_not_arrive_is_tried_again_later_under_the_same_id(
    world: World,
) -> None:
    world.api.answers = [NEVER_ARRIVED, Answer(201)]
    first = world.handle(world.cluster.apply())
    assert first.fresh is not None
    assert first.fresh.status.delivery.state is State.RETRYING
    assert first.again == first.fresh.status.delivery.next_attempt_time
    assert first.again is not None
    assert NOW < first.again <= later(4)

    early = world.handle(first.fresh)
    assert early == Handled(first.fresh, first.again)
    assert len(world.api.posts) == 1

    world.clock.now = first.again
    second = world.handle(first.fresh)
    assert second.fresh is not None
    assert second.fresh.status.delivery.state is State.DELIVERED
    assert second.fresh.status.delivery.attempts == 2
    assert len({delivery_id for _, delivery_id in world.api.posts}) == 1


def test_a_later_attempt_is_not_planned_beyond_the_deadline(world: World) -> None:
    world.api.answers = [NEVER_ARRIVED]
    event = world.cluster.apply(spec=raw_spec(deliveryDeadlineSeconds=60))
    world.clock.advance(59.99)
    handled = world.handle(event)
    assert handled.again == later(60)
    world.clock.now = later(60)
    assert handled.fresh is not None
    expired = world.handle(handled.fresh)
    assert expired.fresh is not None
    assert expired.fresh.status.delivery.state is State.EXPIRED
    assert len(world.api.posts) == 1


@pytest.mark.parametrize(
    ("written", "setting", "state"),
    [
        (None, "Retry", State.RETRYING),
        (None, "Hold", State.HELD),
        ("Retry", "Hold", State.RETRYING),
        ("Hold", "Retry", State.HELD),
    ],
)
def test_of_an_unknown_outcome_the_author_decides_before_the_operator(
    world: World, written: str | None, setting: str, state: State
) -> None:
    world.policy = Policy(on_unknown_outcome=UnknownOutcomePolicy(setting))
    world.api.answers = [LOST]
    knobs = {"onUnknownOutcome": written} if written else {}
    handled = world.handle(world.cluster.apply(spec=raw_spec(**knobs)))
    assert handled.fresh is not None
    assert handled.fresh.status.delivery.state is state
    assert handled.fresh.status.delivery.unknown_outcomes == 1
    assert (handled.again is None) is (state is State.HELD)


def test_without_a_usable_key_nothing_is_sent_and_no_attempt_counted(world: World) -> None:
    world.api.answers = [KeyFileError("the API key file /key is empty"), Answer(201)]
    handled = world.handle(world.cluster.apply())
    assert world.api.posts == []
    (status,) = world.cluster.writes
    assert condition(status)["reason"] == "NotSent"
    assert "/key is empty" in condition(status)["message"]
    assert status["delivery"]["attempts"] == 0
    assert status["delivery"]["state"] == "Pending"
    assert "lastOutcome" not in status["delivery"]
    assert len(world.journal) == 0

    assert handled.fresh is not None
    assert handled.again is not None
    assert handled.gated
    world.probe()
    world.clock.now = handled.again
    world.handle(handled.fresh)
    assert condition(world.cluster.writes[-1])["message"] == "Delivered at the first attempt."


# --- What is shown, and not sent


@pytest.mark.parametrize("paused", [False, True], ids=["by its author", "by the operator"])
def test_a_suspended_event_is_resolved_and_not_posted(world: World, paused: bool) -> None:
    world.policy = Policy(paused=paused)
    handled = world.handle(world.cluster.apply(spec=raw_spec(suspend=not paused)))
    (status,) = world.cluster.writes
    assert status["delivery"]["state"] == "Suspended"
    assert status["resolved"]["reach"] == "ALL services, namespace shop, cluster prod-eu-1"
    assert condition(status)["status"] == "Unknown"
    assert world.api.posts == []
    assert handled.again == NOW + timedelta(seconds=60)


def test_a_suspended_event_whose_scope_cannot_be_told_says_both(world: World) -> None:
    world.cluster_name = NAMELESS
    world.handle(world.cluster.apply(spec=raw_spec(suspend=True)))
    (status,) = world.cluster.writes
    assert status["delivery"]["state"] == "Suspended"
    assert "spec.suspend" in condition(status)["message"]
    assert "the cluster's name is not known" in condition(status)["message"]
    assert "resolved" not in status


def test_who_found_no_key_does_not_say_it_twice_and_who_waits_behind_says_it(world: World) -> None:
    world.api.answers = [KeyFileError("the API key file /key is empty")]
    first = world.handle(world.cluster.apply())
    assert first.fresh is not None
    assert first.again is not None
    world.clock.now = first.again
    assert world.handle(first.fresh).fresh == first.fresh
    world.handle(world.cluster.apply(uid="behind", name="behind"))
    said = [condition(status) for status in world.cluster.writes]
    assert [each["reason"] for each in said] == ["NotSent", "EndpointPaused"]
    assert {each["message"] for each in said} == {"Not sent: the API key file /key is empty"}

    edited = world.cluster.change(first.fresh, lambda raw: raw["metadata"].update(generation=2))
    world.handle(edited)
    assert condition(world.cluster.writes[-1])["reason"] == "NotSent"
    assert condition(world.cluster.writes[-1])["observedGeneration"] == 2


def test_an_event_is_held_until_the_clusters_name_is_known(world: World) -> None:
    world.cluster_name = NAMELESS
    handled = world.handle(world.cluster.apply())
    assert world.api.posts == []
    assert condition(world.cluster.writes[-1])["reason"] == "ClusterNameUnknown"
    assert handled.again == later(60)

    world.cluster_name = ClusterName("prod-eu-1", "setting clusterName")
    world.clock.advance(60)
    assert handled.fresh is not None
    world.handle(handled.fresh)
    assert condition(world.cluster.writes[-1])["reason"] == "Delivered"


def test_a_spec_that_cannot_be_read_fails_without_a_post(world: World) -> None:
    handled = world.handle(world.cluster.apply(spec=raw_spec(severity="Critical")))
    (status,) = world.cluster.writes
    assert world.api.posts == []
    assert condition(status)["reason"] == "Invalid"
    assert condition(status)["message"].startswith("spec.severity must be ")
    assert handled.fresh is not None
    assert handled.fresh.needs_nothing


# --- The scope is told once


def test_the_scope_is_frozen_by_the_first_recorded_attempt(world: World) -> None:
    world.api.answers = [NEVER_ARRIVED, Answer(201)]
    handled = world.handle(world.cluster.apply())
    assert handled.fresh is not None
    world.cluster_name = RENAMED
    world.clock.advance(4)
    world.handle(handled.fresh)
    assert [body["scope"]["clusters"] for body, _ in world.api.posts] == [["prod-eu-1"]] * 2
    assert world.cluster.writes[-1]["resolved"]["clusters"] == ["prod-eu-1"]


def test_the_scope_is_not_frozen_by_what_was_never_attempted(world: World) -> None:
    handled = world.handle(world.cluster.apply(spec=raw_spec(suspend=True)))
    assert handled.fresh is not None
    world.cluster_name = RENAMED
    resumed = world.cluster.change(handled.fresh, lambda raw: raw["spec"].update(suspend=False))
    world.handle(resumed)
    ((body, _),) = world.api.posts
    assert body["scope"]["clusters"] == ["renamed"]


def test_other_content_is_resolved_anew(world: World) -> None:
    handled = world.handle(world.cluster.apply())
    assert handled.fresh is not None
    world.cluster_name = RENAMED
    edited = world.cluster.change(handled.fresh, lambda raw: raw["spec"].update(summary="other"))
    world.handle(edited)
    assert world.api.posts[-1][0]["scope"]["clusters"] == ["renamed"]


# --- The loop


def test_a_courier_delivers_what_the_inbox_holds_until_that_is_closed(world: World) -> None:
    for number in range(3):
        world.inbox.offer(world.cluster.apply(uid=f"uid-{number}", name=f"event-{number}"))
    world.api.during = lambda: world.inbox.close() if len(world.api.posts) == 3 else None
    at_once(world.courier().run())
    assert len({delivery_id for _, delivery_id in world.api.posts}) == 3
    assert len(world.cluster.writes) == 3
    assert world.inbox.busy == 0


def test_content_that_was_never_resolved_shows_no_scope_of_earlier_content(world: World) -> None:
    handled = world.handle(world.cluster.apply())
    assert handled.fresh is not None
    too_old = raw_spec(occurredAt="2026-04-01T00:00:00Z")
    world.handle(world.cluster.change(handled.fresh, lambda raw: raw.update(spec=too_old)))
    assert world.cluster.writes[-1]["delivery"]["state"] == "Expired"
    assert "resolved" not in world.cluster.writes[-1]


# --- The intent


def test_the_intent_is_committed_before_the_post_and_dropped_after_the_record(
    world: World,
) -> None:
    seen: list[tuple[int, int]] = []
    world.api.during = lambda: seen.append((len(world.journal), len(world.cluster.writes)))
    world.handle(world.cluster.apply())
    assert seen == [(1, 0)]
    assert len(world.journal) == 0


@pytest.mark.parametrize(
    ("answer", "entries"),
    [
        (Answer(201), 1),
        (LOST, 1),
        (NEVER_ARRIVED, 0),
        (Answer(429), 0),
        (Answer(400), 0),
        (Answer(401), 0),
    ],
    ids=["success", "unknown", "never arrived", "refused for now", "refused", "endpoint-level"],
)
def test_only_what_may_have_been_applied_stays_in_the_journal_until_it_is_recorded(
    world: World, answer: Answer | NoAnswer, entries: int
) -> None:
    seen: list[int] = []
    world.api.answers = [answer]
    world.cluster.during = lambda: seen.append(len(world.journal))
    world.handle(world.cluster.apply())
    assert seen == [entries]


def test_on_a_commit_that_grew_old_nothing_is_sent_and_another_is_made(world: World) -> None:
    world.journal.memory.stale = 2
    world.handle(world.cluster.apply())
    assert len(world.journal.committed_intents) == 3
    assert len(world.api.posts) == 1


def test_an_event_that_was_edited_before_its_commit_is_not_sent_as_it_was(world: World) -> None:
    def edit(raw: Raw) -> None:
        raw["spec"]["summary"] = "other"
        raw["metadata"]["generation"] = 2

    event = world.cluster.apply()
    world.inbox.offer(event)
    at_once(world.inbox.take())
    world.inbox.offer(world.cluster.change(event, edit))
    world.handle(event)
    assert world.api.posts == []
    assert world.journal.committed_intents == []
    newer = at_once(world.inbox.take())
    assert newer is not None
    world.handle(newer)
    assert [body["summary"] for body, _ in world.api.posts] == ["other"]
