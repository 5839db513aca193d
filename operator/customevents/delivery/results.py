"""What came of events, on its way to their objects; and who waits for it meanwhile.

A result that cannot be written at once is written aside. What is refused for what it is (by the
schema, for its size) is its object's trouble: that waits alone. What is refused for where it is (by
a policy), or is not answered, is its namespace's; and so is what many objects of one namespace meet
alone, or the journal would fill with what they leave.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Protocol

from customevents.delivery import state
from customevents.delivery.counters import Counters
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.state import Ending, Moment
from customevents.delivery.status_writer import StatusWriter
from customevents.resource.errors import CustomEventsError, LeadershipLost, SchemaTooOld
from customevents.resource.event import CustomEvent
from customevents.resource.lease import Intent
from customevents.resource.times import later
from customevents.trouble import LASTING, Stumbles, growing, tell

logger = logging.getLogger(__name__)

#: Seconds after which a status that cannot be written is left to be written aside. Until then it
#: holds a courier, which is everybody's.
LATE = 3.0

#: Seconds until one is looked at again that nothing could be said of without the Lease.
LOOK_AGAIN = 10.0

#: Objects of one namespace that may wait alone; with more, all of the namespace waits.
MOST_ALONE = 4

_BLOCKED = (
    "nothing of this namespace is sent until results can be written on its events; does a policy "
    "there refuse their status?"
)

#: Does a write: until it succeeds, or fails for what it is.
Write = Callable[[], Coroutine[Any, Any, CustomEvent | None]]


class Aside(Protocol):
    """What runs beside the parts."""

    def __call__(
        self, part: Coroutine[Any, Any, None], name: str, /, *, awaited: bool = True
    ) -> None:
        """Run what ends by itself; a drain waits for it, if it is `awaited`."""


class Results:
    """Writes how events ended, and gives them back to the inbox.

    An object whose result is not on it stays out of the inbox, and its entry in the journal: so a
    crash loses none of them.
    """

    def __init__(
        self,
        writer: StatusWriter,
        inbox: Inbox,
        journal: Journal,
        moment: Callable[[], Moment],
        counters: Counters,
        aside: Aside,
    ) -> None:
        self._writer = writer
        self._inbox = inbox
        self._journal = journal
        self._moment = moment
        self._counters = counters
        self._aside = aside
        self._stumbles = Stumbles()
        #: uids by namespace: of those that wait alone, and of those for which it waits.
        self._alone: defaultdict[str, set[str]] = defaultdict(set)
        self._late: defaultdict[str, set[str]] = defaultdict(set)
        #: Namespaces that a new leader has not settled yet.
        self._unsettled: set[str] = set()
        #: Those that wait, with what tells of it once it lasts.
        self._blocked: dict[str, asyncio.TimerHandle] = {}

    async def record(self, event: CustomEvent, ending: Ending) -> None:
        """Put what came of an event on its object, however long that takes."""
        verdict = ending.verdict
        if ending.lost is not None:
            return self.keep_lost(event, ending.lost)
        if verdict is None:
            return self._give_back(event, event, ending)
        if not ending.attempted and not self._journal.election.valid:
            # Another may lead by now, and see it otherwise: each would answer what the other wrote.
            again = later(self._moment().now, LOOK_AGAIN)
            return self._inbox.done(event, event, again, gated=ending.gated)

        def write() -> Coroutine[Any, Any, CustomEvent | None]:
            return self._writer.write(event, verdict)

        writing = asyncio.create_task(write())
        await asyncio.wait({writing}, timeout=LATE)
        error = writing.exception() if writing.done() else None
        if isinstance(error, SchemaTooOld):
            # Nothing is sent any more; the journal keeps the attempt whose result is nowhere.
            return self._inbox.set_aside(event)
        if not writing.done() or (error and ending.attempted):
            return self.keep(event, write, writing, attempted=ending.attempted)
        if error is not None:
            again = later(self._moment().now, self._trip(event, error))
            return self._inbox.done(event, event, again)
        return self._give_back(event, writing.result(), ending)

    def stumbled(self, event: CustomEvent, error: Exception) -> Ending:
        """The operator tripped over an event; an attempt that may have been made is not lost."""
        lost = self._journal.entry(event.uid)
        seconds = self._trip(event, error)
        if lost is not None:
            return Ending(lost=lost)
        kind = "" if isinstance(error, CustomEventsError) else type(error).__name__
        return state.stumbled(event, kind, seconds, self._moment())

    async def look(self, event: CustomEvent) -> None:
        """Have the inbox know how an event's object is now. Raises ClusterError."""
        asked = self._inbox.doubts
        found = await self._writer.look(event.namespace, event.name, event.uid)
        if found is None or found.deleting:
            self._inbox.forget(event, read=True)
        else:
            self._inbox.confirm(event.uid, asked)
            self._inbox.learn(found)

    def open_until(self, uid: str) -> datetime | None:
        """Until when an attempt of the last leader may still arrive; None: there was none."""
        return self._writer.taken_over.get(uid)

    def hold(self, namespace: str) -> None:
        """Send nothing of a namespace, until `let_go`: attempts of the last leader wait there."""
        self._unsettled.add(namespace)
        self._look_at(namespace)

    def let_go(self, namespace: str) -> None:
        """They are settled, or wait alone."""
        self._unsettled.discard(namespace)
        self._look_at(namespace)

    def keep_lost(self, event: CustomEvent, lost: Intent) -> None:
        """Nothing of an event is sent before an attempt that nobody saw the end of is counted."""
        self.keep(event, lambda: self.settle(lost, self._moment().now))

    async def settle(self, entry: Intent, open_until: datetime) -> CustomEvent | None:
        """Put an attempt that nobody saw the end of on its object's record, or find it there.

        Until `open_until`, that attempt may still arrive. None if the object is gone.
        """
        event = await self._writer.find(entry.namespace, entry.name, entry.uid)
        if event is None:
            logger.info("%s/%s was deleted before it was delivered", entry.namespace, entry.name)
            self._counters.cancelled(entry.namespace)
            return None
        verdict = state.lost(event, entry, open_until, self._moment())
        if verdict is None:
            return event
        written = await self._writer.write(event, verdict)
        self._counters.unknown_outcome(entry.namespace)
        return written

    def keep(
        self,
        event: CustomEvent,
        write: Write,
        writing: asyncio.Task[CustomEvent | None] | None = None,
        *,
        attempted: bool = False,
    ) -> None:
        """Go on writing a result, aside; `writing` is a write that has begun already.

        Who stops waits for what an attempt ended with: only this process knows that.
        """
        late = writing is not None and not writing.done()
        self._inbox.set_aside(event)
        self._journal.leave(event.uid)
        if late:
            self._late[event.namespace].add(event.uid)
            self._look_at(event.namespace)
        elif writing is not None and (error := writing.exception()) is not None:
            self._waits_alone(event, error)  # at once: its namespace may be at the end of patience
        # What waits alone may wait for days: who stops does not wait for it, the journal keeps it.
        awaited = late and attempted
        self._aside(self._finish(event, write, writing), f"status of {event.path}", awaited=awaited)

    def _give_back(self, event: CustomEvent, fresh: CustomEvent | None, ending: Ending) -> None:
        if not ending.tripped:
            self._stumbles.over(event.uid)
        if ending.attempted:
            self._journal.drop(event.uid)
        self._inbox.done(event, fresh, ending.again, gated=ending.gated)

    def _trip(self, event: CustomEvent, error: BaseException) -> float:
        """The seconds until an event is looked at again that cannot be handled; told once."""
        if not self._stumbles.times(event.uid):
            tell(event.path, "it cannot be handled, and is looked at again", error)
        return self._stumbles.again(event.uid)

    async def _finish(
        self,
        event: CustomEvent,
        write: Write,
        writing: asyncio.Task[CustomEvent | None] | None,
    ) -> None:
        failures = 0
        while True:
            try:
                fresh = await (writing or write())
                break
            except SchemaTooOld:
                return  # nothing is sent any more
            except LeadershipLost:
                raise
            except Exception as error:
                self._waits_alone(event, error)
            writing = None
            await asyncio.sleep(growing(failures))
            failures += 1
        self._journal.drop(event.uid)
        self._written(event)
        self._inbox.done(event, fresh, self._moment().now)

    def _waits_alone(self, event: CustomEvent, error: BaseException) -> None:
        self._late[event.namespace].discard(event.uid)
        if event.uid not in self._alone[event.namespace]:
            tell(event.path, "its result cannot be written, and is tried again aside", error)
        self._alone[event.namespace].add(event.uid)
        self._look_at(event.namespace)

    def _written(self, event: CustomEvent) -> None:
        # Statuses can be written there: what still cannot be is its own trouble from now on.
        self._alone[event.namespace] |= self._late.pop(event.namespace, set())
        self._alone[event.namespace].discard(event.uid)
        self._look_at(event.namespace)

    def _look_at(self, namespace: str) -> None:
        """Give a namespace a turn, or none."""
        waiting = len(self._alone[namespace]) + len(self._late[namespace])
        is_late = bool(self._late[namespace]) or namespace in self._unsettled
        blocked = is_late or waiting > MOST_ALONE
        if blocked and namespace not in self._blocked:
            loop = asyncio.get_running_loop()
            telling = loop.call_later(LASTING, logger.error, "%s: %s", namespace, _BLOCKED)
            self._blocked[namespace] = telling
            self._inbox.block(namespace)
        elif not blocked and namespace in self._blocked:
            telling = self._blocked.pop(namespace)
            if telling.when() <= asyncio.get_running_loop().time():
                logger.info("%s: results can be written there again", namespace)
            telling.cancel()
            self._inbox.unblock(namespace)
