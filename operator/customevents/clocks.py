"""The clocks of the process: one that people read, one that measures, and the API server's.

The times of objects are the API server's, so they are compared with its clock alone: this machine's
may be an hour off, or jump while an event waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: A Date outside of these years is not the time.
FIRST_YEAR, LAST_YEAR = 2020, 9000

#: Seconds within which two clocks agree.
AGREED = 60.0

#: Seconds for which no answer may have agreed with this machine, before others are believed again.
DOUBTED = 600.0

_EPOCH = datetime.fromtimestamp(0, UTC)


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def uptime() -> float:
    """Seconds since boot; they also count while the process or the machine is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ClusterClock:
    """The API server's clock, as its answers tell it; this machine's until one was heard.

    Between the answers it goes on by the time since boot, so that whoever sets this machine's clock
    changes nothing. It never goes back by less than a second: an answer tells no less than that.

    Of several API servers, one may be off: then the others agree with this machine, and two clocks
    are believed against one. Where no answer agrees with it, it is this machine that is off.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = now,
        uptime: Callable[[], float] = uptime,
    ) -> None:
        self._wall = wall
        self.uptime = uptime
        #: Seconds from the boot of this machine to the API server's epoch; None: not heard yet.
        self._offset: float | None = None
        self._shown = _EPOCH
        #: When an answer last agreed with this machine's clock, by the time since boot.
        self._agreed: float | None = None

    def now(self) -> datetime:
        """The time there."""
        if self._offset is None:
            return self._wall()
        time = _EPOCH + timedelta(seconds=self.uptime() + self._offset)
        if time > self._shown or self._shown - time > timedelta(seconds=1):
            self._shown = time
        return self._shown

    @property
    def skew(self) -> float | None:
        """Seconds by which this machine's clock is ahead of it; None: it was not heard yet."""
        return None if self._offset is None else (self._wall() - self.now()).total_seconds()

    def heard(self, date: str | None, asked: float) -> None:
        """An answer bore this Date; it was asked for at this uptime, and has just arrived."""
        told = _seconds(date)
        if told is None:
            return
        # It was written between then and now, and leaves out the fraction of its second.
        arrived = self.uptime()
        least, most = told - arrived, told + 1.0 - asked
        here = (self._wall() - _EPOCH).total_seconds() - arrived
        if least - AGREED <= here <= most + AGREED:
            self._agreed = arrived
        elif self._agreed is not None and arrived - self._agreed < DOUBTED:
            return
        believed = here if self._offset is None else self._offset
        # What is believed changes by no more than the answer makes sure of.
        self._offset = min(max(believed, least), most)


def _seconds(date: str | None) -> float | None:
    """Since the epoch; None: it is no Date (RFC 9110, 5.6.7), or not of our times."""
    try:
        told = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    if told.tzinfo is None or not FIRST_YEAR <= told.year <= LAST_YEAR:
        return None
    return told.timestamp()


async def happened(event: asyncio.Event, seconds: float | None) -> bool:
    """Return when it has happened, or after so many seconds; None: however long it takes.

    Whether it has.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
