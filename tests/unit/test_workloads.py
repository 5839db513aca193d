"""Lists of workloads: which kinds, how old they may be, and that a burst shares one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import pytest

from customevents.resource.errors import ClusterError, NoSuchKind
from customevents.scope.search import Workload
from customevents.scope.workloads import PATIENCE, Workloads
from unit.builders import NOW, Clock, later
from unit.in_memory import MemoryWorkloads
from unit.instant import at_once

EACH_KIND = ["daemonsets", "deployments", "rollouts", "statefulsets"]


class LoopClock(Clock):
    """A clock that goes with the event loop's."""

    def __call__(self) -> datetime:
        return self.now + timedelta(seconds=asyncio.get_running_loop().time() - self.start)

    async def begin(self) -> None:
        self.start = asyncio.get_running_loop().time()


class World:
    def __init__(self) -> None:
        self.cluster = MemoryWorkloads()
        self.clock = LoopClock()
        self.workloads = Workloads(self.cluster, self.clock)

    @property
    def rounds(self) -> int:
        """How often all kinds of a namespace were listed."""
        counted = {kind: [k for _, k in self.cluster.lists].count(kind) for kind in EACH_KIND}
        assert len(set(counted.values())) == 1
        return counted["deployments"]

    async def names(self, since: float, namespace: str = "shop") -> list[str]:
        found = await self.workloads.of(namespace, since=later(since))
        return [workload.name for workload in found]

    def play(self, story: Callable[[], Awaitable[object]]) -> None:
        async def played() -> None:
            await self.clock.begin()
            await story()

        at_once(played())


@pytest.fixture
def world() -> World:
    return World()


def test_all_kinds_of_workloads_of_the_namespace_are_listed_and_no_others(world: World) -> None:
    for number, plural in enumerate(EACH_KIND):
        world.cluster.apply(f"w{number}", plural=plural)
    world.cluster.apply("job", plural="jobs")
    world.cluster.apply("elsewhere", namespace="other")

    async def story() -> None:
        assert sorted(await world.names(since=0)) == ["w0", "w1", "w2", "w3"]
        assert sorted(world.cluster.lists) == [("shop", plural) for plural in EACH_KIND]

    world.play(story)


def test_a_workload_is_kept_with_its_labels_and_the_marks_of_its_release(world: World) -> None:
    world.cluster.apply(
        "web",
        labels={"app": "web"},
        annotations={"meta.helm.sh/release-name": "checkout", "note": "long"},
    )

    async def story() -> None:
        (found,) = await world.workloads.of("shop", since=NOW)
        assert found.labels == {"app": "web"}
        assert [str(mark) for mark in found.releases] == [
            "annotation meta.helm.sh/release-name=checkout"
        ]

    world.play(story)


def test_rollouts_are_found_once_their_crd_is_installed(world: World) -> None:
    world.cluster.apply("web")

    async def story() -> None:
        assert await world.names(since=0) == ["web"]
        world.cluster.apply("canary", plural="rollouts")
        await asyncio.sleep(1)
        assert await world.names(since=1) == ["web", "canary"]

    world.play(story)


def test_what_can_be_no_namespace_has_no_workloads_and_is_never_asked_for(world: World) -> None:
    async def story() -> None:
        assert await world.workloads.of("../shop", since=NOW) == ()

    world.play(story)
    assert world.cluster.lists == []


@pytest.mark.parametrize("plural", EACH_KIND)
@pytest.mark.parametrize(
    "refusal",
    [
        NoSuchKind("the server could not find the requested resource", 404),
        ClusterError("the Kubernetes API answered 403: forbidden", 403),
    ],
    ids=["missing", "forbidden"],
)
def test_no_kind_is_left_out_silently_but_rollouts_that_are_missing(
    world: World, plural: str, refusal: ClusterError
) -> None:
    world.cluster.refusal, world.cluster.refused = refusal, plural
    if plural == "rollouts" and isinstance(refusal, NoSuchKind):
        world.play(lambda: world.names(since=0))
        return

    async def story() -> None:
        with pytest.raises(ClusterError):
            await world.names(since=0)

    world.play(story)


def test_who_asks_while_a_list_is_on_its_way_waits_for_that_one(world: World) -> None:
    world.cluster.apply("web")
    world.cluster.takes = 2.0

    async def story() -> None:
        async def late() -> list[str]:
            await asyncio.sleep(1)
            return await world.names(since=0)

        asked: Sequence[list[str]] = await asyncio.gather(
            *(world.names(since=-30) for _ in range(50)), *(late() for _ in range(50))
        )
        assert asked == [["web"]] * 100
        assert world.rounds == 1

    world.play(story)


