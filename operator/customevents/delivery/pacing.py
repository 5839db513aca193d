"""When an attempt may be made: rate, breaker, pauses of the endpoint, and each event's own backoff.

All of it is taken before an attempt is committed, and time is injected: nothing here waits.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from customevents.resource.status import OutcomeClass

BASE_SECONDS = 2.0
LONGEST_SECONDS = 300.0

#: A Retry-After is obeyed up to this.
LONGEST_RETRY_AFTER = 3600.0

#: Endpoint failures in a row that open the breaker, and for how long it stays open.
FAILURES = 5
OPEN_SECONDS = 30.0

#: Seconds between two probes of an endpoint that refused the key.
PROBE_SECONDS = 60.0


def backoff(attempts: int, source: random.Random) -> timedelta:
    """How long to wait after this many attempts: random(0, min(5 min, 2 s x 2^attempts))."""
    most = min(LONGEST_SECONDS, BASE_SECONDS * 2.0 ** min(attempts, 16))
    return timedelta(seconds=source.uniform(0.0, most))


def growing(failures: int) -> float:
    """Seconds until what failed for one object's sake is tried again: 1 s, doubling to 5 min."""
    return min(LONGEST_SECONDS, 2.0 ** min(failures, 16))


def retry_after(header: str | None, now: datetime) -> float:
    """The seconds that a Retry-After asks for; 0 if it is absent, past or garbage.

    Two forms, seconds and an HTTP-date (RFC 9110, 10.2.3).
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_RETRY_AFTER)


@dataclass
class TokenBucket:
    """`rate` tokens a second, at most `burst` of them; a rate of 0 is no limit.

    It starts empty: a new leader knows nothing of what the last one sent.
    """

    rate: float
    burst: int
    _tokens: float = 0.0
    _at: float | None = None

    def wait(self, now: float) -> float:
        """Seconds until a token is there; 0 = now."""
        if self.rate <= 0:
            return 0.0
        self._tokens = self.tokens(now)
        self._at = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self.rate

    def tokens(self, now: float) -> float:
        """How many there are; until `wait` is first called, none."""
        since = now if self._at is None else self._at
        return min(float(self.burst), self._tokens + (now - since) * self.rate)

    def take(self) -> None:
        """Use the token that `wait` found."""
        if self.rate > 0:
            self._tokens -= 1.0


class BreakerState(StrEnum):
    """Whether the endpoint is believed to work."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass
class Breaker:
    """Opens after failures in a row; half-open, it lets one event go at a time.

    A new leader is half-open: it knows nothing of the endpoint yet.
    """

    closed: bool = False
    _failures: int = 0
    _open_until: float = float("-inf")
    _under_way: int = 0

    def state(self, now: float) -> BreakerState:
        """The state at this time."""
        if self.closed:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._open_until else BreakerState.HALF_OPEN

    def wait(self, now: float) -> float | None:
        """Seconds until an attempt may be made; None: until the one under way ends."""
        match self.state(now):
            case BreakerState.CLOSED:
                return 0.0
            case BreakerState.OPEN:
                return self._open_until - now
            case _:
                return None if self._under_way else 0.0

    def half_open(self) -> None:
        """Let one event go first."""
        self.closed = False

    def begin(self) -> None:
        """An attempt is made."""
        self._under_way += 1

    def end(self, outcome: OutcomeClass, code: int | None, now: float) -> None:
        """An attempt ended like this."""
        self._under_way -= 1
        if outcome is OutcomeClass.NOT_SENT:
            return
        unanswered = code is None and outcome is not OutcomeClass.ENDPOINT_LEVEL
        if unanswered or (code is not None and code >= 500):
            self._failures += 1
            if self._failures >= FAILURES:
                self.closed = False
                self._open_until = now + OPEN_SECONDS
            return
        self._failures = 0
        self.closed = True


@dataclass
class Tellings:
    """Which waiting events say in their status why they wait: the oldest, a few a second."""

    most: int = 100
    every: float = 0.1
    _due: dict[str, float] = field(default_factory=dict)
    _last: float = float("-inf")

    def turn(self, uid: str, now: float) -> float | None:
        """Seconds until it is this event's turn to say so; 0 = now; None: it stays silent."""
        if uid not in self._due:
            if len(self._due) >= self.most:
                return None
            self._last = self._due[uid] = max(now, self._last + self.every)
        return max(0.0, self._due[uid] - now)

    def reset(self) -> None:
        """Nobody waits any more."""
        self._due.clear()


@dataclass
class Troubles:
    """How often in a row the operator tripped over each object; of `most` objects at once.

    That is far more than are in trouble at any time: what is forgotten begins anew, and is told
    and tried as if nothing had been.
    """

    most: int = 100_000
    _times: dict[str, int] = field(default_factory=dict)

    def again(self, uid: str) -> float:
        """Count one more; the seconds until its next turn."""
        times = self._times.pop(uid, 0)
        if len(self._times) >= self.most:
            # It was without a turn for longest: mostly it is gone.
            del self._times[next(iter(self._times))]
        self._times[uid] = times + 1
        return growing(times)

    def times(self, uid: str) -> int:
        """How often it was, since it last went well."""
        return self._times.get(uid, 0)

    def over(self, uid: str) -> None:
        """It went well."""
        self._times.pop(uid, None)


@dataclass
class Pace:
    """All that an attempt waits for but its own turn; times in seconds of one monotonic clock."""

    bucket: TokenBucket
    breaker: Breaker = field(default_factory=Breaker)
    _paused_until: float = float("-inf")

    def wait(self, now: float) -> float | None:
        """Seconds until an attempt may be made; 0 = now; None: until another one ends."""
        trial = self.breaker.wait(now)
        if trial is None:
            return None
        return max(self._paused_until - now, trial, self.bucket.wait(now), 0.0)

    def paused(self, now: float) -> bool:
        """Whether the endpoint asked to be left alone until later."""
        return now < self._paused_until

    def held_back(self, now: float) -> bool:
        """Whether nothing may be sent now, not even what `wait` let go a moment ago."""
        return self.paused(now) or self.breaker.state(now) is BreakerState.OPEN

    def begin(self) -> None:
        """An attempt is made: call it when `wait` said 0."""
        self.bucket.take()
        self.breaker.begin()

    def end(self, outcome: OutcomeClass, code: int | None, pause: float, now: float) -> None:
        """An attempt ended; `pause` are the seconds that the endpoint asked for."""
        self.breaker.end(outcome, code, now)
        self._paused_until = max(self._paused_until, now + pause)
