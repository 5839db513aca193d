"""Kubernetes and the events API as the courier sees them, in memory, with faults on demand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customevents.delivery.courier import Courier, Remote
from customevents.delivery.election import Election, Terms
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.recovery import Recovery
from customevents.delivery.results import Results
from customevents.delivery.state import Moment, Policy
from customevents.delivery.status_writer import StatusWriter
from customevents.delivery.throttle import Breaker, Tellings, Throttle, TokenBucket
from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.resource.errors import ClusterError, Conflict, Gone, KeyFileError, NoSuchKind
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.lease import Intent
from customevents.resource.notice import Notice
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.discovery import Discovery
from customevents.scope.fill import Filler
from customevents.scope.resolve import Rules
from customevents.upkeep.event_recorder import notice
from unit.builders import Clock, raw_event
from unit.counted import Counted
from unit.instant import at_once

Raw = dict[str, Any]


@dataclass
class MemoryCluster:
    """Stored objects, and each status that was written."""

    objects: dict[tuple[str, str], Raw] = field(default_factory=dict)
    writes: list[Raw] = field(default_factory=list)
    #: Raised by the next writes, which then do nothing.
    refusals: list[ClusterError] = field(default_factory=list)
    #: How many of the next writes happen, while their answer is lost.
    lost_answers: int = 0
    #: How many of the next reads fail.
    lost_reads: int = 0
    #: A field of the delivery record that the schema does not know.
    prunes: str = ""
    #: Called when a write arrives.
    during: Callable[[], object] = lambda: None

    def apply(self, **parts: Any) -> CustomEvent:
        """Store an object as `raw_event` builds it."""
        raw = raw_event(**parts)
        self.objects[raw["metadata"]["namespace"], raw["metadata"]["name"]] = raw
        return read_event(raw)

    def change(self, of: CustomEvent, change: Callable[[Raw], None]) -> CustomEvent:
        """Let somebody else change an object; it gets a new version."""
        raw = self.objects[of.namespace, of.name]
        change(raw)
        _bump(raw)
        return read_event(deepcopy(raw))

    def now(self, of: CustomEvent) -> CustomEvent:
        """The object as it is now."""
        return read_event(deepcopy(self.objects[of.namespace, of.name]))

    async def get_event(self, namespace: str, name: str) -> Raw:
        if self.lost_reads:
            self.lost_reads -= 1
            raise ClusterError("the Kubernetes API did not answer: TimeoutError")
        try:
            return deepcopy(self.objects[namespace, name])
        except KeyError:
            raise Gone("not found", 404) from None

    async def patch_status(self, event: CustomEvent, status: Raw) -> Raw:
        self.during()
        if self.refusals:
            raise self.refusals.pop(0)
        raw = self.objects.get((event.namespace, event.name))
        if raw is None:
            raise Gone("not found", 404)
        stands = raw.get("status", {}).get("delivery")
        if raw["metadata"]["uid"] != event.uid or stands != event.stored_record:
            raise Conflict("a test failed", 422)
        raw["status"] = deepcopy(status)
        _prune(raw["status"]["delivery"], self.prunes)
        _bump(raw)
        self.writes.append(deepcopy(status))
        if self.lost_answers:
            self.lost_answers -= 1
            raise ClusterError("the Kubernetes API did not answer: TimeoutError")
        return deepcopy(raw)


def _prune(part: Raw, path: str) -> None:
    """Drop a field as a schema does that does not know it."""
    *above, name = path.split(".")
    for step in above:
        part = part.get(step, {})
    part.pop(name, None)


@dataclass
class MemoryWorkloads:
    """The workloads of a cluster, and each list of them that was asked for."""

    #: By namespace and plural; a plural that is not a key anywhere is no kind.
    there: dict[tuple[str, str], list[Raw]] = field(default_factory=dict)
    lists: list[tuple[str, str]] = field(default_factory=list)
    #: Raised by each list, or by that of one kind.
    refusal: ClusterError | None = None
    refused: str | None = None
    #: Seconds that a list takes.
    takes: float = 0.0

    def apply(
        self,
        name: str,
        *,
        namespace: str = "shop",
        plural: str = "deployments",
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
    ) -> None:
        metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
        self.there.setdefault((namespace, plural), []).append(metadata)

    async def metadata(self, path: str) -> AsyncIterator[Raw]:
        _, _, group, _, _, namespace, plural = path.split("/")
        self.lists.append((namespace, plural))
        found = self.there.get((namespace, plural), [])
        await asyncio.sleep(self.takes)
        if self.refusal and self.refused in (None, plural):
            raise self.refusal
        if group != "apps" and all(plural != kind for _, kind in self.there):
            raise NoSuchKind("the server could not find the requested resource", 404)
        for metadata in found:
            yield metadata


def _bump(raw: Raw) -> None:
    metadata = raw["metadata"]
    metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)


@dataclass
class MemoryApi:
    """What was posted, and what is answered: the last answer again and again."""

    answers: list[Answer | NoAnswer | KeyFileError] = field(default_factory=lambda: [Answer(201)])
    posts: list[tuple[Raw, str]] = field(default_factory=list)
    during: Callable[[], object] = lambda: None
    endpoint: str = "https://api.komodor.com"
    probe: Answer | NoAnswer = field(default_factory=lambda: Answer(200))
    probes: int = 0
    new_key: bool = False

    async def post(self, body: Raw, delivery_id: str) -> Answer | NoAnswer:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, KeyFileError):
            raise answer
        self.posts.append((body, delivery_id))
        self.during()
        return answer

    async def validate(self) -> Answer | NoAnswer:
        self.probes += 1
        return self.probe

    async def key_changed(self) -> bool:
        return self.new_key


class MemoryElection(Election):
    """Leads for ever; what it does in a cluster is shown by test_journal.py."""

    def __init__(self) -> None:
        super().__init__(
            _NoLease(),
            Terms("test"),
            traces=_NoLease(),
            uptime=lambda: 0.0,
            wall=Clock(),
            chance=lambda: 0.0,
        )
        #: How many of the next commits are too old by the time of the POST.
        self.stale = 0
        #: Whether it was written lately.
        self.is_valid = True

    @property
    def valid(self) -> bool:
        return self.is_valid

    def may_send(self, committed: float) -> bool:  # noqa: ARG002 - the test says so
        self.stale -= 1
        return self.stale < 0


class MemoryJournal(Journal):
    """Commits at once."""

    def __init__(self) -> None:
        self.memory = MemoryElection()
        super().__init__(self.memory)
        self.committed_intents: list[Intent] = []

    async def commit(self, intent: Intent) -> float:
        self._entries[intent.uid] = intent
        self.committed_intents.append(intent)
        return 0.0


class _NoLease:
    async def read(self) -> Raw:
        raise Gone("there is none", 404)

    async def create(self, lease: Raw) -> Raw:
        return lease

    async def replace(self, lease: Raw) -> Raw:
        return lease


@dataclass(frozen=True)
class Handled:
    """An event's object as it is now (None: gone), and when to look at it again (None: never)."""

    fresh: CustomEvent | None
    again: datetime | None = None
    gated: bool = False


