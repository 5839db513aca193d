"""An event loop whose waits take no time: for code that waits for nothing but the clock."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Hurry(selectors.DefaultSelector):
    """Puts the time that it should have waited on the clock, and returns at once."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits, and nothing will ever happen"
        self.skipped += max(0.0, timeout)
        return super().select(0)


class InstantLoop(asyncio.SelectorEventLoop):
    """A loop that never sleeps; its clock shows the time that would have passed.

    It starts at 0: a machine's own counts from its start, and would make its age matter.
    """

    def __init__(self) -> None:
        self._hurry = _Hurry()
        self._begun = super().time()
        super().__init__(self._hurry)

    def time(self) -> float:
        return super().time() - self._begun + self._hurry.skipped


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, however long that would take."""
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        return runner.run(work)
