"""Looks for what the watch has kept back.

A quiet cluster and a watch that has gone silent look the same from inside. So there are three looks
that do not need it: each write of our own must come back through it, the open work is listed every
minute, and everything every ten minutes, as an edit of what is finished stands in no other list.
Whatever is found is taken in and counted, and that namespace's watch is begun anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from customevents.delivery.inbox import Inbox
from customevents.resource.errors import ClusterError, Gone, UnreadableEvent
from customevents.resource.event import CustomEvent, looks_finished, read_event, read_same

logger = logging.getLogger(__name__)

#: Seconds between two looks for echoes, two lists of the open work, and two of everything.
ECHOES_EVERY, OPEN_WORK_EVERY, ALL_EVERY = 5.0, 60.0, 600.0

#: What was written more recently may still be on its way through the watch.
FRESH = timedelta(seconds=30)


class Lists(Protocol):
    """What is needed of Kubernetes; all raise ClusterError. The namespace "" is all."""

    def open_work(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """All events that are not finished."""

    def all_events(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """All events."""

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        """Read one CustomEvent; raises Gone."""


class Resync:
    """Compares the cluster with the inbox."""

    def __init__(
        self,
        inbox: Inbox,
        cluster: Lists,
        namespaces: Sequence[str],
        *,
        clock: Callable[[], datetime],
        uptime: Callable[[], float],
        renew: Callable[[str], None],
    ) -> None:
        """`renew` begins the watch of a namespace anew."""
        self._inbox = inbox
        self._cluster = cluster
        self._namespaces = namespaces or ("",)
        self._clock = clock
        self._uptime = uptime
        self._renew = renew
        #: The event that is being read, as long as the watch shows nothing of it.
        self._reading = ""
        #: What each namespace's lists were last refused with, as told.
        self._told: dict[str, str] = {}
        #: Namespaces whose watch was found silent in this look: that is told, and mended, once.
        self._silent: set[str] = set()
        #: What the last look at what is in doubt was refused with; None: it was not.
        self._doubts_refused: int | None = None
        #: Events, or changes of them, that the watch should have shown and did not.
        self.missed = 0

    def offer(self, event: CustomEvent) -> None:
        """The watch shows an event: what is read of it now may be older."""
        if event.uid == self._reading:
            self._reading = ""

    def forget(self, event: CustomEvent) -> None:
        """The watch shows that an event is deleted."""
        self.offer(event)

    def wants(self, raw: dict[str, Any]) -> bool:
        """Whether it is the object that is being read."""
        return bool(raw["metadata"].get("uid") == self._reading)

    async def run(self) -> None:
        """Look for ever; an API server that is away is no finding."""
        open_at, all_at = self._uptime() + OPEN_WORK_EVERY, self._uptime() + ALL_EVERY
        doubted: set[str] = set()
        while True:
            await asyncio.sleep(ECHOES_EVERY)
            self._miss_echoes()
            doubted = await self._look_at_doubts(doubted)
            if self._uptime() >= all_at:
                all_at = self._uptime() + ALL_EVERY
                await self.look_at_all()
            elif self._uptime() >= open_at:
                open_at = self._uptime() + OPEN_WORK_EVERY
                await self.look_at_open_work()

    async def look_at_open_work(self) -> None:
        """What is to be delivered, and whether the inbox knows it as it is."""
        for namespace in self._namespaces:
            await self._look(namespace, self._cluster.open_work(namespace))

    async def look_at_all(self) -> None:
        """Everything: also edits of what is finished, and what is gone."""
        for namespace in self._namespaces:
            unlisted = self._inbox.uids(namespace)
            if await self._look(namespace, self._cluster.all_events(namespace), unlisted):
                self._inbox.doubt(unlisted)

    def _miss_echoes(self) -> None:
        for namespace in self._inbox.echoes.pop_missing():
            logger.warning(
                "the watch does not show a status written in %s: is it silent?", namespace
            )
            self._renew(namespace)

    async def _look_at_doubts(self, before: set[str]) -> set[str]:
        """Look at what was in doubt before already; the rest may be confirmed on its own."""
        self._silent.clear()
        doubts = {event.uid: event for event in self._inbox.in_doubt()}
        for uid in before & doubts.keys():
            try:
                await self._look_closer(doubts[uid])
            except ClusterError as error:
                if self._doubts_refused != error.status:
                    logger.warning("what may be gone cannot be looked at, and waits: %s", error)
                self._doubts_refused = error.status
                break  # later; and nothing is sent that is in doubt
        else:
            self._doubts_refused = None
        return set(doubts)

    async def _look(
        self,
        namespace: str,
        listed: AsyncIterator[dict[str, Any]],
        unlisted: set[str] | None = None,
    ) -> bool:
        """Whether the list was had; what is in it is taken out of `unlisted`."""
        missed = []
        self._silent.clear()
        try:
            async for raw in listed:
                if unlisted:
                    unlisted.discard(raw["metadata"].get("uid"))
                if event := self._missed(raw):  # now: a later page makes this one old
                    missed.append(event)
            for event in missed:
                if self._is_missed(event):  # the watch that was begun anew shows them all
                    await self._look_closer(event)
        except ClusterError as error:
            where = f" of namespace {namespace}" if namespace else ""
            if self._told.get(namespace) != str(error):
                logger.warning("the events%s cannot be listed: %s", where, error)
            self._told[namespace] = str(error)
            return False
        self._told.pop(namespace, None)
        return True

    def _missed(self, raw: dict[str, Any]) -> CustomEvent | None:
        """The object, if the inbox does not know it like this and should."""
        if looks_finished(raw) and self._inbox.known(raw["metadata"].get("uid")) is None:
            return None  # of most it is enough to know this
        try:
            event = read_event(raw)
        except UnreadableEvent:
            return None  # nobody can take it in; that was said when the watch showed it
        return event if self._is_missed(event) else None

    def _is_missed(self, event: CustomEvent) -> bool:
        if event.changed >= self._clock() - FRESH:
            return False
        known = self._inbox.known(event.uid)
        if known is None:
            return not event.needs_nothing and not self._inbox.knows(event.uid)
        is_newer = event.resource_version > known.resource_version
        return is_newer and (event.generation, event.resend) != (known.generation, known.resend)

    async def _look_closer(self, event: CustomEvent) -> None:
        """Read it: it may have changed while the list was on its way. Raises ClusterError."""
        self._reading, asked = event.uid, self._inbox.doubts
        try:
            raw = await self._cluster.get_event(event.namespace, event.name)
            now = read_same(raw, event.uid)
        except Gone:
            return self._inbox.forget(event, read=True)
        except UnreadableEvent:
            return self._inbox.confirm(event.uid, asked)  # it is there; nobody can say more
        if now is None or now.deleting:
            self._inbox.forget(event, read=True)
        elif self._reading == now.uid:
            self._inbox.confirm(now.uid, asked)
            if self._is_missed(now):
                self._miss(now)
        return None

    def _miss(self, event: CustomEvent) -> None:
        self.missed += 1
        self._inbox.learn(event)
        if event.namespace in self._silent:
            return
        self._silent.add(event.namespace)
        logger.error("the watch never showed %s as it is: is it silent?", event.path)
        self._renew(event.namespace)
