"""How the parts of the process end."""

from __future__ import annotations

import asyncio

from customevents.parts import Parts
from unit.instant import at_once


def test_a_drain_also_waits_for_what_is_left_to_be_written_aside_meanwhile() -> None:
    """A status that is late during the drain goes on aside; its intent is in the journal."""
    written = []

    async def write() -> None:
        await asyncio.sleep(10.0)
        written.append("late")

    async def story() -> int:
        parts = Parts()

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
        parts, loop = Parts(), asyncio.get_running_loop()

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
