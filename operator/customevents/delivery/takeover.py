"""What a new leader does first: settle the attempts that the last one left in flight.

Their outcome is unknown, unless the object's record already counts them. Nothing of an object is
sent before that is on record.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from customevents.delivery import lifecycle, merging
from customevents.delivery.courier import LATE, Courier
from customevents.delivery.lease import Intent
from customevents.delivery.lifecycle import Verdict
from customevents.resource.errors import InvalidSpec, UnreadableEvent
from customevents.resource.event import CustomEvent
from customevents.resource.spec import parse_spec
from customevents.resource.status import ResolvedScope

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TakeOver:
    """Settles attempts on behalf of a courier that has not started yet."""

    courier: Courier
    #: Seconds: before this, an attempt of the last leader may still arrive.
    post_timeout: float

    async def settle(self, entries: Iterable[Intent]) -> None:
        """Put each attempt on its object's record, or find it there.

        A namespace whose statuses cannot be written does not hold up the others: it is settled
        aside, and blocked until then.
        """
        entries = list(entries)
        self.courier.receipts.taken_over.update(entry.uid for entry in entries)
        open_until = self.courier.clock() + timedelta(seconds=self.post_timeout)
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
            self.courier.inbox.block(namespace)
            here = [task for task in late if tasks[task] == namespace]
            self.courier.aside(self._unblock(here, namespace), f"settling in {namespace}")

    async def _settle(self, entry: Intent, open_until: datetime) -> CustomEvent | None:
        receipts = self.courier.receipts
        try:
            event = await receipts.find(entry.namespace, entry.name, entry.uid)
        except UnreadableEvent as error:
            # A newer version wrote it, and will count the attempt: it stays in the journal.
            logger.error("%s/%s cannot be read: %s", entry.namespace, entry.name, error)
            return None
        if event is None:
            logger.info("%s/%s was deleted before it was delivered", entry.namespace, entry.name)
            self.courier.counters.cancelled(entry.namespace)
        else:
            verdict = self._verdict(event, entry, open_until)
            if verdict is not None:
                self.courier.counters.unknown_outcome(entry.namespace)
                event = await receipts.write(event, verdict, _frozen(event, verdict))
        self.courier.journal.drop(entry.uid)
        return event

    async def _unblock(
        self, settling: Iterable[asyncio.Task[CustomEvent | None]], namespace: str
    ) -> None:
        for event in await asyncio.gather(*settling):
            if event is not None:
                self.courier.inbox.offer(event)  # what waits there may not know of the attempt yet
        self.courier.inbox.unblock(namespace)

    def _verdict(self, event: CustomEvent, entry: Intent, open_until: datetime) -> Verdict | None:
        """What the lost attempt makes of the record; None if that counts it already."""
        record = event.status.delivery
        if record.sequence > entry.sequence:
            return None
        if record.id == entry.delivery_id and record.attempts >= entry.attempt:
            return None
        now = self.courier.clock()
        try:
            spec = parse_spec(event.spec)
        except InvalidSpec as error:
            failed = merging.counted(lifecycle.invalid(event, str(error), now))
            # Past the lost attempt: it is counted once, and its id never used for another telling.
            record = failed.record.model_copy(update={"sequence": entry.sequence + 1})
            return replace(failed, record=record)
        current = lifecycle.current_record(event, spec, now)
        if current.id != entry.delivery_id:
            told = merging.superseded(event, spec, entry.sequence, now)
            # Not before what was lost, or the older content would stand behind the newer.
            due = told.record.model_copy(update={"next_attempt_time": open_until})
            return replace(told, record=due)
        verdict = self.courier.judge(spec, current, lifecycle.LOST)
        return merging.not_before(verdict, open_until)


def _frozen(event: CustomEvent, verdict: Verdict) -> ResolvedScope | None:
    """The scope of the recorded attempts under this id; the lost one's own is not known."""
    before = event.status.delivery
    same = before.id == verdict.record.id and before.attempts > 0
    return event.status.resolved if same else None
