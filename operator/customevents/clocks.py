"""The clocks of the process: one that people read, and one that measures."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def uptime() -> float:
    """Seconds since boot; they also count while the process or the machine is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
