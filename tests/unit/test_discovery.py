"""How fresh a list must be to say that something is there, and to say that it is not."""

from __future__ import annotations

from typing import Any

import pytest

from customevents.resource.errors import ClusterError
from customevents.resource.spec import Scope
from customevents.resource.status import Reason
from customevents.scope.cluster_name import ClusterName
from customevents.scope.discovery import Discovery, NotYet, looks_for, passes
from customevents.scope.resolve import Resolution, Unresolved, resolve
from customevents.scope.search import Match
from unit.builders import NOW, Clock, later
from unit.in_memory import MemoryWorkloads
from unit.instant import at_once
from unit.released import INSTANCE, labelled

RELEASE = labelled(INSTANCE, "checkout")
MARKED = {INSTANCE: "checkout"}
SELECTOR = {"serviceSelector": {"matchLabels": MARKED}}


class World:
    """A discovery, and the cluster that it looks at."""

    def __init__(self, settle: float = 3.0) -> None:
        self.cluster = MemoryWorkloads()
        self.clock = Clock()
        self.discovery = Discovery(self.cluster, self.clock, settle=settle)

    @property
    def rounds(self) -> int:
        return [plural for _, plural in self.cluster.lists].count("deployments")

    def told(
        self, written: dict[str, Any] | None = None, *, changed: float = 0.0
    ) -> Resolution | Unresolved | NotYet:
        """What the scope of an object of this release comes to now."""
        found = resolve(
            Scope.model_validate(written) if written else None,
            namespace="shop",
            cluster=ClusterName("here", "setting clusterName"),
            release=RELEASE,
        )
        assert isinstance(found, Resolution)
        return at_once(self.discovery.complete(found, later(changed)))

    def services(self, written: dict[str, Any] | None = None) -> tuple[str, ...]:
        found = self.told(written)
        assert isinstance(found, Resolution), found
        return found.reach.services

    def matched(self, *names: str) -> Match | None:
        return at_once(self.discovery.match(names, ["shop"], NOW))


@pytest.fixture
def world() -> World:
    return World()


# --- A release


@pytest.mark.parametrize(
    ("settle", "ages"),
    [
        (3.0, [3, 6, 9, 12, 15]),
        (0.0, [0, 3, 6, 9, 12, 15]),
        (2.0, [2, 5, 8, 11, 14, 15]),
        (15.0, [15]),
        (60.0, [60]),
    ],
)
def test_a_release_is_looked_for_when_the_object_has_settled_until_a_miss_is_believed(
    settle: float, ages: list[float]
) -> None:
    assert looks_for(NOW, settle) == [later(age) for age in ages]


def test_nothing_is_listed_before_the_object_has_settled(world: World) -> None:
    world.cluster.apply("web", labels=MARKED)
    assert world.told() == NotYet(later(3))
    world.clock.advance(2.9)
    assert world.told() == NotYet(later(3))
    assert world.rounds == 0
    world.clock.advance(0.1)
    assert world.services() == ("web",)
    assert world.rounds == 1


def test_the_age_counts_from_the_last_change(world: World) -> None:
    """An event that is edited at each release is applied with its workloads, too."""
    world.clock.advance(3600)
    assert world.told(changed=3599) == NotYet(later(3602))


def test_a_list_from_before_the_object_had_settled_decides_nothing(world: World) -> None:
    world.clock.advance(2.9)
    world.matched("anything")
    world.clock.advance(0.2)
    world.cluster.apply("web", labels=MARKED)
    assert world.services() == ("web",)
    assert world.rounds == 2


def test_a_miss_is_looked_at_again_by_fresh_lists_until_it_is_believed(world: World) -> None:
    for look in (3, 6, 9, 12):
        world.clock.now = later(look)
        assert world.told() == NotYet(later(look + 3))
        assert world.told() == NotYet(later(look + 3))
    assert world.rounds == 4
    world.clock.now = later(15)
    found = world.told()
    assert isinstance(found, Resolution)
    assert found.reach.services == ()
    assert found.sources["serviceNames"] == (
        "no workload with label app.kubernetes.io/instance=checkout"
    )


def test_what_comes_late_is_found_until_then(world: World) -> None:
    world.clock.now = later(3)
    assert world.told() == NotYet(later(6))
    world.clock.now = later(14)
    world.cluster.apply("web", labels=MARKED)
    assert world.services() == ("web",)


def test_an_old_object_is_told_at_once(world: World) -> None:
    world.clock.advance(3600)
    assert world.services() == ()
    assert world.services() == ()
    assert world.rounds == 1


def test_a_release_whose_workloads_cannot_be_listed_is_not_sent_wide(world: World) -> None:
    world.clock.advance(3600)
    world.cluster.refusal = ClusterError("the Kubernetes API did not answer: TimeoutError")
    assert world.told() == NotYet(later(3610))
    world.clock.advance(5)
    world.cluster.refusal = ClusterError("the Kubernetes API answered 403: deployments", 403)
    found = world.told()
    assert isinstance(found, Unresolved)
    assert found.reason is Reason.SERVICES_UNKNOWN
    assert "namespace shop cannot be listed: the Kubernetes API answered 403" in found.message


