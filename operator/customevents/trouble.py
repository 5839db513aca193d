"""What fails again and again: tried later and later, told once, and so is its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from customevents.resource.errors import ClusterError, Conflict, CustomEventsError
from customevents.resource.times import doubled

logger = logging.getLogger(__name__)

#: Seconds between two tries: at first, and at most unless Retry-After says longer.
SOONEST, LATEST = 0.1, 2.0

#: The share of a wait that is always waited for; the rest is jitter.
LEAST = 0.75

#: Seconds between two tries of a request for one object, at most, where none are asked for.
LONGEST_PAUSE = 10.0

#: Seconds until what failed for one object's sake is tried again, at most.
LONGEST_WAIT = 300.0

#: Seconds of trouble after which a person should know; an API server restarts in less.
LASTING = 30.0


@dataclass
class _Spell:
    """Failures without a success between them."""

    #: Uptime, and what clocks showed then.
    since: float
    began: datetime
    failures: int = 0
    words: str = ""
    #: The statuses that were told; 0: no answer.
    told: set[int] = field(default_factory=set)


class Trouble:
    """What a request meets, from its first failure to its next success; true as long as it does."""

    def __init__(
        self,
        what: str,
        over: str,
        *,
        uptime: Callable[[], float],
        wall: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        """`what` is wrong, and what is well again when it is `over`; both begin a line.

        `chance` is drawn from 0 to 1.
        """
        self._what, self._over = what, over
        self._uptime, self._wall, self._chance = uptime, wall, chance
        self._spell: _Spell | None = None
        self._conflicted = False

    def __bool__(self) -> bool:
        return self._spell is not None

    def __str__(self) -> str:
        """One line that stays the same while the trouble does."""
        if self._spell is None:
            return ""
        since = self._spell.began.astimezone(UTC).isoformat(timespec="seconds")
        return f"{self._what}: {self._spell.words} (since {since})"

    @property
    def lasts(self) -> bool:
        """Whether this is a person's by now."""
        return self._spell is not None and self._uptime() - self._spell.since >= LASTING

    def failed(self, error: ClusterError | TimeoutError) -> float:
        """Note a failure, and tell it if it is the first of its kind; seconds until the next try.

        A conflict alone is no trouble: somebody else's write was quicker.
        """
        if isinstance(error, Conflict) and not (self._spell or self._conflicted):
            self._conflicted = True
            return 0.0
        spell = self._spell = self._spell or _Spell(self._uptime(), self._wall())
        status, wanted = 0, 0.0
        if isinstance(error, ClusterError):
            status, wanted = error.status, error.retry_after
        spell.words = str(error) or "the Kubernetes API did not answer in time"
        if status not in spell.told:
            logger.warning("%s: %s", self._what, spell.words)
            spell.told.add(status)
        longest = doubled(SOONEST, spell.failures, LATEST)
        spell.failures += 1
        # Replicas that were refused together must not come back together.
        return max(wanted, longest * (LEAST + (1.0 - LEAST) * self._chance()))

    def ended(self) -> None:
        """Note a success."""
        if self._spell:
            logger.info("%s after %.0f s", self._over, self._uptime() - self._spell.since)
        self._spell, self._conflicted = None, False


class Pauses:
    """The pauses between the tries of one request, and its trouble, told once."""

    def __init__(self, trouble: str) -> None:
        self._trouble = trouble
        self._told: set[int] = set()
        self._failures = 0
        self._crossed = False

    async def after_crossing(self, error: ClusterError) -> None:
        """Somebody else's write was quicker: the first costs no pause, but they may go on so."""
        if self._crossed:
            await self.after(error)
        self._crossed = True

    async def after(self, error: ClusterError) -> None:
        """Say what went wrong, if that is new, and wait before the next try."""
        if error.status not in self._told:
            logger.warning("%s yet: %s", self._trouble, error)
        self._told.add(error.status)
        self._failures += 1
        pause = doubled(0.25, self._failures, LONGEST_PAUSE)
        await asyncio.sleep(max(pause, min(error.retry_after, LONGEST_WAIT)))


@dataclass
class Stumbles:
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


def growing(failures: int) -> float:
    """Seconds until what failed for one object's sake is tried again: 1 s, doubling to 5 min."""
    return doubled(1.0, failures, LONGEST_WAIT)


def tell(path: str, what: str, error: BaseException) -> None:
    """Say what goes wrong with one object: in one line, or with a traceback if it is a defect."""
    defect = not isinstance(error, CustomEventsError)
    words = type(error).__name__ if defect else error
    logger.error("%s: %s: %s", path, what, words, exc_info=error if defect else None)
