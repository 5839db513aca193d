"""What goes wrong in some namespaces costs the others their share of the couriers, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from customevents.resource.errors import ClusterError
from customevents.resource.event import CustomEvent
from unit.at_work import posted
from unit.builders import NOW, Clock
from unit.in_memory import MemoryCluster, Raw, World
from unit.instant import at_once
from unit.lost_attempts import entry, settle_all

COURIERS, MANY = 16, 300

#: Seconds that a request takes.
REQUEST = 0.02


class LoopClock(Clock):
    """The time of the event loop."""

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class Closed(MemoryCluster):
    """Events of a namespace that begins with "closed" cannot be read, or cannot be written."""

    reads: int = 0
    may_read: bool = True
    may_write: bool = True

    async def get_event(self, namespace: str, name: str) -> Raw:
        await asyncio.sleep(REQUEST)
        if namespace.startswith("closed") and not self.may_read:
            self.reads += 1
            raise ClusterError("forbidden", 403)
        return await super().get_event(namespace, name)

    async def patch_status(self, event: CustomEvent, status: Raw) -> Raw:
        await asyncio.sleep(REQUEST)
        if event.namespace.startswith("closed") and not self.may_write:
            raise ClusterError("denied by a policy", 403)
        return await super().patch_status(event, status)


def at_work(
    cluster: Closed, namespaces: list[str], story: Callable[[World], Coroutine[Any, Any, None]]
) -> None:
    """Let all couriers begin on many events of a namespace, and some of each of these."""

    async def played() -> None:
        world = World(cluster, clock=LoopClock())
        for namespace in ("shop", *namespaces):
            for number in range(MANY if namespace == "shop" else COURIERS):
                uid = f"{namespace}-{number}"
                world.inbox.offer(world.cluster.apply(uid=uid, name=uid, namespace=namespace))
        courier = world.courier()
        working = [asyncio.create_task(courier.run()) for _ in range(COURIERS)]
        await story(world)
        for task in working:
            task.cancel()
        for part in world.aside:
            part.close()

    at_once(played())


def sent(world: World, namespace: str) -> int:
    """How many events of a namespace were posted."""
    return sum(path.startswith(f"{namespace}/") for path in posted(world))


CLOSED = [f"closed-{number}" for number in range(10)]


def test_namespaces_in_doubt_that_cannot_be_read_delay_no_other() -> None:
    cluster = Closed(may_read=False)

    async def story(world: World) -> None:
        for namespace in CLOSED:
            world.inbox.lost_sight(namespace)
        await asyncio.sleep(5.0)
        assert sent(world, "shop") == MANY
        assert len(posted(world)) == MANY, "nothing that is in doubt is sent"
        await asyncio.sleep(55.0)
        each_every_ten_seconds = 6 * len(CLOSED) * COURIERS
        assert cluster.reads < each_every_ten_seconds / 2, "it is not asked for each of them"
        cluster.may_read = True
        await asyncio.sleep(25.0)
        assert len(posted(world)) == MANY + len(CLOSED) * COURIERS

    at_work(cluster, CLOSED, story)


def test_namespaces_whose_statuses_are_refused_delay_the_others_by_seconds() -> None:
    async def story(world: World) -> None:
        await asyncio.sleep(10.0)
        assert sent(world, "shop") == MANY
        assert len(world.journal) <= 3 * COURIERS, "each of them left some there"

    at_work(Closed(may_write=False), CLOSED, story)


def test_who_leads_anew_begins_within_seconds_where_statuses_are_refused() -> None:
    world = World(Closed(may_write=False), clock=LoopClock())
    lost = [world.cluster.apply(uid=name, name=name, namespace=name) for name in CLOSED]

    async def story() -> None:
        await settle_all(world, [entry(event) for event in lost])
        assert asyncio.get_running_loop().time() < 5.0
        for event in lost:
            world.inbox.offer(event)
        assert world.inbox.places() == {"ready": 0, "postponed": 0, "blocked": 10, "busy": 0}
        for part in world.aside:
            part.close()

    at_once(story())


@pytest.mark.parametrize(("seconds", "told"), [(15.0, []), (60.0, ["ERROR", "INFO"])])
def test_a_namespace_that_waits_is_told_of_once_that_lasts(
    caplog: pytest.LogCaptureFixture, seconds: float, told: list[str]
) -> None:
    caplog.set_level("INFO")
    cluster = Closed(may_write=False)
    world = World(cluster, clock=LoopClock())
    world.inbox.offer(world.cluster.apply(namespace="closed"))

    async def story() -> None:
        working = asyncio.create_task(world.courier().run())
        await asyncio.sleep(seconds)
        cluster.may_write = True
        await asyncio.gather(*world.aside)
        await asyncio.sleep(60.0)
        working.cancel()

    at_once(story())
    assert [r.levelname for r in caplog.records if r.getMessage().startswith("closed: ")] == told
