"""The way of one event, in one straight line: scope, intent, POST, record.

The courier is the only part that sends, and with `receipts.py` the only one that writes status.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from customevents.delivery import lifecycle, reaper
from customevents.delivery.counters import Counters, count_attempt
from customevents.delivery.drafts import Draft, Drafts, NoDraft
from customevents.delivery.gate import Closed, Gate
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.lease import Intent
from customevents.delivery.lifecycle import Leave, Policy, Send, Show, Verdict, Wait
from customevents.delivery.outcome import Outcome, asked_pause, classify
from customevents.delivery.pacing import Tellings, backoff
from customevents.delivery.receipts import Receipts
from customevents.eventsapi.client import Answer, NoAnswer
from customevents.resource.errors import InvalidSpec, KeyFileError, SchemaTooOld
from customevents.resource.event import CustomEvent
from customevents.resource.spec import CustomEventSpec, parse_spec
from customevents.resource.status import DeliveryRecord, OutcomeClass, ResolvedScope
from customevents.scope.discovery import NotYet
from customevents.scope.resolve import NotAllowed

logger = logging.getLogger(__name__)

#: How often an event is looked at again whose scope cannot be told yet, or that is suspended.
LOOK_AGAIN = timedelta(seconds=60)

#: Seconds after which a status that cannot be written is left to be written aside.
LATE = 30.0

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


class Late(Exception):
    """A result that could not be written for so long that the slot is better used otherwise."""

    def __init__(self, writing: asyncio.Task[CustomEvent | None]) -> None:
        super().__init__()
        self.writing = writing


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
    #: Runs what goes on aside, and minds how it ends.
    aside: Callable[[Any, str], None]
    tellings: Tellings
    uptime: Callable[[], float]
    counters: Counters

    async def run(self) -> None:
        """Deliver until the inbox is closed; several of these run side by side."""
        while (event := await self.inbox.take()) is not None:
            try:
                handled = await self.handle(event)
            except SchemaTooOld:
                # Nothing is sent any more; the journal keeps the attempt whose result is nowhere.
                self.inbox.set_aside(event)
            except Late as late:
                self.inbox.set_aside(event)
                self.aside(self._finish_late(event, late.writing), f"status of {event.path}")
            else:
                self.inbox.done(event, handled.fresh, handled.again, gated=handled.gated)

    async def handle(self, event: CustomEvent) -> Handled:
        """Do what an event needs now."""
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
                return await self._settle(event, verdict)
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
        begun = self.uptime()
        try:
            result = await self.api.post(body, record.id)
        except KeyFileError as error:
            return await self._without_key(event, record, resolved, str(error))
        outcome, pause = classify(result), asked_pause(result, self.clock())
        took = self.uptime() - begun
        count_attempt(self.counters, event, outcome, took=took, now=self.clock())
        self.gate.leave(outcome, pause)
        if outcome.kind in NOTHING_APPLIED:
            self.journal.drop(event.uid)

        verdict = draft.judged(self.judge(spec, record, outcome, pause))
        fresh = await self._write(event, verdict, resolved)
        self.journal.drop(event.uid)
        return Handled(fresh, verdict.record.next_attempt_time)

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
        while (closed := await self.gate.enter()) is None:
            if self.inbox.is_doubtful(event):
                await self._look(event)
            if not self._stands(event, expires):
                self.gate.leave(_NOT_SENT)
                return Closed(0.0, "")
            committed = await self.journal.commit(intent)
            may_send = self.journal.may_send(committed) and self.gate.is_open
            if may_send and self._stands(event, expires) and not self.inbox.is_doubtful(event):
                return None
            # Meanwhile trouble came, or this event changed or expired: nothing was sent on it.
            self.gate.leave(_NOT_SENT)
            self.journal.drop(event.uid)
        return closed

    async def _look(self, event: CustomEvent) -> None:
        """The watch may have missed that it is gone or changed: the object itself tells."""
        found = await self.receipts.find(event.namespace, event.name, event.uid)
        if found is None:
            self.inbox.forget(event)
        else:
            self.inbox.confirm(event.uid)
            self.inbox.offer(found)

    def _stands(self, event: CustomEvent, expires: datetime) -> bool:
        return self.inbox.is_current(event) and self.clock() < expires

    async def _wait_at_the_gate(
        self, event: CustomEvent, record: DeliveryRecord, resolved: ResolvedScope, closed: Closed
    ) -> Handled:
        again = self.clock() + timedelta(seconds=closed.seconds)
        if not closed.why or event.status.delivered.message == closed.why:
            return Handled(event, again, gated=True)
        turn = self.tellings.turn(event.uid, self.uptime())
        if turn != 0.0:
            soon = again if turn is None else self.clock() + timedelta(seconds=turn)
            return Handled(event, min(soon, again), gated=True)
        fresh = await self._write(event, lifecycle.paused(record, closed.why), resolved)
        return Handled(fresh, again, gated=True)

    async def _without_key(
        self, event: CustomEvent, record: DeliveryRecord, resolved: ResolvedScope, why: str
    ) -> Handled:
        self.journal.drop(event.uid)
        self.gate.pause(f"Not sent: {why}", about_the_key=True)
        self.gate.leave(_NOT_SENT)
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
        return Handled(fresh, again or self.clock() + LOOK_AGAIN)

    async def _settle(self, event: CustomEvent, verdict: Verdict) -> Handled:
        known = verdict.record.id == event.status.delivery.id
        resolved = event.status.resolved if known else None
        return Handled(await self._write(event, verdict, resolved))

    def judge(
        self, spec: CustomEventSpec, record: DeliveryRecord, outcome: Outcome, pause: float = 0.0
    ) -> Verdict:
        """The record after one more attempt with this outcome; `pause` is the least wait."""
        return lifecycle.after_attempt(
            record,
            outcome,
            policy=spec.on_unknown_outcome or self.policy.on_unknown_outcome,
            now=self.clock(),
            retry_at=max(self._retry_at(record), self.clock() + timedelta(seconds=pause)),
        )

    def _retry_at(self, record: DeliveryRecord) -> datetime:
        return self.clock() + backoff(record.attempts + 1, self.jitter)

    async def _restamp(self, event: CustomEvent) -> CustomEvent | None:
        """Say that this generation was seen: `kubectl wait` hangs without it."""
        now = event.status.delivered
        verdict = Verdict(event.status.delivery, now.reason, now.message)
        return await self._write(event, verdict, event.status.resolved)

    async def _write(
        self, event: CustomEvent, verdict: Verdict, resolved: ResolvedScope | None
    ) -> CustomEvent | None:
        """Put a verdict on its object. Raises Late if that takes too long; it then goes on."""
        verdict = reaper.with_note(event, verdict, enabled=self.policy.ttl)
        writing = asyncio.create_task(self.receipts.write(event, verdict, resolved))
        done, _ = await asyncio.wait({writing}, timeout=LATE)
        if not done:
            raise Late(writing)
        return writing.result()

    async def _finish_late(
        self, event: CustomEvent, writing: asyncio.Task[CustomEvent | None]
    ) -> None:
        """The namespace gets no new attempt until its status can be written again."""
        try:
            fresh = await writing
        except SchemaTooOld:
            return
        self.journal.drop(event.uid)
        self.inbox.unblock(event.namespace)
        self.inbox.done(event, fresh, self.clock())


_NOT_SENT = Outcome(OutcomeClass.NOT_SENT)
