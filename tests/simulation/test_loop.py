"""The loop of the simulated world: what asyncio promises holds in it, and time costs nothing."""

from __future__ import annotations

import asyncio
import time
from contextvars import Context
from functools import partial
from random import Random

import pytest

from simulation.loop import OWNER, HotLoop, Process, SimulatedLoop, new_loop


async def _count(into: list[str], name: str, seconds: float) -> None:
    for _ in range(3):
        await asyncio.sleep(seconds)
        into.append(name)


def _start(loop: SimulatedLoop, owner: Process, into: list[str], seconds: float) -> None:
    context = Context()
    context.run(OWNER.set, owner)
    loop.create_task(_count(into, owner.name, seconds), context=context)


def test_an_hour_passes_in_no_time() -> None:
    loop, said = new_loop(None), list[str]()
    _start(loop, Process("a"), said, 1200.0)
    begun = time.monotonic()
    loop.run_until(3600.0)
    assert said == ["a"] * 3
    assert loop.time() == 3600.0
    assert time.monotonic() - begun < 60.0


def test_the_order_of_what_is_ready_follows_from_the_seed_and_from_nothing_else() -> None:
    orders = []
    for seed in (*range(20), *range(20)):
        loop, said = new_loop(Random(seed)), list[str]()
        for name in "abc":
            _start(loop, Process(name), said, 1.0)
        loop.run_until(10.0)
        orders.append("".join(said))
    assert orders[:20] == orders[20:]
    assert len(set(orders)) > 10


def test_nothing_of_a_killed_process_runs_again() -> None:
    loop, said, killed = new_loop(None), list[str](), Process("a")
    _start(loop, killed, said, 1.0)
    _start(loop, Process("b"), said, 1.0)
    loop.run_until(1.5)
    killed.is_dead = True
    loop.run_until(10.0)
    assert said == ["a", "b", "b", "b"]
    loop.discard()
    assert said == ["a", "b", "b", "b"]
    assert not loop.errors


def test_a_stopped_process_goes_on_where_it_stood() -> None:
    loop, said, stopped = new_loop(None), list[str](), Process("a")
    _start(loop, stopped, said, 1.0)
    loop.run_until(1.5)
    stopped.is_stopped = True
    loop.run_until(60.0)
    assert said == ["a"]
    loop.resume(stopped)
    loop.run_until(62.5)
    assert said == ["a"] * 3


def test_calls_from_another_thread_keep_their_order() -> None:
    for seed in range(20):
        loop, said = new_loop(Random(seed)), list[int]()
        for number in range(10):
            loop.call_soon_threadsafe(said.append, number)
            loop.call_soon(lambda: None)
        loop.run_until(1.0)
        assert said == list(range(10))


def test_what_runs_in_circles_is_found() -> None:
    said, pause = list[str](), partial(asyncio.sleep, 0)

    async def spin() -> None:
        while not said:
            await pause()

    loop = new_loop(None)
    loop.create_task(spin())
    with pytest.raises(HotLoop):
        loop.run_until(1.0)
    loop.discard()


def test_a_step_that_looks_at_the_clock_for_ever_is_found() -> None:
    async def wait() -> None:
        while loop.look() < 5.0:
            pass

    loop = new_loop(None)
    loop.create_task(wait())
    with pytest.raises(HotLoop):
        loop.run_until(1.0)
    loop.discard()
