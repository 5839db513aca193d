"""The long-running parts of a process, and the one future through which their failures are told.

No silent death: a part that raises, returns or is cancelled before the process is over is a
failure. Nothing is spawned and forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from customevents.resource.errors import PartFailed

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs the parts, until one fails or the process is asked to finish."""

    def __init__(self) -> None:
        #: Done: the process is to end. With an exception: a part failed.
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parts: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._unawaited: set[asyncio.Task[None]] = set()

    def own(self, part: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a part for as long as the process lives."""
        task = asyncio.create_task(part, name=name)
        task.add_done_callback(self._ended)
        self._parts.add(task)
        return task

    def drained(self, part: Coroutine[Any, Any, None], name: str) -> None:
        """Run a part that ends by itself when the process is over: `drain` waits for it."""
        self._ending.add(self.own(part, name))

    def aside(self, part: Coroutine[Any, Any, None], name: str, *, awaited: bool = True) -> None:
        """Run something that ends by itself; only its failure is one of the process.

        `drain` waits for it, unless it is not `awaited`.
        """
        task = asyncio.create_task(part, name=name)
        task.add_done_callback(self._aside_ended)
        (self._ending if awaited else self._unawaited).add(task)

    def fail(self, error: BaseException) -> None:
        """The process cannot go on for this reason."""
        if not self._over.done():
            logger.error("stopping: %s", error)
            self._over.set_exception(error)

    def finish(self) -> None:
        """The process is asked to end."""
        if not self._over.done():
            self._over.set_result(None)

    async def over(self) -> None:
        """Return when the process is to end. Raises what a part failed with."""
        await self._over

    async def unless_over(self, doing: Coroutine[Any, Any, T]) -> T | None:
        """The result, or None if the process is to end before that is there."""
        task = asyncio.create_task(doing)
        over: asyncio.Future[Any] = self._over
        await asyncio.wait([task, over], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait({task})
        return None

    async def drain(self, patience: float) -> int:
        """Wait for those that end by themselves; how many did not, after so many seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        # Looked at again and again: a part may leave something aside as it ends.
        while (left := self._unfinished()) and (still := end - loop.time()) > 0:
            await asyncio.wait(left, timeout=still, return_when=asyncio.FIRST_COMPLETED)
        for part in left | self._unawaited:
            part.cancel()
        return len(left)

    def _unfinished(self) -> set[asyncio.Task[None]]:
        return {part for part in self._ending if not part.done()}

    def _aside_ended(self, part: asyncio.Task[None]) -> None:
        self._ending.discard(part)
        self._unawaited.discard(part)
        if part.cancelled() or part.exception() is not None:
            self._ended(part)

    def _ended(self, part: asyncio.Task[None]) -> None:
        error = None if part.cancelled() else part.exception()
        self.fail(error or PartFailed(f"{part.get_name()} ended although nobody asked it to"))
