"""How soon an event is told, from when it was due to be created; nothing waits for anything."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import machine
from contestants import Contestant
from machine import Instant
from world import World, until

_number = itertools.count(1)

#: Events a second.
RATE = 20


@dataclass(frozen=True)
class Latency:
    """One run; milliseconds, sorted."""

    contestant: str
    milliseconds: list[float]
    #: Milliseconds of CPU an event.
    own_cpu: float


def latency(world: World, contestant: Contestant, seconds: float) -> Latency:
    """Create events at a steady rate beside a contestant that has nothing else to do."""
    with world.namespace(f"latency-{next(_number)}") as namespace:
        with contestant.start(world, namespace) as process:
            _warm_up(world, namespace)
            world.forget()
            events = round(RATE * seconds)
            before = Instant.now({"own": process.pid})
            with machine.on(machine.THEIRS):
                created = world.create([namespace], events, rate=RATE, prefix="late")
            until(lambda: world.posts() >= events)
            taken = before.until(Instant.now({"own": process.pid}))
            arrivals = world.arrivals()
        took = sorted((arrivals[each.name] - each.intended) / 1e6 for each in created)
        return Latency(contestant.name, took, 1000 * taken.processes["own"] / events)


def _warm_up(world: World, namespace: str) -> None:
    """Until it answers what is created, and its connections are there."""
    world.forget()
    world.create([namespace], 2 * RATE, rate=RATE, prefix="early")
    until(lambda: world.posts() >= 2 * RATE, within=60)
