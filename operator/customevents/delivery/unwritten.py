"""Results that are not on their objects yet: how they get there, and who waits for them meanwhile.

What is refused for what it is (by the schema, for its size) is its object's trouble: that waits
alone. What is refused for where it is (by a policy), or is not answered, is its namespace's; and so
is what many objects of one namespace meet alone, or the journal would fill with what they leave.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Protocol

from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.lifecycle import Verdict
from customevents.delivery.pacing import growing
from customevents.delivery.receipts import Receipts
from customevents.resource.errors import CustomEventsError, LeadershipLost, SchemaTooOld
from customevents.resource.event import CustomEvent
from customevents.resource.status import ResolvedScope

logger = logging.getLogger(__name__)

#: Seconds after which a status that cannot be written is left to be written aside.
LATE = 30.0

#: Objects of one namespace that may wait alone; with more, all of the namespace waits.
MOST_ALONE = 4

_BLOCKED = (
    "nothing of this namespace is sent until results can be written on its events; does a policy "
    "there refuse their status?"
)

#: Does a write: until it succeeds, or fails for what it is.
Write = Callable[[], Coroutine[Any, Any, CustomEvent | None]]


class Late(Exception):
    """A result that could not be written for so long that the slot is better used otherwise.

    Or one that is refused for what it is. `write` does the write anew.
    """

    def __init__(
        self, write: Write, writing: asyncio.Task[CustomEvent | None], *, of_attempt: bool
    ) -> None:
        super().__init__()
        self.write = write
        self.writing = writing
        self.of_attempt = of_attempt


class Aside(Protocol):
    """What runs beside the parts."""

    def __call__(
        self, part: Coroutine[Any, Any, None], name: str, /, *, awaited: bool = True
    ) -> None:
        """Run what ends by itself; a drain waits for it, if it is `awaited`."""


class Unwritten:
    """Keeps objects out of the inbox until their results are written.

    Their entries stay in the journal meanwhile, so that a crash loses none of them.
    """

    def __init__(
        self,
        receipts: Receipts,
        inbox: Inbox,
        journal: Journal,
        aside: Aside,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self.aside = aside
        self._receipts = receipts
        self._inbox = inbox
        self._journal = journal
        self._clock = clock
        #: uids by namespace: of those that wait alone, and of those for which it waits.
        self._alone: defaultdict[str, set[str]] = defaultdict(set)
        self._late: defaultdict[str, set[str]] = defaultdict(set)
        self._blocked: set[str] = set()

    async def write(
        self,
        event: CustomEvent,
        verdict: Verdict,
        resolved: ResolvedScope | None,
        *,
        of_attempt: bool,
    ) -> CustomEvent | None:
        """Put a verdict on its object. Raises Late if that takes too long: `keep` goes on with it.

        So it does if that of an attempt fails for good: without it, the event would be sent again.
        """

        def write() -> Coroutine[Any, Any, CustomEvent | None]:
            return self._receipts.write(event, verdict, resolved)

        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait({writing}, timeout=LATE)
        if not done or (of_attempt and _failed(writing)):
            raise Late(write, writing, of_attempt=of_attempt)
        return writing.result()

    def keep(
        self,
        event: CustomEvent,
        write: Write,
        writing: asyncio.Task[CustomEvent | None] | None = None,
        *,
        of_attempt: bool = False,
    ) -> None:
        """Go on writing a result, aside; `writing` is a write that has begun already.

        Who stops waits for what an attempt ended with: only this process knows that.
        """
        late = writing is not None and not writing.done()
        self._inbox.set_aside(event)
        if late:
            self._late[event.namespace].add(event.uid)
            self._judge(event.namespace)
        elif writing is not None and (error := writing.exception()) is not None:
            self._waits_alone(event, error)  # at once: its namespace may be at the end of patience
        # What waits alone may wait for days: who stops does not wait for it, the journal keeps it.
        awaited = late and of_attempt
        self.aside(self._finish(event, write, writing), f"status of {event.path}", awaited=awaited)

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
        self._inbox.done(event, fresh, self._clock())

    def _waits_alone(self, event: CustomEvent, error: BaseException) -> None:
        self._late[event.namespace].discard(event.uid)
        if event.uid not in self._alone[event.namespace]:
            tell(event.path, "its result cannot be written, and is tried again aside", error)
        self._alone[event.namespace].add(event.uid)
        self._judge(event.namespace)

    def _written(self, event: CustomEvent) -> None:
        self._alone[event.namespace].discard(event.uid)
        self._late.pop(event.namespace, None)  # statuses can be written there
        self._judge(event.namespace)

    def _judge(self, namespace: str) -> None:
        """Give a namespace a turn, or none."""
        waiting = len(self._alone[namespace]) + len(self._late[namespace])
        blocked = bool(self._late[namespace]) or waiting > MOST_ALONE
        if blocked and namespace not in self._blocked:
            logger.error("%s: %s", namespace, _BLOCKED)
            self._blocked.add(namespace)
            self._inbox.block(namespace)
        elif not blocked and namespace in self._blocked:
            logger.info("%s: results can be written there again", namespace)
            self._blocked.discard(namespace)
            self._inbox.unblock(namespace)


def _failed(writing: asyncio.Task[CustomEvent | None]) -> bool:
    error = writing.exception()
    return error is not None and not isinstance(error, SchemaTooOld)


def tell(path: str, what: str, error: BaseException) -> None:
    """Say what goes wrong with one object: in one line, or with a traceback if it is a defect."""
    defect = not isinstance(error, CustomEventsError)
    words = type(error).__name__ if defect else error
    logger.error("%s: %s: %s", path, what, words, exc_info=error if defect else None)
