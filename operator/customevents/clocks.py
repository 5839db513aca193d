"""The clocks of the process: one that people read, one that measures; and waiting by them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def uptime() -> float:
    """Seconds since boot; they also count while the process or the machine is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def happened(event: asyncio.Event, seconds: float | None) -> None:
    """Return when it has happened, or after so many seconds; None: however long it takes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
