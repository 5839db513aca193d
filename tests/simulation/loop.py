"""An event loop without real time, in which chance alone orders what is ready.

It has no thread, no socket and no clock. What is ready is run in an order that is drawn; where
nothing is, time goes on to the next timer. Each process of the simulated world owns what is called
in its context: so it can be stopped for a while, and killed between any two steps.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from random import Random
from typing import Any

#: Steps at one moment, and within one call of `run_until`, after which something runs in circles.
MOST_STEPS, MOST_IN_ALL = 20_000, 300_000


#: Seconds that a look at a clock takes: who waits for a time in a circle meets it in the end.
A_LOOK = 1e-6

#: Seconds that one step takes at most.
LONGEST_STEP = 1.0


class HotLoop(BaseException):
    """Something goes on and on, and lets nothing else run."""


class Process:
    """What owns steps: it can be killed, and stopped for a while."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_stopped = False
        #: What is ready while it is stopped.
        self.held: list[asyncio.Handle] = []


#: Whose step it is; None: the world's.
OWNER: ContextVar[Process | None] = ContextVar("owner", default=None)


class _Hashed:
    """Sets of tasks and futures have an order that is the same each time."""

    _number: int

    def __hash__(self) -> int:
        return self._number


class SimulatedFuture(_Hashed, asyncio.Future[Any]):
    """A future with a number of its own."""


class SimulatedTask(_Hashed, asyncio.Task[Any]):
    """A task with a number of its own."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Runs what is ready until a moment in virtual time, in seconds from 0."""

    def __init__(self, order: Random | None) -> None:
        """Without an `order`, what became ready first goes first, as in asyncio."""
        self._order = order
        self._now, self._step_began = 0.0, float("inf")
        self._ready: list[asyncio.Handle] = []
        #: Calls of one process from another thread keep their order.
        self._relayed: dict[Process | None, deque[asyncio.Handle]] = {}
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._ticket = itertools.count()
        self._tasks: list[SimulatedTask] = []
        #: What a callback raised, or a task that nobody awaited.
        self.errors: list[dict[str, Any]] = []
        self.steps = 0
        self._hot: HotLoop | None = None

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        # One call makes the next one ready: they are not drawn among each other.
        handle = asyncio.Handle(callback, args, self, context)
        waiting = self._relayed.setdefault(_owner(handle), deque())
        waiting.append(handle)
        if len(waiting) == 1:
            self._ready.append(asyncio.Handle(self._relay, (waiting,), self, handle._context))  # type: ignore[attr-defined]
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._ticket), handle))
        return handle

    def create_future(self) -> SimulatedFuture:
        future = SimulatedFuture.__new__(SimulatedFuture)
        future._number = next(self._ticket)
        future.__init__(loop=self)  # type: ignore[misc]
        return future

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> SimulatedTask:
        task = SimulatedTask.__new__(SimulatedTask)
        task._number = next(self._ticket)
        task.__init__(coro, loop=self, name=name, context=context)  # type: ignore[misc]
        self._tasks.append(task)
        if len(self._tasks) > 4096:
            self._tasks = [each for each in self._tasks if not each.done()]
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is skipped when its time comes."""

    # What the world asks of it.

    def look(self) -> float:
        """The time, for who looks at a clock within a step. Raises HotLoop."""
        self._now += A_LOOK
        if self._now - self._step_began > LONGEST_STEP:
            self._hot = HotLoop(f"a step goes on for {LONGEST_STEP} s, at {self._now:.3f} s")
            raise self._hot
        return self._now

    def run_until(self, moment: float) -> None:
        """Run all that is ready until this moment. Raises HotLoop."""
        asyncio._set_running_loop(self)
        try:
            self._run_until(moment)
        finally:
            asyncio._set_running_loop(None)

    def resume(self, process: Process) -> None:
        """Let a stopped process go on: what came meanwhile is ready at once."""
        process.is_stopped = False
        self._ready.extend(process.held)
        process.held.clear()

    def discard(self) -> None:
        """Forget all tasks without a word; nothing of them may matter any more."""
        asyncio._set_running_loop(self)
        hook, sys.unraisablehook = sys.unraisablehook, _unheard
        try:
            for task in self._tasks:
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    _close(task.get_coro())
            self._tasks.clear()
        finally:
            sys.unraisablehook = hook
            asyncio._set_running_loop(None)
        self._ready.clear()
        self._timers.clear()

    def _run_until(self, moment: float) -> None:
        at_once, most = 0, self.steps + MOST_IN_ALL
        while True:
            self._promote()
            if self._ready:
                self._step()
                at_once += 1
                if at_once > MOST_STEPS or self.steps > most:
                    raise HotLoop(f"{self.steps} steps until {self._now:.3f} s")
                continue
            at_once = 0
            if not self._timers or self._timers[0][0] > moment:
                self._now = max(self._now, moment)
                return
            self._now = max(self._now, self._timers[0][0])

    def _promote(self) -> None:
        """Make ready what is due."""
        while self._timers and self._timers[0][0] <= self._now:
            handle = heapq.heappop(self._timers)[2]
            if not handle.cancelled():
                self._ready.append(handle)

    def _step(self) -> None:
        handle = self._next()
        owner = _owner(handle)
        if handle.cancelled() or (owner is not None and owner.is_dead):
            return
        if owner is not None and owner.is_stopped:
            owner.held.append(handle)
            return
        self.steps += 1
        self._step_began = self._now
        handle._run()
        self._step_began = float("inf")
        if self._hot is not None:  # a task would keep it to itself
            raise self._hot

    def _next(self) -> asyncio.Handle:
        if self._order is None or len(self._ready) == 1:
            return self._ready.pop(0)
        chosen = int(self._order.random() * len(self._ready))
        self._ready[chosen], self._ready[-1] = self._ready[-1], self._ready[chosen]
        return self._ready.pop()

    def _relay(self, waiting: deque[asyncio.Handle]) -> None:
        handle = waiting.popleft()
        if waiting:
            self._ready.append(
                asyncio.Handle(self._relay, (waiting,), self, waiting[0]._context)  # type: ignore[attr-defined]
            )
        if not handle.cancelled():
            handle._callback(*handle._args)  # type: ignore[attr-defined]


def new_loop(order: Random | None) -> SimulatedLoop:
    """A loop of which asyncio asks no more than there is."""
    return SimulatedLoop(order)  # type: ignore[abstract]


def _owner(handle: asyncio.Handle) -> Process | None:
    return handle._context.get(OWNER)  # type: ignore[attr-defined, no-any-return]


def _unheard(_: object) -> None:
    """What ends here ends in the middle, and may say so to nobody."""


def _close(coroutine: Any) -> None:
    """End it where it stands; what it does to clean up reaches nobody."""
    for _ in range(100):
        try:
            coroutine.close()
        except BaseException:  # it awaits as it is closed: what is behind that is next
            continue
        return
