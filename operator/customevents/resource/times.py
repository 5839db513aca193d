"""Times as objects say them, and the one place where a duration is added to one, or grows.

Anybody may plant a time in an object: in year 0, in year 9999, or with an offset that leads out of
what a datetime can hold. None of them may stop the operator.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: What lies outside of these years was planted; within them there is room for every duration.
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def read_time(said: object) -> datetime | None:
    """A time in UTC; None if that is none, or lies outside of what is reckoned with."""
    if isinstance(said, str):
        said = _parse(said)
    if not isinstance(said, datetime):
        return None
    # Without an offset the API server takes it as well: as UTC.
    time = said if said.tzinfo else said.replace(tzinfo=UTC)
    return time.astimezone(UTC) if FIRST <= time <= LAST else None


def later(time: datetime, seconds: float) -> datetime:
    """So many seconds after a time, but never beyond what is reckoned with."""
    if seconds >= (LAST - time).total_seconds():
        return LAST
    return time + timedelta(seconds=seconds)


def doubled(first: float, times: int, longest: float) -> float:
    """Seconds: the first, doubled so many times, but no more than the longest."""
    return min(longest, first * 2.0 ** min(times, 32))


def _parse(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
