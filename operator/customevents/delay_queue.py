"""Things that wait for their time, by key."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

#: Timers that are kept beside those of the things that wait, before the rest is thrown away.
MOST_STALE = 64


class Dated(Protocol):
    """What waits; `due` is never changed."""

    @property
    def due(self) -> Any:
        """Its time: all in one queue can be compared."""


T = TypeVar("T", bound=Dated)


class DelayQueue(Generic[T]):
    """One thing a key; what is due first comes first, and of two at once what came first.

    A timer whose thing has gone, or has another time, is skipped when its own time comes.
    """

    def __init__(self) -> None:
        self._things: dict[str, T] = {}
        self._timers: list[tuple[Any, int, str]] = []
        self._ticket = itertools.count()

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, key: object) -> bool:
        return key in self._things

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())

    @property
    def next_time(self) -> Any:
        """When to ask for what is due, at the latest; None: there is nothing."""
        return self._timers[0][0] if self._timers else None

    def get(self, key: str) -> T | None:
        """What waits under this key."""
        return self._things.get(key)

    def put(self, key: str, thing: T) -> None:
        """Let it wait, in the place of what waited under its key."""
        before = self._things.get(key)
        self._things[key] = thing
        if before is None or before.due != thing.due:
            heapq.heappush(self._timers, (thing.due, next(self._ticket), key))
            self._tidy()

    def remove(self, key: str) -> T | None:
        """Let it wait no more; what it was."""
        thing = self._things.pop(key, None)
        self._tidy()
        return thing

    def pop_due(self, now: Any) -> T | None:
        """What is due by now, and waits no more; None: nothing is."""
        while self._timers and self._timers[0][0] <= now:
            due, _, key = heapq.heappop(self._timers)
            if self._waits(key, due):
                return self._things.pop(key)
        return None

    def _waits(self, key: str, due: Any) -> bool:
        thing = self._things.get(key)
        return thing is not None and thing.due == due

    def _tidy(self) -> None:
        """Throw the skipped timers away, once they are the greater part."""
        if len(self._timers) > 2 * len(self._things) + MOST_STALE:
            live = {timer[2]: timer for timer in self._timers if self._waits(timer[2], timer[0])}
            self._timers = list(live.values())
            heapq.heapify(self._timers)