def test_a_list_on_its_way_that_was_begun_too_early_is_not_waited_for(world: World) -> None:
    world.cluster.takes = 2.0

    async def story() -> None:
        async def late() -> list[str]:
            await asyncio.sleep(1)
            world.cluster.apply("new")
            return await world.names(since=1)

        early, found = await asyncio.gather(world.names(since=0), late())
        assert (early, found) == ([], ["new"])
        assert world.rounds == 2

    world.play(story)


def test_those_who_all_need_a_younger_list_share_the_next(world: World) -> None:
    async def story() -> None:
        await world.names(since=0)

        async def asker(number: int) -> None:
            await asyncio.sleep(0.01 * number)
            await world.names(since=0.01 * number)

        await asyncio.gather(*(asker(number) for number in range(1, 100)))
        # One at the beginning, then one each quarter of a second, for those who came meanwhile.
        assert world.rounds == 5

    world.play(story)


def test_a_younger_list_shows_what_came_until_it_was_asked_for(world: World) -> None:
    async def story() -> None:
        await world.names(since=0)
        await asyncio.sleep(0.1)
        world.cluster.apply("new")
        assert await world.names(since=0.1) == ["new"]
        assert later(0.25) <= world.clock() < later(0.26)

    world.play(story)


def test_each_namespace_has_lists_of_its_own(world: World) -> None:
    async def story() -> None:
        await world.names(since=0)
        await world.names(since=0, namespace="other")
        assert {namespace for namespace, _ in world.cluster.lists} == {"shop", "other"}

    world.play(story)


@pytest.mark.parametrize(
    ("since", "rounds"),
    [(-100, 1), (0, 1), (0.5, 2), (10, 2)],
    ids=["long before", "at its beginning", "after its beginning", "now"],
)
def test_a_list_serves_who_asks_for_one_no_younger(world: World, since: float, rounds: int) -> None:
    async def story() -> None:
        await world.names(since=0)
        await asyncio.sleep(10)
        await world.names(since=since)
        assert world.rounds == rounds

    world.play(story)


def test_no_list_serves_longer_than_half_a_minute(world: World) -> None:
    async def story() -> None:
        await world.names(since=0)
        await asyncio.sleep(29)
        await world.names(since=-100)
        assert world.rounds == 1
        await asyncio.sleep(2)
        await world.names(since=-100)
        assert world.rounds == 2

    world.play(story)


def test_a_list_from_the_future_does_not_serve(world: World) -> None:
    """The clock was set back since."""

    async def story() -> None:
        await world.names(since=0)
        world.clock.advance(-3600)
        await world.names(since=-7200)
        assert world.rounds == 2

    world.play(story)


def test_lists_are_forgotten_when_they_serve_nobody_any_more(world: World) -> None:
    async def story() -> None:
        for number in range(50):
            await world.names(since=0, namespace=f"n{number}")
            await asyncio.sleep(1)
        assert len(world.workloads._listings) == 30

    world.play(story)


def test_a_list_that_failed_is_told_to_all_and_not_tried_again_at_once(world: World) -> None:
    world.cluster.refusal = ClusterError("the Kubernetes API answered 403: no", 403)

    async def refused(since: float = 0) -> ClusterError:
        with pytest.raises(ClusterError) as caught:
            await world.names(since)
        return caught.value

    async def story() -> None:
        for error in await asyncio.gather(*(refused() for _ in range(20))):
            assert (error.status, str(error)) == (403, "the Kubernetes API answered 403: no")
        await asyncio.sleep(4)
        await refused(since=4)
        assert world.rounds == 1
        world.cluster.refusal = None
        await asyncio.sleep(1)
        assert await world.names(since=0) == []
        assert world.rounds == 2

    world.play(story)


def test_a_list_that_takes_long_is_not_waited_for_and_there_later(world: World) -> None:
    world.cluster.apply("web")
    world.cluster.takes = PATIENCE + 1

    async def story() -> None:
        with pytest.raises(ClusterError, match="take long") as caught:
            await world.names(since=0)
        assert caught.value.status == 0
        assert await world.names(since=0) == ["web"]
        assert world.rounds == 1

    world.play(story)


def test_what_is_no_error_of_the_cluster_is_not_swallowed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> Workload:
        raise KeyError("name")

    monkeypatch.setattr("customevents.scope.workloads.read_workload", broken)
    world.cluster.apply("web")

    async def story() -> None:
        with pytest.raises(KeyError):
            await world.names(since=0)

    world.play(story)
