"""One thing that fails again and again: tried later and later, told once, and so is its end."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from customevents.resource.errors import ClusterError, Conflict

logger = logging.getLogger(__name__)

#: Seconds between two tries: at first, and at most unless Retry-After says longer.
SOONEST, LATEST = 0.1, 2.0

#: The share of a wait that is always waited for; the rest is jitter.
LEAST = 0.75

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
        self, what: str, over: str, *, uptime: Callable[[], float], wall: Callable[[], datetime]
    ) -> None:
        """`what` is wrong, and what is well again when it is `over`; both begin a line."""
        self._what, self._over = what, over
        self._uptime, self._wall = uptime, wall
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
        longest = min(LATEST, SOONEST * 2.0 ** min(spell.failures, 10))
        spell.failures += 1
        # Replicas that were refused together must not come back together.
        return max(wanted, longest * random.uniform(LEAST, 1.0))

    def ended(self) -> None:
        """Note a success."""
        if self._spell:
            logger.info("%s after %.0f s", self._over, self._uptime() - self._spell.since)
        self._spell, self._conflicted = None, False
