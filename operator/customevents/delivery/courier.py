"""The way of one event, in one straight line: scope, intent, POST, record.

The courier is the only part that sends and the only one that writes status.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from customevents.delivery import lifecycle
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Intent, Journal
from customevents.delivery.lifecycle import Leave, Policy, Send, Show, Verdict, Wait
from customevents.delivery.outcome import classify
from customevents.delivery.pacing import backoff
from customevents.eventsapi.client import Answer, NoAnswer
from customevents.eventsapi.payload import build_body, provenance
from customevents.resource.errors import ClusterError, Conflict, Gone, InvalidSpec, KeyFileError
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.matching import Reach
from customevents.resource.spec import CustomEventSpec, parse_spec
from customevents.resource.status import (
    Condition,
    DeliveryRecord,
    ResolvedScope,
    Status,
    to_seconds,
)
from customevents.scope.cluster_name import ClusterName
from customevents.scope.resolve import Unresolved, describe, resolve

logger = logging.getLogger(__name__)

#: How often an event is looked at again whose scope cannot be told yet.
LOOK_AGAIN = timedelta(seconds=60)


class Cluster(Protocol):
    """What the courier needs of Kubernetes; objects are as the API server sends them.

    Both raise Gone, Conflict (`patch_status` only) and ClusterError.
    """

    async def patch_status(self, event: CustomEvent, status: dict[str, Any]) -> dict[str, Any]:
        """Replace the status, if uid and delivery record are still the event's."""

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        """Read one CustomEvent."""


class EventsApi(Protocol):
    """What the courier needs of the remote side."""

    endpoint: str

    async def post(self, body: dict[str, Any], delivery_id: str) -> Answer | NoAnswer:
        """Send one event, once; raises KeyFileError before anything is sent."""


@dataclass(frozen=True)
class Handled:
    """An event's object as it is now (None: gone), and when to look at it again (None: never)."""

    fresh: CustomEvent | None
    again: datetime | None = None


