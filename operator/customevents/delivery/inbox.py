"""Events that wait for their turn or for their time, keyed by uid; the newest edit wins.

One attempt per uid at a time: what is offered while an attempt is under way waits until that is
done. Waits are kept by a clock that only goes forward: the other one may be set at any time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from customevents.clocks import happened
from customevents.delay_queue import DelayQueue
from customevents.delivery.counters import Counters, count_deletion, count_edit
from customevents.delivery.echoes import ENDED, Echoes
from customevents.delivery.queues import Queues
from customevents.resource.event import CustomEvent
from customevents.resource.status import Reason, State

logger = logging.getLogger(__name__)

#: Seconds for which a look at an object is enough while the watch shows nothing.
LOOK_HOLDS = 5.0

#: Seconds after which due times are looked at again: while a machine is suspended they go on, and
#: whoever sleeps here does not notice.
LOOK_AGAIN = 60.0

#: Seconds between two looks for room: nobody calls who waits for it.
LOOK_FOR_ROOM = 1.0


class _Postponed(NamedTuple):
    due: float
    event: CustomEvent
    gated: bool


@dataclass
class _Out:
    """An event that is out at the courier, and what happened to it meanwhile."""

    event: CustomEvent
    #: None: it is out only because its status cannot be written.
    since: float | None
    #: The newest version that the watch showed, or somebody read.
    shown: CustomEvent | None = None
    deleted: bool = False
    #: The endpoint takes events again: it may be tried by this one as well.
    let_in: bool = False
    #: Reasons to wait that were over before this one was told them.
    over: set[Reason] = field(default_factory=set)
    #: When the object itself was last looked at.
    looked_at: float = float("-inf")


class Inbox:
    """The queue between the watch and the courier; it lives on one event loop.

    An event is in one of three places: ready (it waits for its turn), postponed (it waits for its
    time) or busy (it is out at the courier). Never in two: so one object has one attempt at a time.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        uptime: Callable[[], float],
        counters: Counters,
        *,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        """`uptime` counts seconds. While there is no `room` for an attempt, none is given out."""
        self._clock = clock
        self._uptime = uptime
        self._counters = counters
        self._room = room
        self._is_full = self._said_full = False
        self._queues = Queues()
        self._postponed: DelayQueue[_Postponed] = DelayQueue()
        self._busy: dict[str, _Out] = {}
        #: What we know before the watch shows it.
        self.echoes = Echoes(uptime)
        #: Namespaces ("" = all) whose changes go unseen, and events that may be gone since.
        self._blind: set[str] = set()
        self._doubtful: set[str] = set()
        #: How often there was a doubt: what was asked for before one does not end it.
        self.doubts = 0
        #: What was known before a namespace's first list, and was not in that yet.
        self._unlisted: dict[str, set[str]] = {}
        self._wake = asyncio.Event()
        #: One courier looks out for the next event, the others stand behind it: else each event
        #: would wake them all.
        self._door = asyncio.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._queues) + len(self._postponed)

    def oldest(self) -> datetime | None:
        """When the oldest of the events that shall be sent was written; None if none shall."""
        oldest: datetime | None = None
        for event in self._known():
            older = oldest is None or event.changed < oldest
            # A suspended one is meant to wait.
            if older and event.status.delivery.state is not State.SUSPENDED:
                oldest = event.changed
        return oldest

    def oldest_age(self) -> float:
        """Seconds since `oldest`; 0 if there is none."""
        oldest = self.oldest()
        return 0.0 if oldest is None else max(0.0, (self._clock() - oldest).total_seconds())

    @property
    def busy(self) -> int:
        """How many events are out at the courier."""
        return len(self._busy)

    def longest_busy(self) -> float:
        """Seconds for which the oldest of the busy events has been out; 0 if none is."""
        times = (out.since for out in self._busy.values() if out.since is not None)
        since = min(times, default=None)
        return 0.0 if since is None else self._uptime() - since

    def places(self) -> dict[str, int]:
        """How many events there are, by where they are."""
        return {
            "ready": self._queues.ready,
            "postponed": len(self._postponed),
            "blocked": self._queues.blocked,
            "busy": len(self._busy),
        }

    def offer(self, event: CustomEvent) -> None:
        """Take in an event as the watch shows it; older than what is known, it is ignored."""
        out = self._busy.get(event.uid)
        known = out.shown if out else self._find(event)
        newer = known is not None and known.resource_version > event.resource_version
        if self.echoes.is_stale(event) or newer:
            return
        if out is None:
            count_edit(self._counters, known, event)
            self._take_in(event)
            return
        if known is not None:
            count_edit(self._counters, known, event)
        out.shown = event

    def learn(self, event: CustomEvent) -> None:
        """Take in an event as it was read; the watch may still show it as it was before."""
        self.offer(event)
        self.echoes.was_read(event.uid, event.resource_version)

    def forget(self, event: CustomEvent, *, read: bool = False) -> None:
        """The object is deleted; an attempt that is under way ends by itself.

        `read`: by us, and the watch may still show it as it was.
        """
        if (out := self._busy.get(event.uid)) is not None:
            out.deleted = True
        elif self._is_news(event):
            count_deletion(self._counters, event)
        self._drop(event)
        if read:
            self.echoes.was_read(event.uid, ENDED)
        else:
            self.echoes.drop(event.uid)

    def settled(self, uid: str, fresh: CustomEvent | None) -> None:
        """An attempt of the last leader is on its object's record.

        `fresh` is the object now; None if that is gone, which is counted already.
        """
        # The watch runs already, where this took long, and may have shown it as it was before.
        known = self.known(uid)
        if fresh is not None and fresh.deleting:
            self.forget(fresh, read=True)
        elif fresh is None:
            if known is not None:
                self._drop(known)
            if uid in self._busy:
                self._busy[uid].deleted = True
            self.echoes.was_read(uid, ENDED)
        elif known is None:  # if it needs something, the watch will show that
            self.echoes.was_read(uid, fresh.resource_version)
        else:
            self.learn(fresh)

    async def take(self) -> CustomEvent | None:
        """The next event, busy until `done` is called for it; None once the inbox is closed."""
        async with self._door:
            while not self._closed:
                self._promote()
                if self._queues.any_ready and self._has_room():
                    return self._next()
                await self._until_something_happens()
        return None

    def done(
        self,
        event: CustomEvent,
        fresh: CustomEvent | None,
        again: datetime | None,
        *,
        gated: bool = False,
    ) -> None:
        """The courier is through with `event`; `fresh` is its object now, None if that is gone.

        With `again`, it is looked at again then, and if it is `gated`, already when `open_gate` is
        called; an edit that came meanwhile goes first.
        """
        # In this order: what is gone needs nothing; what the watch showed while it was out is newer
        # than what came of it; what our own write returned must not be taken for an edit when the
        # watch shows it; and what ended its waiting meanwhile would never call it again.
        out = self._busy.pop(event.uid)
        if out.deleted or fresh is None or fresh.deleting:
            if fresh is not None:
                count_deletion(self._counters, fresh)  # else whoever missed it has counted it
            if not out.deleted:  # it was read, and not shown yet
                self.echoes.was_read(event.uid, ENDED)
            self._drop(event)
            return
        self._expect(event, fresh, out.shown)
        if out.shown is not None and out.shown.resource_version > fresh.resource_version:
            count_edit(self._counters, event, out.shown)
            self._take_in(out.shown)
            return
        count_edit(self._counters, event, fresh)
        if (fresh.generation, fresh.resend) != (event.generation, event.resend):
            self._queue(fresh)  # edited under way; the watch will show nothing newer than this
        elif (gated and out.let_in) or fresh.status.delivered.reason in out.over:
            self._queue(fresh)  # what it was told is over meanwhile
        elif again is not None:
            self._postpone(fresh, again, gated)
        elif fresh.resource_version > event.resource_version and not fresh.needs_nothing:
            self._queue(fresh)  # somebody else's record stands there, and is of other content
        else:
            self._doubtful.discard(event.uid)  # it waits for nothing here any more

    def knows(self, uid: str) -> bool:
        """Whether an event waits here, is out, or was written or gone and not shown so since."""
        places: list[Container[str]] = [self._postponed, self._busy, self.echoes]
        return self._queues.get(uid) is not None or any(uid in place for place in places)

    def wants(self, raw: dict[str, Any]) -> bool:
        """Whether an object that is finished waits here as it was before, or was written.

        What was only read past the watch needs no second look: no version that is finished is work.
        """
        return self.knows(raw["metadata"].get("uid", ""))

    def known(self, uid: str) -> CustomEvent | None:
        """The newest version of an event that waits here or is out."""
        if (out := self._busy.get(uid)) is not None:
            return out.shown or out.event
        postponed = self._postponed.get(uid)
        return self._queues.get(uid) if postponed is None else postponed.event

    def uids(self, namespace: str) -> set[str]:
        """Of all that waits here or is out; the namespace "" is all of them."""
        return {event.uid for event in self._known() if namespace in ("", event.namespace)}

    def doubt(self, uids: set[str]) -> None:
        """These may be gone; what is done or gone meanwhile is in no doubt."""
        self.doubts += 1
        self._doubtful = (self._doubtful | uids) & self.uids("")

    def lists(self, namespace: str) -> None:
        """The watch of a namespace ("" = all) begins with a list: what is not in it is gone."""
        self.doubts += 1
        self._unlisted[namespace] = self.uids(namespace)

    def lost_sight(self, namespace: str) -> None:
        """Changes in a namespace ("" = in all) go unseen: what is known may be gone by now."""
        self._blind.add(namespace)
        self.echoes.lost_sight(namespace)
        self.doubt(self.uids(namespace))

    def sees(self, namespace: str) -> None:
        """The watch shows changes again; what its list did not confirm stays in doubt."""
        self._blind.discard(namespace)
        self.echoes.sees(namespace)
        if unlisted := self._unlisted.pop(namespace, None):  # else each stream would cost a count
            self.doubt(unlisted)

    def confirm(self, uid: str, asked: int | None = None) -> None:
        """An event was looked at and is there; if it has changed, it is offered as well.

        `asked` is how many `doubts` there were when the look was asked for; None: a list shows it.
        """
        if asked not in (None, self.doubts):
            return
        self._doubtful.discard(uid)
        for unlisted in self._unlisted.values():
            unlisted.discard(uid)
        if (out := self._busy.get(uid)) is not None:
            out.looked_at = self._uptime()

    def in_doubt(self) -> list[CustomEvent]:
        """Events that may be gone although the watch shows changes again."""
        if "" in self._blind:
            return []
        doubted = (event for event in self._known() if event.uid in self._doubtful)
        return [event for event in doubted if event.namespace not in self._blind]

    def is_doubtful(self, event: CustomEvent) -> bool:
        """Whether a busy event may be gone or changed, and nobody would have shown it."""
        if event.uid in self._doubtful:
            return True
        out = self._busy.get(event.uid)
        blind = not self._blind.isdisjoint(("", event.namespace))
        return blind and out is not None and self._uptime() - out.looked_at > LOOK_HOLDS

    def is_current(self, event: CustomEvent) -> bool:
        """Whether the watch has shown nothing newer of a busy event, nor its deletion."""
        out = self._busy.get(event.uid)
        if out is None or out.deleted:
            return out is None
        return out.shown is None or out.shown.resource_version <= event.resource_version

    def open_gate(self) -> None:
        """The endpoint takes events again: what waited for that is ready, in its order."""
        for out in self._busy.values():
            out.let_in = True
        waiting = sorted(
            (each for each in self._postponed if each.gated), key=lambda each: each.due
        )
        self._bring_forward(waiting)

    def release(self, reason: Reason) -> None:
        """What made events wait with this reason is over: they are ready."""
        for out in self._busy.values():
            out.over.add(reason)
        told = (each for each in self._postponed if each.event.status.delivered.reason == reason)
        self._bring_forward(list(told))

    def set_aside(self, event: CustomEvent) -> None:
        """Give out nothing of an event until `done`: its status cannot be written yet."""
        if (out := self._busy.get(event.uid)) is not None:
            out.since = None
            return
        waiting = self._find(event)
        self._remove(event)
        self._busy[event.uid] = _Out(event, since=None, shown=waiting)

    def block(self, namespace: str) -> None:
        """Give out nothing of a namespace, until `unblock`."""
        self._queues.block(namespace)

    def unblock(self, namespace: str) -> None:
        """The namespace's statuses can be written again."""
        self._queues.unblock(namespace)
        self._said_full &= self._queues.any_blocked
        self._wake.set()  # its attempts may have been what left no room for others

    def close(self) -> None:
        """Give out nothing more: every `take` returns None."""
        self._closed = True
        self._wake.set()

    def _is_news(self, event: CustomEvent) -> bool:
        """Whether an object's end, which may be read and then shown more than once, ends a wait."""
        waits = event.waits_for_a_person and not event.deleting
        return not self.echoes.has_ended(event.uid) and (self._find(event) is not None or waits)

    def _expect(self, event: CustomEvent, fresh: CustomEvent, shown: CustomEvent | None) -> None:
        """Believe no watch that shows an event as it was before it was written, if it was."""
        is_shown = shown is not None and shown.resource_version >= fresh.resource_version
        if fresh.resource_version > event.resource_version and not is_shown:
            self.echoes.expect(fresh)

    def _take_in(self, event: CustomEvent) -> None:
        self._postponed.remove(event.uid)
        if event.needs_nothing:
            self._remove(event)
        else:
            self._queue(event)

    def _find(self, event: CustomEvent) -> CustomEvent | None:
        """The version of an event that waits here."""
        postponed = self._postponed.get(event.uid)
        return self._queues.get(event.uid) if postponed is None else postponed.event

    def _known(self) -> Iterator[CustomEvent]:
        postponed = (waiting.event for waiting in self._postponed)
        busy = (out.event for out in self._busy.values())
        return itertools.chain(self._queues, postponed, busy)

    def _queue(self, event: CustomEvent) -> None:
        self._queues.put(event)
        self._wake.set()

    def _postpone(self, event: CustomEvent, due: datetime, gated: bool) -> None:
        at = self._uptime() + (due - self._clock()).total_seconds()
        self._postponed.put(event.uid, _Postponed(at, event, gated))
        self._wake.set()

    def _bring_forward(self, waiting: list[_Postponed]) -> None:
        for postponed in waiting:
            self._postponed.remove(postponed.event.uid)
            self._queue(postponed.event)

    def _drop(self, event: CustomEvent) -> None:
        self._remove(event)
        self._doubtful.discard(event.uid)

    def _remove(self, event: CustomEvent) -> None:
        self._postponed.remove(event.uid)
        self._queues.remove(event)

    def _promote(self) -> None:
        """Queue what is due."""
        while (waiting := self._postponed.pop_due(self._uptime())) is not None:
            self._queue(waiting.event)

    def _has_room(self) -> bool:
        self._is_full = not self._room()
        if not self._is_full:
            return True
        if not self._said_full:
            logger.error("nothing more is sent: too many results wait to be written")
        self._said_full = True
        return False

    def _next(self) -> CustomEvent:
        event = self._queues.take()
        self._busy[event.uid] = _Out(event, since=self._uptime())
        return event

    async def _until_something_happens(self) -> None:
        self._wake.clear()
        due = self._postponed.next_time
        wait = None if due is None else min(due - self._uptime(), LOOK_AGAIN)
        if self._is_full:
            wait = LOOK_FOR_ROOM
        await happened(self._wake, wait)
