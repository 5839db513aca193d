"""What a new leader does first: settle the attempts that the last one left in flight.

Their outcome is unknown, unless the object's record already counts them. Nothing of an object is
sent before that is on record.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.results import LATE, Aside, Results
from customevents.delivery.status_writer import StatusWriter
from customevents.resource.errors import LeadershipLost, SchemaTooOld
from customevents.resource.event import CustomEvent
from customevents.resource.lease import Intent
from customevents.trouble import LONGEST_WAIT, tell


@dataclass(frozen=True)
class Recovery:
    """Settles attempts before any courier starts."""

    results: Results
    writer: StatusWriter
    journal: Journal
    inbox: Inbox
    aside: Aside

    async def settle(self, entries: Iterable[Intent], open_until: datetime) -> None:
        """Put each attempt on its object's record, or find it there; it may arrive until then.

        A namespace whose statuses cannot be written does not hold up the others: it is settled
        aside, and blocked until then.
        """
        entries = list(entries)
        self.writer.taken_over.update((entry.uid, open_until) for entry in entries)
        tasks = {
            asyncio.create_task(self._settle(entry, open_until)): entry.namespace
            for entry in entries
        }
        if not tasks:
            return
        done, late = await asyncio.wait(tasks, timeout=LATE)
        for task in done:
            task.result()
        for namespace in {tasks[task] for task in late}:
            self.results.hold(namespace)
            here = [task for task in late if tasks[task] == namespace]
            # Who stops does not wait for it: the journal keeps what nobody knows more of.
            waiting = self._unblock(here, namespace)
            self.aside(waiting, f"settling in {namespace}", awaited=False)

    async def _settle(self, entry: Intent, open_until: datetime) -> None:
        """Settle one attempt, unless it has to wait for its object."""
        try:
            event = await self.results.settle(entry, open_until)
        except (LeadershipLost, SchemaTooOld):
            raise
        except Exception as error:
            await self._leave_aside(entry, open_until, error)
            return
        self._settled(entry, event)

    async def _leave_aside(self, entry: Intent, open_until: datetime, error: Exception) -> None:
        """One odd object keeps no leader from its work: its attempt stays in the journal."""
        path = f"{entry.namespace}/{entry.name}"
        tell(path, "its lost attempt cannot be settled yet", error)
        try:
            event = await self.writer.find(entry.namespace, entry.name, entry.uid)
        except Exception:
            # If a change makes it readable, the courier settles this attempt before the next.
            waiting = self._until_settled(entry, open_until)
            return self.aside(waiting, f"settling {path}", awaited=False)
        if event is None:
            return self._settled(entry, await self.results.settle(entry, open_until))
        self.results.keep(event, lambda: self.results.settle(entry, open_until))
        return None

    async def _until_settled(self, entry: Intent, open_until: datetime) -> None:
        """Look now and then whether an object that cannot be read can be, or is gone."""
        while self.journal.entry(entry.uid) == entry:
            await asyncio.sleep(LONGEST_WAIT)
            with contextlib.suppress(Exception):  # it is told already
                self._settled(entry, await self.results.settle(entry, open_until))

    async def _unblock(self, settling: Iterable[asyncio.Task[None]], namespace: str) -> None:
        try:
            await asyncio.gather(*settling)
        except SchemaTooOld:
            return  # nothing is sent any more, and readiness says so
        self.results.let_go(namespace)

    def _settled(self, entry: Intent, event: CustomEvent | None) -> None:
        """An attempt is on its object's record; one that was begun after it is not."""
        self.inbox.settled(entry.uid, event)  # what waits there may not know of it yet
        if self.journal.entry(entry.uid) == entry:
            self.journal.drop(entry.uid)
