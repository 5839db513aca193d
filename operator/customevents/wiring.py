"""Settings and ports -> the operator's parts, in straight lines: the one place that builds them.

Time, chance, Kubernetes and the events API come in from outside, so that something else can stand
in for each of them. Nothing that is built here reads a clock, draws a number, starts a thread or
opens a connection around its port.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from customevents.delivery.counters import Counters
from customevents.delivery.courier import Courier, EventsApi, Remote
from customevents.delivery.election import Election, Leases, Terms
from customevents.delivery.inbox import Inbox
from customevents.delivery.intake import Intake
from customevents.delivery.journal import Journal
from customevents.delivery.recovery import Recovery
from customevents.delivery.results import Aside, Results
from customevents.delivery.state import Moment, Policy
from customevents.delivery.status_writer import Statuses, StatusWriter
from customevents.delivery.throttle import Endpoint, Throttle, TokenBucket
from customevents.resource.notice import Regarding
from customevents.resource.operator_state import Resolving
from customevents.resource.status import Reason
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import ClusterName, Nameless, OwnName, Reads
from customevents.scope.discovery import Discovery
from customevents.scope.fill import Filler
from customevents.scope.resolve import Rules
from customevents.scope.workloads import MetadataLists
from customevents.settings import Settings
from customevents.upkeep.event_recorder import EventRecorder, Notices
from customevents.upkeep.resync import Lists, Resync
from customevents.upkeep.state_reporter import Account, ConfigMap, Facts, StateReporter
from customevents.upkeep.ttl import Deletes, TtlCollector


class ClusterPort(Statuses, Reads, MetadataLists, Notices, Lists, Deletes, Protocol):
    """What is needed of Kubernetes, by all parts together."""


class EventsApiPort(EventsApi, Endpoint, Account, Protocol):
    """What is needed of the events API, by all parts together."""


class WatchPort(Protocol):
    """What shows changes."""

    @property
    def troubles(self) -> list[str]:
        """A line for each namespace that is not watched."""

    def renew(self, namespace: str) -> None:
        """Begin a namespace's watch anew: it has kept something back."""


class ClockPort(Protocol):
    """The time: the API server's, and seconds that only go forward."""

    def now(self) -> datetime:
        """The time there."""

    def uptime(self) -> float:
        """Seconds, also while the process or the machine is stopped."""

    @property
    def skew(self) -> float | None:
        """Seconds by which this machine's clock is ahead of it; None: it was not heard yet."""


@dataclass(frozen=True)
class Ports:
    """All that is outside; `chance` is drawn from 0 to 1."""

    cluster: ClusterPort
    lease: Leases
    config_map: ConfigMap
    api: EventsApiPort
    watch: WatchPort
    clock: ClockPort
    chance: Callable[[], float]
    counters: Counters
    aside: Aside
    #: The name by which people find this process, and what tells it from another of that name.
    pod: str
    nonce: str


@dataclass(frozen=True)
class Wired:
    """The parts of an operator."""

    inbox: Inbox
    intake: Intake
    election: Election
    journal: Journal
    throttle: Throttle
    recovery: Recovery
    courier: Courier
    cluster_name: OwnName
    resync: Resync
    recorder: EventRecorder
    reporter: StateReporter
    #: None: the setting `ttl.enabled` is off.
    ttl: TtlCollector | None


def wire(settings: Settings, ports: Ports) -> Wired:
    """Build an operator. Raises InvalidName."""
    clock, uptime = ports.clock.now, ports.clock.uptime
    election = _election(settings, ports)
    journal = Journal(election)
    inbox = Inbox(clock, uptime, ports.counters, room=journal.has_room)
    recorder = _recorder(settings, ports, election)
    throttle = _throttle(settings, ports, inbox, recorder)
    writer = _writer(ports, recorder, throttle, election)
    policy = _policy(settings)

    def moment() -> Moment:
        return Moment(policy, clock(), ports.chance())

    results = Results(writer, inbox, journal, moment, ports.counters, ports.aside)
    agents = Agents(settings.agent_namespaces)
    cluster_name = _cluster_name(settings, ports, agents, inbox)
    discovery = Discovery(ports.cluster, clock, settle=settings.discovery_settle_seconds)
    filler = fills_in(settings.base_url, settings.resolving, cluster_name.get, discovery)
    remote = Remote(ports.api, ports.counters, clock, uptime, settings.provenance_enabled)
    resync = _resync(settings, ports, inbox)
    ttl = TtlCollector(ports.cluster, clock) if settings.ttl_enabled else None
    facts = _facts(settings, ports, cluster_name, agents, election)
    return Wired(
        inbox=inbox,
        intake=Intake([inbox, resync] if ttl is None else [inbox, resync, ttl]),
        election=election,
        journal=journal,
        throttle=throttle,
        recovery=Recovery(results, writer, journal, inbox, ports.aside),
        courier=Courier(inbox, filler, throttle, journal, remote, results, moment),
        cluster_name=cluster_name,
        resync=resync,
        recorder=recorder,
        reporter=_reporter(ports, inbox, throttle, facts),
        ttl=ttl,
    )


