"""What the operator spends while it storms."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from faults.storm.world import World
from promises.ear import cpu_seconds

#: Seconds between two looks.
EVERY = 5.0


@dataclass(frozen=True)
class Look:
    """What was spent up to a moment, and how much memory is used."""

    at: float
    cpu: float
    lines: int
    requests: int
    memory: float


class Meter:
    """Looks every few seconds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.looks = [self._look()]

    def look(self) -> None:
        """Look once more, and write it down."""
        now = self._look()
        self.looks.append(now)
        self._world.trace("meter", "look", memory=now.memory, cpu=now.cpu, lines=now.lines)

    def most(self, what: str) -> float:
        """The highest rate a second of "cpu", "lines" or "requests" over half a minute."""
        span = max(1, int(30 / EVERY))
        pairs = zip(self.looks, self.looks[span:], strict=False)
        return max((self._rate(what, *pair) for pair in pairs), default=self.mean(what))

    def mean(self, what: str) -> float:
        """The rate a second over all the time."""
        return self._rate(what, self.looks[0], self.looks[-1])

    def _rate(self, what: str, first: Look, last: Look) -> float:
        spent: float = getattr(last, what) - getattr(first, what)
        return spent / max(last.at - first.at, 0.1)

    def _look(self) -> Look:
        process = self._world.running.process.pid
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return Look(
            at=time.time(),
            cpu=cpu_seconds(process),
            lines=self._world.running.log.count("\n"),
            requests=len(self._world.proxy.requests),
            memory=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        )