@pytest.mark.parametrize("status", [0, 404, 410, 429, 500, 503, 504])
def test_an_error_that_passes_is_waited_for(status: int) -> None:
    assert passes(ClusterError("", status))


@pytest.mark.parametrize("status", [400, 401, 403, 406])
def test_an_error_that_stays_is_told(status: int) -> None:
    assert not passes(ClusterError("", status))


# --- A selector


def test_a_selector_needs_no_wait_and_its_hits_may_be_half_a_minute_old(world: World) -> None:
    world.cluster.apply("web", labels=MARKED)
    assert world.services(SELECTOR) == ("web",)
    world.cluster.apply("new", labels=MARKED)
    world.clock.advance(30)
    assert world.services(SELECTOR) == ("web",)
    assert world.rounds == 1
    world.clock.advance(1)
    assert world.services(SELECTOR) == ("new", "web")


def test_a_selectors_miss_by_an_older_list_is_looked_at_again_at_once(world: World) -> None:
    assert isinstance(world.told(SELECTOR), Unresolved)
    world.clock.advance(3)
    world.cluster.apply("web", labels=MARKED)
    assert world.services(SELECTOR) == ("web",)
    assert world.rounds == 2


def test_a_burst_that_misses_shares_its_lists_too(world: World) -> None:
    world.clock.advance(10)
    for _ in range(100):
        assert isinstance(world.told(SELECTOR), Unresolved)
        world.clock.advance(0.01)
    assert world.rounds == 1


@pytest.mark.parametrize(
    ("now", "again"), [(0.0, 3.0), (2.9, 3.0), (3.0, 6.0), (14.0, 15.0), (15.0, None), (99.0, None)]
)
def test_a_young_object_that_selects_nothing_is_looked_at_again_soon(
    world: World, now: float, again: float | None
) -> None:
    world.clock.advance(now)
    found = world.told(SELECTOR)
    assert isinstance(found, Unresolved)
    assert found.reason is Reason.NO_SERVICES_MATCH
    assert found.again == (None if again is None else later(again))


def test_a_selector_whose_workloads_cannot_be_listed_waits_or_is_held(world: World) -> None:
    world.cluster.refusal = ClusterError("the Kubernetes API answered 500: etcd", 500)
    assert world.told(SELECTOR) == NotYet(later(10))
    world.clock.advance(5)
    world.cluster.refusal = ClusterError("the Kubernetes API answered 403: deployments", 403)
    found = world.told(SELECTOR)
    assert isinstance(found, Unresolved)
    assert found.reason is Reason.SERVICES_UNKNOWN


@pytest.mark.parametrize(
    ("listed", "now", "rounds"),
    [(0.0, 0.9, 2), (0.9, 1.5, 2), (1.1, 1.5, 1), (1.1, 3.0, 1), (1.1, 3.2, 2), (10.0, 13.0, 2)],
)
def test_only_a_list_from_behind_the_change_and_of_just_now_says_that_nothing_is_selected(
    world: World, listed: float, now: float, rounds: int
) -> None:
    world.clock.now = later(listed)
    world.matched()
    world.clock.now = later(now)
    assert isinstance(world.told(SELECTOR), Unresolved)
    assert world.rounds == rounds


# --- Names


def test_names_are_matched_by_a_shared_list(world: World) -> None:
    world.cluster.apply("web")
    for _ in range(10):
        assert world.matched("web") == Match(1)
    assert world.rounds == 1


def test_a_name_is_only_missing_in_a_list_from_behind_the_change(world: World) -> None:
    assert world.matched("web") == Match(0, ("web",))
    world.cluster.apply("web")
    world.clock.advance(0.5)
    assert world.matched("web", "chekcout") == Match(1, ("chekcout",))
    world.clock.advance(0.5)
    for _ in range(10):
        assert world.matched("web", "chekcout") == Match(1, ("chekcout",))
        world.clock.advance(2.9)
    assert world.rounds == 3


def test_names_in_several_namespaces_need_to_be_in_one_of_them(world: World) -> None:
    world.cluster.apply("web")
    world.cluster.apply("cart", namespace="other")
    names = ("web", "cart", "typo")
    found = at_once(world.discovery.match(names, ["shop", "other"], NOW))
    assert found == Match(2, ("typo",))


@pytest.mark.parametrize("trouble", ["refused", "slow"])
def test_names_that_cannot_be_looked_up_quickly_are_not_judged(world: World, trouble: str) -> None:
    if trouble == "slow":
        world.cluster.takes = 2.0
    else:
        world.cluster.refusal = ClusterError("the Kubernetes API answered 403: no", 403)
    assert world.matched("web") is None
