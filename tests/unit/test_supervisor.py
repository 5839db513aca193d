"""How the parts of the process end."""

from __future__ import annotations

import asyncio

from customevents.supervisor import Supervisor
from unit.instant import at_once


def test_a_drain_also_waits_for_what_is_left_to_be_written_aside_meanwhile() -> None:
    """A status that is late during the drain goes on aside; its intent is in the journal."""
    written = []

    async def write() -> None:
        await asyncio.sleep(10.0)
        written.append("late")

    async def story() -> int:
        parts = Supervisor()

        async def courier() -> None:
            await asyncio.sleep(30.0)
            parts.aside(write(), "a status")

        parts.drained(courier(), "a courier")
        parts.finish()
        return await parts.drain(50.0)

    assert at_once(story()) == 0
    assert written == ["late"]


def test_a_drain_ends_with_its_patience_and_says_what_did_not() -> None:
    async def story() -> tuple[int, float]:
        parts, loop = Supervisor(), asyncio.get_running_loop()

        async def courier() -> None:
            await asyncio.sleep(30.0)
            parts.aside(asyncio.sleep(3600.0), "a status")

        parts.drained(courier(), "a courier")
        parts.finish()
        begun = loop.time()
        return await parts.drain(50.0), loop.time() - begun

    late, took = at_once(story())
    assert late == 1
    assert 50.0 <= took < 51.0


def test_a_drain_does_not_wait_for_what_may_wait_for_days() -> None:
    """A status that one object refuses; its intent is in the journal for the next leader."""
    ended = []

    async def wait_for_days() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            ended.append("at the drain")

    async def story() -> tuple[int, float]:
        parts, loop = Supervisor(), asyncio.get_running_loop()
        parts.aside(wait_for_days(), "a status", awaited=False)
        await asyncio.sleep(0)
        parts.finish()
        begun = loop.time()
        late = await parts.drain(50.0)
        await asyncio.sleep(0)
        return late, loop.time() - begun

    late, took = at_once(story())
    assert (late, ended) == (0, ["at the drain"])
    assert took < 1.0
