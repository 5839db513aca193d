"""Keeps each namespace watched: however a kopf ends, another is begun, for as long as it takes.

kopf ends for good on many an ordinary answer of the API server, and goes on for ever with streams
that show nothing. So it is supervised here; its first list shows what was missed. Each namespace
has a kopf of its own: the trouble of one is nobody else's.

All of them run on one thread with an event loop of its own: on the main thread kopf would take the
signals, and its first list of a large cluster would hold up everything else.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from asyncio import FIRST_COMPLETED
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import aiohttp
import uvloop

from customevents.answers import one_line
from customevents.clocks import happened
from customevents.resource.errors import CustomEventsError, WatchFailed
from customevents.resource.times import doubled
from customevents.sight import Eyes, Observer, Sight

logger = logging.getLogger(__name__)

#: Seconds until kopf is begun anew: doubled with each failure in a row, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

#: Where the API server gave no answer at all, to ask is cheap and to be late is not.
LONGEST_PAUSE_UNANSWERED = 5.0

#: Seconds within which kopf must ask for something: for a list, and again after each stream. It may
#: be told to wait for an hour, and would.
ASKS_WITHIN = 60.0

#: Seconds that the tasks of a kopf get to end.
ENDING = 5.0


class Connection(Protocol):
    """The way to the API server."""

    @property
    def server(self) -> str:
        """Its address."""

    def session(self, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        """A session that leads there as we do, for the event loop that runs."""


class Watch:
    """kopf on its thread, from `start` to `stop`."""

    def __init__(self, *, namespaces: Sequence[str]) -> None:
        """No namespaces: all of them."""
        self._watchers = {name: _Watcher(Sight(name)) for name in namespaces or ("",)}
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began: float | None = None

    @property
    def age(self) -> float | None:
        """Seconds since it last showed anything, or was started; None before that."""
        if self._began is None:
            return None
        shown = max(sight.shown_at for sight in self._sights)
        return time.monotonic() - max(self._began, shown)

    @property
    def restarts(self) -> int:
        """How often kopf ended, or was ended, and was begun anew."""
        return sum(watcher.restarts for watcher in self._watchers.values())

    @property
    def watching(self) -> Mapping[str, bool]:
        """Whether changes are seen, by namespace ("": all of them); empty before the start."""
        return {sight.namespace: not sight.trouble for sight in self._sights}

    @property
    def troubles(self) -> list[str]:
        """A line for each namespace that is not watched."""
        return [sight.trouble for sight in self._sights if sight.trouble]

    @property
    def is_deaf(self) -> bool:
        """Whether nothing at all is watched that should be."""
        return bool(self._sights) and all(sight.trouble for sight in self._sights)

    @property
    def helpless_for(self) -> float:
        """Seconds for which no new start of kopf has helped anywhere, though nobody refused it."""
        if any(sight.answered for sight in self._sights):
            return 0.0
        return min((sight.blind_for for sight in self._sights), default=0.0)

    def start(
        self, connection: Connection, observer: Observer, failed: Callable[[BaseException], None]
    ) -> None:
        """Start watching; both are called on the thread, `failed` if that ends before `stop`."""
        self._connection, self._observer, self._failed = connection, observer, failed
        self._began = time.monotonic()
        for sight in self._sights:
            sight.last_good = self._began
        self._thread.start()

    def renew(self, namespace: str) -> None:
        """Begin a namespace's watch anew: it has kept something back."""
        self._on_thread(self._watchers.get(namespace) or self._watchers[""])

    def stop(self) -> None:
        """Stop watching; returns when kopf is gone, mostly at once."""
        for watcher in self._watchers.values():
            watcher.stopping = True
            self._on_thread(watcher)
        if self._thread.is_alive():
            self._thread.join(timeout=ENDING)

    @property
    def _sights(self) -> list[Sight]:
        if self._began is None:
            return []
        return [watcher.sight for watcher in self._watchers.values()]

    def _on_thread(self, watcher: _Watcher) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(watcher.interrupted.set)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._watch())
        except BaseException as error:
            self._failed(error)

    async def _watch(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_forgotten)
        async with asyncio.TaskGroup() as group:
            for watcher in self._watchers.values():
                group.create_task(watcher.run(self._connection, self._observer))