class MemoryInbox(Inbox):
    """Remembers what was last given back."""

    handled: Handled | None = None

    def done(
        self,
        event: CustomEvent,
        fresh: CustomEvent | None,
        again: datetime | None,
        *,
        gated: bool = False,
    ) -> None:
        self.handled = Handled(fresh, again, gated)
        super().done(event, fresh, again, gated=gated)


@dataclass
class World:
    """A courier and all that it deals with."""

    cluster: MemoryCluster = field(default_factory=MemoryCluster)
    api: MemoryApi = field(default_factory=MemoryApi)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    workloads: MemoryWorkloads = field(default_factory=MemoryWorkloads)
    clock: Clock = field(default_factory=Clock)
    policy: Policy = field(default_factory=Policy)
    cluster_name: ClusterName | Nameless = field(
        default_factory=lambda: ClusterName("prod-eu-1", "setting clusterName")
    )
    with_provenance: bool = True
    rules: Rules = field(default_factory=Rules)
    settle: float = 3.0
    counters: Counted = field(default_factory=Counted)

    def __post_init__(self) -> None:
        self.inbox = MemoryInbox(self.clock, self.clock.uptime, self.counters)
        self.uptime = 0.0
        self.notices: list[Notice] = []
        self.warnings: list[str] = []
        self.aside: list[Coroutine[Any, Any, None]] = []
        self.awaited: list[bool] = []
        self.knows_all = True
        self.taken_over: dict[str, datetime] = {}
        self.throttle = self.throttled(Breaker(closed=True))
        self._chance = random.Random(1).random

    def throttled(self, breaker: Breaker, tellings: Tellings | None = None) -> Throttle:
        """A throttle of this world."""
        return Throttle(
            TokenBucket(rate=0.0, burst=1),
            self.api,
            uptime=lambda: self.uptime,
            opened=self.inbox.open_gate,
            warn=lambda reason, _: self.warnings.append(reason),
            breaker=breaker,
            tellings=tellings or Tellings(every=0.0),
        )

    def probe(self) -> None:
        """Let the throttle probe the endpoint until that works again."""

        async def until_open() -> None:
            probing = asyncio.create_task(self.throttle.run())
            while self.throttle.paused:  # noqa: ASYNC110 - what it waits for is tested here
                await asyncio.sleep(1.0)
            probing.cancel()

        at_once(until_open())

    def recorded(self, before: CustomEvent, after: CustomEvent, warning: str) -> None:
        if (told := notice(before, after, warning, of_deliveries=False)) is not None:
            self.notices.append(told)

    def moment(self) -> Moment:
        return Moment(self.policy, self.clock(), self._chance())

    def writer(self) -> StatusWriter:
        """What puts verdicts on the objects of this world."""
        return StatusWriter(
            self.cluster,
            self.clock,
            self.counters,
            recorded=self.recorded,
            alarm=self.throttle.halt,
            knows_all=lambda: self.knows_all,
            taken_over=self.taken_over,
        )

    def results(self, writer: StatusWriter | None = None) -> Results:
        """What keeps results until they are on their objects."""
        return Results(
            writer or self.writer(),
            self.inbox,
            self.journal,
            self.moment,
            self.counters,
            self._aside,
        )

    def courier(self) -> Courier:
        """A courier of this world as it is now."""
        return Courier(
            inbox=self.inbox,
            filler=self.filler(),
            throttle=self.throttle,
            journal=self.journal,
            remote=Remote(
                self.api, self.counters, self.clock, lambda: self.uptime, self.with_provenance
            ),
            results=self.results(),
            moment=self.moment,
        )

    def recovery(self) -> Recovery:
        """What settles the attempts of the last leader."""
        writer = self.writer()
        return Recovery(self.results(writer), writer, self.journal, self.inbox, self._aside)

    def handle(self, event: CustomEvent) -> Handled:
        """Let a courier do what an event needs now, and wait for its result however long."""

        async def finished() -> Handled | None:
            await self.deliver(event)
            for part in self.aside:
                await part
            self.aside.clear()
            return self.inbox.handled

        handled = at_once(finished())
        assert handled is not None
        return handled

    async def deliver(self, event: CustomEvent) -> Handled | None:
        """One event's whole way, as `Courier.run` walks it, but for what goes wrong on it.

        None: its result is left aside.
        """
        self.inbox.set_aside(event)
        self.inbox.handled = None
        courier = self.courier()
        await courier.results.record(event, await courier.walk(event))
        return self.inbox.handled

    def _aside(self, part: Coroutine[Any, Any, None], _: str, *, awaited: bool = True) -> None:
        self.aside.append(part)
        self.awaited.append(awaited)

    def filler(self) -> Filler:
        return Filler(
            self.api.endpoint,
            lambda: self.cluster_name,
            self.rules,
            Discovery(self.workloads, self.clock, settle=self.settle),
        )
