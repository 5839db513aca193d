"""Looks every minute for open work that the watch never showed.

A quiet cluster and a watch that has gone silent look the same from inside. So the open work is
listed now and then; what the inbox has never seen is taken in, and counted: the process is then not
believed any more, and Kubernetes restarts it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from customevents.delivery.inbox import Inbox
from customevents.resource.errors import ClusterError, Gone
from customevents.resource.event import CustomEvent, read_event

logger = logging.getLogger(__name__)

#: Seconds between two rounds.
EVERY = 60.0

#: What was written more recently may still be on its way through the watch.
FRESH = timedelta(seconds=30)


class Cluster(Protocol):
    """What the rounds need of Kubernetes; both raise ClusterError."""

    def open_work(self, namespaces: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
        """All events that are not finished; no namespaces: of all of them."""

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        """Read one CustomEvent; raises Gone."""


class Rounds:
    """Compares the cluster's open work with the inbox."""

    def __init__(
        self,
        inbox: Inbox,
        cluster: Cluster,
        namespaces: Sequence[str],
        *,
        clock: Callable[[], datetime],
        every: float = EVERY,
    ) -> None:
        self._inbox = inbox
        self._cluster = cluster
        self._namespaces = namespaces
        self._clock = clock
        self._every = every
        #: The event that is being read, as long as the watch shows nothing of it.
        self._reading = ""
        #: Events that the watch should have shown and did not.
        self.missed = 0

    def offer(self, event: CustomEvent) -> None:
        """The watch shows an event: what is read of it now may be older."""
        if event.uid == self._reading:
            self._reading = ""

    def forget(self, event: CustomEvent) -> None:
        """The watch shows that an event is deleted."""
        self.offer(event)

    async def run(self) -> None:
        """Go round for ever; an API server that is away is no finding."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self._look()
            except ClusterError as error:
                logger.warning("the open work cannot be listed: %s", error)

    async def _look(self) -> None:
        unseen = [
            event
            async for raw in self._cluster.open_work(self._namespaces)
            if (event := self._unseen(raw))  # now: a later page makes this one old
        ]
        for event in unseen:
            await self._look_closer(event)

    def _unseen(self, raw: dict[str, Any]) -> CustomEvent | None:
        try:
            event = read_event(raw)
        except ValueError:
            return None  # nobody can take it in; that was said when the watch showed it
        return event if self._is_unseen(event) else None

    def _is_unseen(self, event: CustomEvent) -> bool:
        old = event.changed < self._clock() - FRESH
        return old and not event.settled and not self._inbox.knows(event.uid)

    async def _look_closer(self, event: CustomEvent) -> None:
        """It may have been finished while the list was on its way."""
        self._reading = event.uid
        try:
            now = self._unseen(await self._cluster.get_event(event.namespace, event.name))
        except Gone:
            return
        if now is not None and self._reading == now.uid:
            self.missed += 1
            logger.error("the watch never showed %s: is it silent?", now.path)
            self._inbox.offer(now)