class _Watcher:
    """Keeps one namespace watched."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.restarts = 0
        self.stopping = False
        #: Set where the kopf that runs is to end.
        self.interrupted = asyncio.Event()

    async def run(self, connection: Connection, observer: Observer) -> None:
        """Begin kopf anew whenever it has ended, until the process does."""
        failures, said = 0, set[str]()
        while not self.stopping:
            self.interrupted.clear()
            good = await self._watch(connection, observer)
            if self.stopping:
                return
            self.restarts += 1
            observer.lost(self.sight.namespace)
            failures, said = (1, set()) if good else (failures + 1, said)
            if self.sight.reason not in said:  # once for each trouble, not for each try
                said.add(self.sight.reason)
                logger.warning("not watching%s: %s", self.sight.where, self.sight.reason)
            await happened(self.interrupted, pause(failures, answered=self.sight.answered))

    async def _watch(self, connection: Connection, observer: Observer) -> bool:
        """One kopf, from its start to its end; whether it has watched for a while."""
        first = self.restarts == 0
        eyes = Eyes(self.sight, observer, first=first, server=connection.server)
        good_before = self.sight.last_good
        tasks = list[asyncio.Task[Any]]()
        try:
            async with connection.session(eyes) as session:
                try:
                    tasks += await self._spawn(connection.server, session, eyes.sieve.show)
                    tasks.append(asyncio.create_task(self.interrupted.wait()))
                    await _ended(tasks, eyes)
                finally:
                    await _end(tasks)
        except Exception as error:  # whatever the way to the API server trips over
            eyes.went_wrong(_words(error), answered=False)
        why = "it has kept something back" if self.interrupted.is_set() else _why(tasks, eyes)
        self.sight.lost(why, answered=eyes.answered)
        return self.sight.last_good > good_before

    async def _spawn(
        self,
        server: str,
        session: aiohttp.ClientSession,
        show: Callable[[str | None, dict[str, Any]], None],
    ) -> Collection[asyncio.Task[Any]]:
        from customevents import trigger  # kopf: not before there is something to watch

        return await trigger.spawn(server, session, show, self.sight.namespace)


def pause(failures: int, *, answered: bool) -> float:
    """Seconds until kopf is begun anew after so many failures in a row."""
    longest = LONGEST_PAUSE if answered else LONGEST_PAUSE_UNANSWERED
    return doubled(FIRST_PAUSE, failures - 1, longest)


def _why(tasks: Collection[asyncio.Task[Any]], eyes: Eyes) -> str:
    """Why kopf has ended: what it was answered, or else what it tripped over."""
    if eyes.reason:
        return eyes.reason
    ended = (task for task in tasks if task.done() and not task.cancelled())
    errors = [error for task in ended if (error := task.exception())]
    if errors:
        return f"kopf ended with {_words(errors[0])}"
    return "kopf has ended"


def _words(error: BaseException) -> str:
    if isinstance(error, CustomEventsError):
        return str(error)
    return f"{type(error).__name__}: {one_line(str(error))}"


async def _ended(tasks: Collection[asyncio.Task[Any]], eyes: Eyes) -> None:
    """Return when one of them has ended, or where kopf asks for nothing any more."""
    while (left := eyes.asked_at + ASKS_WITHIN - time.monotonic()) > 0:
        done, _ = await asyncio.wait(tasks, timeout=left, return_when=FIRST_COMPLETED)
        if done:
            return
    if not eyes.reason:  # nobody has refused it anything: a new process may help
        eyes.went_wrong(f"kopf has asked for nothing for {ASKS_WITHIN:.0f} s", answered=False)


def _forgotten(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Of requests that run side by side kopf hears the first that fails, and forgets the others."""
    if not _is_told(context.get("exception")):
        loop.default_exception_handler(context)


def _is_told(error: BaseException | None) -> bool:
    """Whether it is what a request met, which is said once for all: a traceback says no more."""
    met = isinstance(error, WatchFailed | aiohttp.ClientError | OSError)
    return met or type(error).__module__.startswith("kopf.")


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel them; what does not end in time is left to itself."""
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    ended, left = await asyncio.wait(tasks, timeout=ENDING)
    for task in ended:
        if not task.cancelled():
            task.exception()  # taken note of, so that asyncio does not complain
    if left:
        logger.warning("kopf does not end: %d of its tasks go on", len(left))
