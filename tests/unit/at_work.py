"""A courier at work in a world of its own, and what happens around it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from customevents.resource.event import CustomEvent
from customevents.resource.status import State
from unit.in_memory import World
from unit.instant import at_once


def play(world: World, story: Callable[[], Awaitable[None]], *, couriers: int = 1) -> None:
    """Let something happen to couriers that take events from the inbox, and to what is aside."""

    async def run_aside() -> None:
        running = set()
        while True:
            running |= {asyncio.create_task(part) for part in world.aside}
            world.aside.clear()
            await asyncio.sleep(0.1)

    async def played() -> None:
        courier = world.courier()
        delivering = asyncio.gather(*(courier.run() for _ in range(couriers)))
        aside = asyncio.create_task(run_aside())
        await story()
        world.inbox.close()
        await asyncio.wait_for(delivering, 120.0)
        aside.cancel()

    at_once(played())


async def seconds(world: World, passed: int) -> None:
    """Let time pass by all clocks, the courier's as well."""
    for _ in range(passed):
        world.clock.advance(1.0)
        await asyncio.sleep(1.0)


def apply(world: World, name: str, namespace: str = "shop") -> CustomEvent:
    """An event in the cluster and in the inbox; its name is its uid."""
    event = world.cluster.apply(uid=name, name=name, namespace=namespace)
    world.inbox.offer(event)
    return event


def posted(world: World) -> list[str]:
    """The objects whose events were posted."""
    return [body["details"]["customevents.dev/source"] for body, _ in world.api.posts]


def state(world: World, event: CustomEvent) -> State:
    """The state of an object as it is now."""
    return world.cluster.now(event).status.delivery.state