@dataclass(frozen=True)
class Courier:
    """Takes events from the inbox, one after another, until that is closed."""

    inbox: Inbox
    journal: Journal
    cluster: Cluster
    api: EventsApi
    cluster_name: ClusterName | None
    policy: Policy
    with_provenance: bool
    clock: Callable[[], datetime]
    jitter: random.Random

    async def run(self) -> None:
        """Deliver until the inbox is closed; several of these may run side by side."""
        while (event := await self.inbox.take()) is not None:
            handled = await self.handle(event)
            self.inbox.done(event, handled.fresh, handled.again)

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
                handled = await self._show(event, spec, verdict)
            case Wait(until, restamp):
                handled = Handled(await self._restamp(event) if restamp else event, until)
            case Leave(restamp):
                return Handled(await self._restamp(event) if restamp else event)
            case Verdict() as verdict:
                return await self._settle(event, verdict)
        if handled.again is None or handled.fresh is None:
            return handled
        record = handled.fresh.status.delivery
        deadline = lifecycle.deadline(event, spec, self.policy, record)
        return replace(handled, again=min(handled.again, deadline))

    async def _attempt(
        self, event: CustomEvent, spec: CustomEventSpec, record: DeliveryRecord
    ) -> Handled:
        """The straight line."""
        resolved = self._resolve(event, spec, record)
        if isinstance(resolved, Unresolved):
            verdict = lifecycle.held(record, resolved.reason, resolved.message)
            return await self._look_again(event, verdict, None)
        reach = Reach(resolved.clusters, resolved.namespaces, resolved.service_names)
        origin = provenance(event, spec, record.id) if self.with_provenance else None
        body = build_body(spec, reach, origin)

        intent = Intent(event.uid, record.id, event.namespace, event.name, record.attempts + 1)
        await self.journal.commit(intent)
        try:
            result = await self.api.post(body, record.id)
        except KeyFileError as error:
            verdict = lifecycle.not_sent(record, f"Not sent: {error}", self._retry_at(record))
        else:
            verdict = self._judge(spec, record, result)
        fresh = await self._write(event, verdict, resolved)
        self.journal.drop(event.uid)
        return Handled(fresh, verdict.record.next_attempt_time)

    async def _show(self, event: CustomEvent, spec: CustomEventSpec, verdict: Verdict) -> Handled:
        resolved = self._resolve(event, spec, verdict.record)
        if isinstance(resolved, Unresolved):
            verdict = replace(verdict, message=f"{verdict.message}. {resolved.message}")
            return await self._look_again(event, verdict, None)
        return await self._look_again(event, verdict, resolved)

    async def _look_again(
        self, event: CustomEvent, verdict: Verdict, resolved: ResolvedScope | None
    ) -> Handled:
        return Handled(await self._write(event, verdict, resolved), self.clock() + LOOK_AGAIN)

    async def _settle(self, event: CustomEvent, verdict: Verdict) -> Handled:
        return Handled(await self._write(event, verdict, event.status.resolved))

    def _judge(
        self, spec: CustomEventSpec, record: DeliveryRecord, result: Answer | NoAnswer
    ) -> Verdict:
        return lifecycle.after_attempt(
            record,
            classify(result),
            policy=spec.on_unknown_outcome or self.policy.on_unknown_outcome,
            now=self.clock(),
            retry_at=self._retry_at(record),
        )

    def _retry_at(self, record: DeliveryRecord) -> datetime:
        return self.clock() + backoff(record.attempts + 1, self.jitter)

    def _resolve(
        self, event: CustomEvent, spec: CustomEventSpec, record: DeliveryRecord
    ) -> ResolvedScope | Unresolved:
        """The scope that is sent under this id: told once, then frozen by its first attempt."""
        if record.attempts and event.status.resolved is not None:
            return event.status.resolved
        found = resolve(spec.scope, namespace=event.namespace, cluster=self.cluster_name)
        if isinstance(found, Unresolved):
            return found
        return ResolvedScope(
            endpoint=self.api.endpoint.partition("://")[2],
            severity=spec.canonical_severity.value,
            clusters=found.reach.clusters,
            namespaces=found.reach.namespaces,
            service_names=found.reach.services,
            reach=describe(found.reach),
            sources=found.sources,
        )

    async def _restamp(self, event: CustomEvent) -> CustomEvent | None:
        """Say that this generation was seen: `kubectl wait` hangs without it."""
        now = event.status.delivered
        verdict = Verdict(event.status.delivery, now.reason, now.message)
        return await self._write(event, verdict, event.status.resolved)

    async def _write(
        self, event: CustomEvent, verdict: Verdict, resolved: ResolvedScope | None
    ) -> CustomEvent | None:
        """Put a verdict on the object, for as long as it takes; None if the object is gone."""
        generation = event.generation  # what the verdict is about, whatever the object is by now
        failures = 0
        while True:
            status = self._status(event, verdict, resolved, generation)
            if status == event.status:
                return event
            try:
                fresh = read_event(await self.cluster.patch_status(event, status.to_json()))
            except Gone:
                logger.info("%s was deleted before its result was written", event.path)
                return None
            except Conflict:
                again = await self._read(event)
                if again is None or again.status.delivery == verdict.record:
                    return again
                event = again
            except ClusterError as error:
                failures += 1
                logger.warning("%s: the status cannot be written yet: %s", event.path, error)
                await asyncio.sleep(min(30.0, 0.5 * 2**failures))
            else:
                _log(fresh, verdict)
                return fresh

    async def _read(self, event: CustomEvent) -> CustomEvent | None:
        while True:
            try:
                found = read_event(await self.cluster.get_event(event.namespace, event.name))
            except Gone:
                return None
            except ClusterError as error:
                logger.warning("%s cannot be read yet: %s", event.path, error)
                await asyncio.sleep(1.0)
            else:
                return found if found.uid == event.uid else None

    def _status(
        self,
        event: CustomEvent,
        verdict: Verdict,
        resolved: ResolvedScope | None,
        generation: int,
    ) -> Status:
        before = event.status.delivered
        says = verdict.record.state.condition
        same = says == before.status and before.last_transition_time
        condition = Condition(
            status=says,
            reason=verdict.reason,
            message=verdict.message,
            observed_generation=generation,
            last_transition_time=same or to_seconds(self.clock()),
        )
        return Status(conditions=(condition,), delivery=verdict.record, resolved=resolved)


def _log(event: CustomEvent, verdict: Verdict) -> None:
    record = verdict.record
    logger.info(
        "%s is %s: %s",
        event.path,
        record.state,
        verdict.message,
        extra={"event": event.path, "delivery_id": record.id, "attempt": record.attempts},
    )
