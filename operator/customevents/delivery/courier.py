"""The way of one event, in one straight line, which it walks once.

plan (state) -> fill (scope) -> admit (throttle) -> commit (journal) -> post -> judge (state) ->
record. Each step answers with the next thing, or with how the event ends. The courier is the only
part that sends; what came of an event is written in one place, at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from customevents.delivery import state
from customevents.delivery.counters import Counters, count_attempt
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.outcome import Outcome, classify
from customevents.delivery.results import Results
from customevents.delivery.state import Attempt, Ending, Moment
from customevents.delivery.throttle import Closed, Throttle
from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.eventsapi.payload import build_body, provenance
from customevents.resource.errors import ClusterError, KeyFileError, LeadershipLost
from customevents.resource.event import CustomEvent
from customevents.resource.status import OutcomeClass
from customevents.scope.fill import Filler, reach
from customevents.trouble import LONGEST_WAIT

#: Seconds until the next look in a namespace where a look at an event in doubt has failed.
LOOK_LATER = 10.0


class EventsApi(Protocol):
    """What is needed of the remote side."""

    async def post(self, body: dict[str, Any], delivery_id: str) -> Answer | NoAnswer:
        """Send one event, once; raises KeyFileError before anything is sent."""


@dataclass(frozen=True)
class Remote:
    """Makes one attempt: worded, sent, timed, classified and counted."""

    api: EventsApi
    counters: Counters
    clock: Callable[[], datetime]
    uptime: Callable[[], float]
    with_provenance: bool

    def body(self, attempt: Attempt) -> dict[str, Any]:
        """The request's body."""
        event, spec = attempt.event, attempt.spec
        origin = provenance(event, spec, attempt.record.id) if self.with_provenance else None
        assert attempt.scope is not None, "it was filled in"
        return build_body(spec, reach(attempt.scope), origin)

    async def post(self, attempt: Attempt, body: dict[str, Any]) -> Outcome:
        """Send it, once."""
        begun = self.uptime()
        try:
            result = await self.api.post(body, attempt.record.id)
        except KeyFileError as error:
            return Outcome(OutcomeClass.NOT_SENT, detail=str(error))
        outcome = classify(result, self.clock())
        took = self.uptime() - begun
        count_attempt(self.counters, attempt.event, outcome, took=took, now=self.clock())
        return outcome


@dataclass(frozen=True)
class Courier:
    """Takes events from the inbox, one after another, until that is closed.

    Nothing is sent but between `_admit` and `_post`, and what has entered the throttle leaves it.
    """

    inbox: Inbox
    filler: Filler
    throttle: Throttle
    journal: Journal
    remote: Remote
    results: Results
    moment: Callable[[], Moment]
    #: Namespaces in which a look has just failed.
    unseen: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Deliver until the inbox is closed; several of these run side by side."""
        while (event := await self.inbox.take()) is not None:
            try:
                ending = await self.walk(event)
            except LeadershipLost:
                raise
            except Exception as error:  # whatever goes wrong with it is its own trouble
                ending = self.results.stumbled(event, error)
            await self.results.record(event, ending)

    async def walk(self, event: CustomEvent) -> Ending:
        """The straight line. Raises LeadershipLost."""
        if (lost := self.journal.entry(event.uid)) is not None:
            return Ending(lost=lost)
        planned = state.plan(event, self.moment(), self.results.open_until(event.uid))
        if isinstance(planned, Ending):
            return planned
        found = await self.filler.fill(event, planned.spec, attempted=planned.record.attempts > 0)
        attempt = state.filled(planned, found, self.moment())
        if isinstance(attempt, Ending):
            return attempt
        body = self.remote.body(attempt)
        closed = await self._admit(attempt)
        if closed is not None:
            why, seconds = closed.why, closed.seconds
            return state.kept_back(attempt, why, seconds, self.moment(), no_key=closed.no_key)
        outcome = await self._post(attempt, body)
        return state.after_attempt(attempt, outcome, self.moment())

    async def _admit(self, attempt: Attempt) -> Closed | None:
        """Pass the throttle and write the intent down; None: the attempt may be made now."""
        while (closed := await self._enter(attempt.event)) is None:
            may_send, called_off = False, self.throttle.called_off
            try:
                # The line at the throttle may have been longer than a look is good for.
                if (closed := await self._look_if_in_doubt(attempt.event)) is not None:
                    return closed
                if not self._stands(attempt):
                    return Closed(0.0)
                may_send = await self._commit(attempt, called_off)
            finally:
                self.throttle.decided()
                if not may_send:
                    # Trouble came, or this event changed or expired: nothing was sent on it.
                    self.throttle.leave(None)
                    self.journal.drop(attempt.event.uid)
            if may_send:
                return None
        return closed

    async def _enter(self, event: CustomEvent) -> Closed | None:
        """Pass the throttle; the watch may have missed before that the event is gone or changed."""
        return await self._look_if_in_doubt(event) or await self.throttle.enter(
            event.uid, event.namespace
        )

    async def _look_if_in_doubt(self, event: CustomEvent) -> Closed | None:
        if not self.inbox.is_doubtful(event):
            return None
        if event.namespace in self.unseen:
            return Closed(LOOK_LATER)
        try:
            await self.results.look(event)
        except ClusterError as error:
            # Mostly that is its namespace's trouble: others are well, so no courier waits for it.
            pause = max(LOOK_LATER, min(error.retry_after, LONGEST_WAIT))
            self.unseen.add(event.namespace)
            asyncio.get_running_loop().call_later(pause, self.unseen.discard, event.namespace)
            return Closed(pause)
        return None

    async def _commit(self, attempt: Attempt, called_off: int) -> bool:
        """Write the intent down; whether the attempt may still be made then."""
        begun = await self.journal.commit(attempt.intent)
        # The fence: who was stopped since, or whose Lease ran out, must not send on this commit.
        # And while it was written, others may have met trouble, and this event may have changed.
        fenced = self.journal.election.may_send(begun)
        is_open = self.throttle.is_open and self.throttle.called_off == called_off
        return fenced and is_open and self._stands(attempt)

    def _stands(self, attempt: Attempt) -> bool:
        """Whether it is still this that is to be sent."""
        event = attempt.event
        is_known = self.inbox.is_current(event) and not self.inbox.is_doubtful(event)
        return is_known and self.moment().now < attempt.expires

    async def _post(self, attempt: Attempt, body: dict[str, Any]) -> Outcome:
        """However it ends, the throttle that let it in is told so, once."""
        outcome = None
        try:
            outcome = await self.remote.post(attempt, body)
        finally:
            self.throttle.leave(outcome, attempt.event.namespace)
        if not outcome.row.maybe_applied:  # it need not be kept until that is on record
            self.journal.drop(attempt.event.uid)
        return outcome