def fills_in(
    endpoint: str,
    settings: Resolving,
    cluster_name: Callable[[], ClusterName | Nameless],
    discovery: Discovery,
) -> Filler:
    """What fills in scopes, also for `render`, which sends nothing."""
    rules = Rules(settings.discovery_release, settings.scope_wide_from)
    return Filler(endpoint, cluster_name, rules, discovery)


def _policy(settings: Settings) -> Policy:
    """What the settings decide where an event does not say."""
    return Policy(
        deadline_seconds=settings.delivery_deadline,
        on_unknown_outcome=settings.delivery_on_unknown_outcome,
        paused=settings.delivery_paused,
        ttl=settings.ttl_enabled,
    )


def _writer(
    ports: Ports, recorder: EventRecorder, throttle: Throttle, election: Election
) -> StatusWriter:
    return StatusWriter(
        ports.cluster,
        ports.clock.now,
        ports.counters,
        recorded=recorder.recorded,
        alarm=throttle.halt,
        knows_all=lambda: election.knows_all,
    )


def _election(settings: Settings, ports: Ports) -> Election:
    terms = Terms(
        identity=f"{ports.pod}_{ports.nonce}",
        duration=settings.lease_duration,
        post_timeout=settings.delivery_post_timeout,
    )
    clock = ports.clock
    return Election(
        ports.lease,
        terms,
        traces=ports.config_map,
        uptime=clock.uptime,
        wall=clock.now,
        chance=ports.chance,
    )


def _recorder(settings: Settings, ports: Ports, election: Election) -> EventRecorder:
    """Events about the operator itself stand beside its Lease."""
    where, name = settings.lease_namespace, settings.lease_name

    def lease() -> Regarding:
        return Regarding("coordination.k8s.io/v1", "Lease", where, name, election.lease_uid)

    return EventRecorder(
        ports.cluster,
        lease,
        reporter=ports.pod,
        of_deliveries=settings.events_delivered,
        clock=ports.clock.now,
    )


def _throttle(settings: Settings, ports: Ports, inbox: Inbox, recorder: EventRecorder) -> Throttle:
    return Throttle(
        TokenBucket(settings.delivery_rate, settings.delivery_burst),
        ports.api,
        uptime=ports.clock.uptime,
        opened=inbox.open_gate,
        warn=recorder.warn,
    )


def _cluster_name(settings: Settings, ports: Ports, agents: Agents, inbox: Inbox) -> OwnName:
    return OwnName(
        ports.cluster,
        chain(settings.cluster_name, agents),
        uptime=ports.clock.uptime,
        found=partial(inbox.release, Reason.CLUSTER_NAME_UNKNOWN),
    )


def _resync(settings: Settings, ports: Ports, inbox: Inbox) -> Resync:
    return Resync(
        inbox,
        ports.cluster,
        settings.watch_namespaces,
        clock=ports.clock.now,
        uptime=ports.clock.uptime,
        renew=ports.watch.renew,
    )


def _facts(
    settings: Settings, ports: Ports, cluster_name: OwnName, agents: Agents, election: Election
) -> Facts:
    return Facts(
        leader=ports.pod,
        endpoint=settings.base_url,
        settings=settings.resolving,
        cluster=lambda: cluster_name.known,
        agents_elsewhere=lambda: agents.elsewhere,
        clock_skew=lambda: ports.clock.skew,
        unwatched=lambda: len(ports.watch.troubles),
        leads=lambda: election.valid,
    )


def _reporter(ports: Ports, inbox: Inbox, throttle: Throttle, facts: Facts) -> StateReporter:
    return StateReporter(
        ports.config_map,
        inbox,
        throttle,
        ports.api,
        facts,
        clock=ports.clock.now,
        uptime=ports.clock.uptime,
    )
