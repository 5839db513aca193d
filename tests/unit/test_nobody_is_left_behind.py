"""Couriers, gate and inbox together: when the key is good again, no event goes on waiting.

Who misses that call waits for a minute. It can be missed in a moment: while a status is written,
at the gate, when the turn comes to say why one waits. So the moments are drawn at random.
"""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta

import pytest

from customevents.delivery.throttle import Throttle, TokenBucket
from customevents.eventsapi.answer import Answer
from customevents.resource.event import CustomEvent, read_event
from unit.builders import NOW, Clock
from unit.in_memory import MemoryApi, MemoryCluster, Raw, World
from unit.instant import at_once

EVENTS, COURIERS = 60, 16

#: Seconds until the key is replaced, at most: some still say why they wait. And from then until the
#: last event is delivered.
REFUSED, SOON = 4.0, 10.0


def seconds() -> float:
    return asyncio.get_running_loop().time()


class LoopClock(Clock):
    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=seconds())


class SlowCluster(MemoryCluster):
    """Takes its time with writes, and the watch with showing them."""

    def __init__(self, moments: random.Random) -> None:
        super().__init__()
        self.moments = moments
        self.shown_at = 0.0

    async def patch_status(self, event: CustomEvent, status: Raw) -> Raw:
        await asyncio.sleep(self.moments.choice((0.02, 0.2, 2.8)) * self.moments.random())
        raw = await super().patch_status(event, status)
        self.shown_at = max(self.shown_at, seconds() + self.moments.random())
        asyncio.get_running_loop().call_at(self.shown_at, self.shows, read_event(raw))
        await asyncio.sleep(0.1 * self.moments.random())
        return raw

    def shows(self, event: CustomEvent) -> None:
        """What the watch is to do with it."""


class RotatedKey(MemoryApi):
    """Refuses the key until it is replaced."""

    def __init__(self, moments: random.Random, good_at: float) -> None:
        super().__init__()
        self.moments = moments
        self.good_at = good_at

    async def post(self, body: Raw, delivery_id: str) -> Answer:
        await asyncio.sleep(0.05 * self.moments.random())
        if not self.is_good():
            return Answer(403)
        self.posts.append((body, delivery_id))
        return Answer(201)

    async def validate(self) -> Answer:
        await asyncio.sleep(0.3 * self.moments.random())
        return Answer(200 if self.is_good() else 403)

    async def key_changed(self) -> bool:
        return self.is_good()

    def is_good(self) -> bool:
        return seconds() >= self.good_at


async def rotation(seed: int) -> int:
    """How many of the events are delivered soon after the key was replaced."""
    moments = random.Random(seed)
    good_at = seconds() + REFUSED * moments.random()
    cluster, api = SlowCluster(moments), RotatedKey(moments, good_at)
    world = World(cluster=cluster, api=api, clock=LoopClock())
    cluster.shows = world.inbox.offer  # type: ignore[method-assign]
    world.throttle = Throttle(
        TokenBucket(rate=0.0, burst=1),
        api,
        uptime=seconds,
        opened=world.inbox.open_gate,
        warn=lambda *_: None,
    )
    for number in range(EVENTS):
        world.inbox.offer(world.cluster.apply(uid=f"{number}", name=f"event-{number}"))
    courier = world.courier()
    working = [asyncio.create_task(courier.run()) for _ in range(COURIERS)]
    probing = asyncio.create_task(world.throttle.run())
    await asyncio.sleep(good_at + SOON - seconds())
    for task in (*working, probing):
        task.cancel()
    return len({delivery_id for _, delivery_id in api.posts})


@pytest.mark.parametrize("seed", range(5, 10))
def test_when_a_refused_key_is_replaced_every_event_is_sent_soon(seed: int) -> None:
    assert at_once(rotation(seed)) == EVENTS
