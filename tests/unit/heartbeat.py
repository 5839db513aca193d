"""Whether the event loop stays awake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: Seconds; more than a process waits for a core, less than the trouble that must not hold it up.
HELD_UP = 2.0


@asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """By how much the event loop was late, each time that it was asked, in seconds."""
    late: list[float] = []

    async def beat() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            late.append(loop.time() - due)

    beating = asyncio.create_task(beat())
    try:
        yield late
    finally:
        beating.cancel()
