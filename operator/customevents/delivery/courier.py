"""The way of one event, in one straight line: scope, intent, POST, record.

The courier is the only part that sends, and with `receipts.py` the only one that writes status.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from customevents.delivery import lifecycle, merging, reaper
from customevents.delivery.counters import Counters, count_attempt, count_deletion
from customevents.delivery.drafts import Draft, Drafts, NoDraft
from customevents.delivery.gate import Closed, Gate
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.lease import Intent
from customevents.delivery.lifecycle import Leave, Policy, Send, Show, Verdict, Wait
from customevents.delivery.outcome import Outcome, asked_pause, classify
from customevents.delivery.pacing import Tellings, Troubles, backoff
from customevents.delivery.receipts import Receipts
from customevents.delivery.unwritten import LATE, Late, Unwritten, tell
from customevents.eventsapi.client import Answer, NoAnswer
from customevents.resource.errors import (
    ClusterError,
    CustomEventsError,
    InvalidSpec,
    KeyFileError,
    LeadershipLost,
    SchemaTooOld,
)
from customevents.resource.event import CustomEvent
from customevents.resource.spec import CustomEventSpec, parse_spec
from customevents.resource.status import DeliveryRecord, OutcomeClass, ResolvedScope
from customevents.resource.times import later
from customevents.scope.discovery import NotYet
from customevents.scope.resolve import NotAllowed

logger = logging.getLogger(__name__)

#: Seconds until an event is looked at again whose scope cannot be told yet, or that is suspended.
LOOK_AGAIN = 60.0

#: Seconds that a look at an event in doubt holds a courier up if it fails, and until the next one.
LOOK_PAUSE, LOOK_LATER = 1.0, 10.0

#: What proves that nothing was applied: the intent need not be kept until the result is recorded.
NOTHING_APPLIED = frozenset(
    {
        OutcomeClass.NEVER_ARRIVED,
        OutcomeClass.REFUSED_FOR_NOW,
        OutcomeClass.ENDPOINT_LEVEL,
        OutcomeClass.REFUSED,
    }
)


class EventsApi(Protocol):
    """What the courier needs of the remote side."""

    async def post(self, body: dict[str, Any], delivery_id: str) -> Answer | NoAnswer:
        """Send one event, once; raises KeyFileError before anything is sent."""


@dataclass(frozen=True)
class Handled:
    """An event's object as it is now (None: gone), and when to look at it again (None: never).

    `gated`: it waits for the endpoint, and is looked at again already when that works.
    """

    fresh: CustomEvent | None
    again: datetime | None = None
    gated: bool = False


@dataclass(frozen=True)
class Courier:
    """Takes events from the inbox, one after another, until that is closed."""

    inbox: Inbox
    journal: Journal
    gate: Gate
    receipts: Receipts
    api: EventsApi
    drafts: Drafts
    policy: Policy
    clock: Callable[[], datetime]
    jitter: random.Random
    unwritten: Unwritten
    tellings: Tellings
    uptime: Callable[[], float]
    counters: Counters
    troubles: Troubles = field(default_factory=Troubles)

    async def run(self) -> None:
        """Deliver until the inbox is closed; several of these run side by side."""
        while (event := await self.inbox.take()) is not None:
            if (lost := self.journal.entry(event.uid)) is not None:
                self._keep_lost(event, lost)
            else:
                await self._deliver(event)

    async def _deliver(self, event: CustomEvent) -> None:
        """Do what an event needs now; whatever goes wrong with it is its own trouble."""
        try:
            handled = await self.handle(event)
        except SchemaTooOld:
            # Nothing is sent any more; the journal keeps the attempt whose result is nowhere.
            self.inbox.set_aside(event)
        except Late as late:
            self.unwritten.keep(event, late.write, late.writing, of_attempt=late.of_attempt)
        except LeadershipLost:
            raise
        except Exception as error:
            await self._stumbled(event, error)
        else:
            self.troubles.over(event.uid)
            self.inbox.done(event, handled.fresh, handled.again, gated=handled.gated)

    async def _stumbled(self, event: CustomEvent, error: Exception) -> None:
        """Say that an event cannot be handled, and look at it again later."""
        if not self.troubles.times(event.uid):
            tell(event.path, "it cannot be handled, and is looked at again", error)
        again = later(self.clock(), self.troubles.again(event.uid))
        if (lost := self.journal.entry(event.uid)) is not None:
            self._keep_lost(event, lost)  # it may have been sent
            return
        fresh: CustomEvent | None = event
        verdict = lifecycle.stumbled(event, type(error).__name__)
        if verdict is not None and not isinstance(error, CustomEventsError):
            with contextlib.suppress(Exception):  # it is logged already
                async with asyncio.timeout(LATE):
                    fresh = await self.receipts.write(event, verdict, event.status.resolved)
        self.inbox.done(event, fresh, again)

    def _keep_lost(self, event: CustomEvent, lost: Intent) -> None:
        """Nothing of an event is sent before an attempt that nobody saw the end of is counted."""
        self.unwritten.keep(event, lambda: self.settle(lost, self.clock()))

    async def settle(self, entry: Intent, open_until: datetime) -> CustomEvent | None:
        """Put an attempt that nobody saw the end of on its object's record, or find it there.

        Until `open_until`, that attempt may still arrive.
        """
        event = await self.receipts.find(entry.namespace, entry.name, entry.uid)
        if event is None:
            logger.info("%s/%s was deleted before it was delivered", entry.namespace, entry.name)
            self.counters.cancelled(entry.namespace)
            return None
        verdict = merging.lost(
            event, entry, self._judge_lost, now=self.clock(), open_until=open_until
        )
        if verdict is None:
            return event
        written = await self.receipts.write(event, verdict, merging.frozen(event, verdict))
        self.counters.unknown_outcome(entry.namespace)
        return written

    def _judge_lost(self, spec: CustomEventSpec, record: DeliveryRecord) -> Verdict:
        return self.judge(spec, record, lifecycle.LOST)

    def drop(self, entry: Intent) -> None:
        """An attempt is settled; one that was begun after it is not."""
        if self.journal.entry(entry.uid) == entry:
            self.journal.drop(entry.uid)

    async def handle(self, event: CustomEvent) -> Handled:
        """Do what an event needs now. Raises Late."""
        if event.deleting:
            count_deletion(self.counters, event)
            return Handled(None)
        try:
            spec = parse_spec(event.spec)
        except InvalidSpec as error:
            return await self._settle(event, lifecycle.invalid(event, str(error), self.clock()))
        match lifecycle.next_step(event, spec, self.policy, self.clock()):
            case Send(record):
                handled = await self._attempt(event, spec, record)
            case Show(verdict):
                record = verdict.record
                handled = await self._show(event, spec, verdict)
            case Wait(until, restamp):
                record = event.status.delivery
                handled = Handled(await self._restamp(event) if restamp else event, until)
            case Leave(restamp):
                return Handled(await self._restamp(event) if restamp else event)
            case Verdict() as verdict:
                record = verdict.record
                handled = await self._settle(event, verdict)
        if handled.again is None:
            return handled
        expires = lifecycle.deadline(event, spec, self.policy, record)
        return replace(handled, again=min(handled.again, expires))

    async def _attempt(
        self, event: CustomEvent, spec: CustomEventSpec, record: DeliveryRecord
    ) -> Handled:
        """The straight line."""
        draft = await self.drafts.resolve(event, spec, record)
        if not isinstance(draft, Draft):
            return await self._without_scope(event, record, draft)
        resolved = draft.scope
        body = self.drafts.body(event, spec, record, resolved)

        expires = lifecycle.deadline(event, spec, self.policy, record)
        closed = await self._commit(event, record, expires)
        if closed is not None:
            return await self._wait_at_the_gate(event, record, resolved, closed)
        try:
            outcome, pause = await self._post(event, record, body)
        except KeyFileError as error:
            return await self._without_key(event, record, resolved, str(error))
        if outcome.kind in NOTHING_APPLIED:
            self.journal.drop(event.uid)

        verdict = draft.judged(self.judge(spec, record, outcome, pause))
        fresh = await self._write(event, verdict, resolved, of_attempt=True)
        self.journal.drop(event.uid)
        return Handled(fresh, verdict.record.next_attempt_time)

    async def _post(
        self, event: CustomEvent, record: DeliveryRecord, body: dict[str, Any]
    ) -> tuple[Outcome, float]:
        """One attempt: its outcome, and the seconds of pause that were asked for.

        However it ends, the gate that let it in is told so, once.
        """
        outcome, pause = _NOT_SENT, 0.0
        begun = self.uptime()
        try:
            result = await self.api.post(body, record.id)
            outcome, pause = classify(result), asked_pause(result, self.clock())
            took = self.uptime() - begun
            count_attempt(self.counters, event, outcome, took=took, now=self.clock())
        except KeyFileError as error:
            self.gate.pause(f"Not sent: {error}", about_the_key=True)
            raise
        finally:
            self.gate.leave(outcome, pause)
        return outcome, pause

    async def _commit(
        self, event: CustomEvent, record: DeliveryRecord, expires: datetime
    ) -> Closed | None:
        """Pass the gate and write the intent down; None: the attempt may be made now."""
        intent = Intent(
            uid=event.uid,
            delivery_id=record.id,
            namespace=event.namespace,
            name=event.name,
            sequence=record.sequence,
            attempt=record.attempts + 1,
        )
        while (closed := await self._enter(event)) is None:
            committed = False
            try:
                # The line at the gate may have been longer than a look is good for.
                if (unsettled := await self._settle_doubt(event)) is not None:
                    return unsettled
                if not self._stands(event, expires):
                    return Closed(0.0, "")
                begun = await self.journal.commit(intent)
                may_send = self.journal.may_send(begun) and self.gate.is_open
                committed = may_send and self._stands(event, expires)
            finally:
                if not committed:
                    # Trouble came, or this event changed or expired: nothing was sent on it.
                    self.gate.leave(_NOT_SENT)
                    self.journal.drop(event.uid)
            if committed:
                return None
        return closed

    async def _enter(self, event: CustomEvent) -> Closed | None:
        """Pass the gate; the watch may have missed before that the event is gone or changed."""
        return await self._settle_doubt(event) or await self.gate.enter()

    async def _settle_doubt(self, event: CustomEvent) -> Closed | None:
        if not self.inbox.is_doubtful(event):
            return None
        try:
            await self._look(event)
        except ClusterError as error:
            # Nobody spins; and it gives up its turn, as others may be well.
            await asyncio.sleep(max(LOOK_PAUSE, error.retry_after))
            return Closed(LOOK_LATER, "")
        return None

    async def _look(self, event: CustomEvent) -> None:
        found = await self.receipts.look(event.namespace, event.name, event.uid)
        if found is None or found.deleting:
            self.inbox.forget(event)
        else:
            self.inbox.confirm(event.uid)
            self.inbox.offer(found)

    def _stands(self, event: CustomEvent, expires: datetime) -> bool:
        """Whether it is still this that is to be sent."""
        is_known = self.inbox.is_current(event) and not self.inbox.is_doubtful(event)
        return is_known and self.clock() < expires

    async def _wait_at_the_gate(
        self, event: CustomEvent, record: DeliveryRecord, resolved: ResolvedScope, closed: Closed
    ) -> Handled:
        again = later(self.clock(), closed.seconds)
        if not closed.why or event.status.delivered.message == closed.why:
            return Handled(event, again, gated=True)
        turn = self.tellings.turn(event.uid, self.uptime())
        if turn != 0.0:
            soon = again if turn is None else later(self.clock(), turn)
            return Handled(event, min(soon, again), gated=True)
        fresh = await self._write(event, lifecycle.paused(record, closed.why), resolved)
        return Handled(fresh, again, gated=True)

    async def _without_key(
        self, event: CustomEvent, record: DeliveryRecord, resolved: ResolvedScope, why: str
    ) -> Handled:
        self.journal.drop(event.uid)
        retry_at = self._retry_at(record)
        verdict = lifecycle.not_sent(record, f"Not sent: {why}", retry_at)
        return Handled(await self._write(event, verdict, resolved), retry_at, gated=True)

    async def _without_scope(
        self, event: CustomEvent, record: DeliveryRecord, why: NoDraft
    ) -> Handled:
        if isinstance(why, NotYet):
            return Handled(event, why.until)
        if isinstance(why, NotAllowed):
            verdict = lifecycle.not_allowed(record, why.message, self.clock())
            return await self._settle(event, verdict)
        verdict = lifecycle.held(record, why.reason, why.message)
        return await self._look_again(event, verdict, None, why.again)

    async def _show(self, event: CustomEvent, spec: CustomEventSpec, verdict: Verdict) -> Handled:
        draft = await self.drafts.resolve(event, spec, verdict.record)
        if isinstance(draft, NotYet):
            return Handled(event, draft.until)
        if isinstance(draft, Draft):
            return await self._look_again(event, draft.judged(verdict), draft.scope)
        verdict = replace(verdict, message=f"{verdict.message}. {draft.message}")
        return await self._look_again(event, verdict, None)

    async def _look_again(
        self,
        event: CustomEvent,
        verdict: Verdict,
        resolved: ResolvedScope | None,
        again: datetime | None = None,
    ) -> Handled:
        fresh = await self._write(event, verdict, resolved)
        return Handled(fresh, again or later(self.clock(), LOOK_AGAIN))

    async def _settle(self, event: CustomEvent, verdict: Verdict) -> Handled:
        known = verdict.record.id == event.status.delivery.id
        resolved = event.status.resolved if known else None
        fresh = await self._write(event, verdict, resolved)
        return Handled(fresh, verdict.record.next_attempt_time)

    def judge(
        self, spec: CustomEventSpec, record: DeliveryRecord, outcome: Outcome, pause: float = 0.0
    ) -> Verdict:
        """The record after one more attempt with this outcome; `pause` is the least wait."""
        return lifecycle.after_attempt(
            record,
            outcome,
            policy=spec.on_unknown_outcome or self.policy.on_unknown_outcome,
            now=self.clock(),
            retry_at=max(self._retry_at(record), later(self.clock(), pause)),
        )

    def _retry_at(self, record: DeliveryRecord) -> datetime:
        return self.clock() + backoff(record.attempts + 1, self.jitter)

    async def _restamp(self, event: CustomEvent) -> CustomEvent | None:
        """Say that this generation was seen: `kubectl wait` hangs without it."""
        now = event.status.delivered
        verdict = Verdict(event.status.delivery, now.reason, now.message)
        return await self._write(event, verdict, event.status.resolved)

    async def _write(
        self,
        event: CustomEvent,
        verdict: Verdict,
        resolved: ResolvedScope | None,
        *,
        of_attempt: bool = False,
    ) -> CustomEvent | None:
        """Put a verdict on its object; see `Unwritten.write`. Raises Late."""
        verdict = reaper.with_note(event, verdict, enabled=self.policy.ttl)
        return await self.unwritten.write(event, verdict, resolved, of_attempt=of_attempt)


_NOT_SENT = Outcome(OutcomeClass.NOT_SENT)
