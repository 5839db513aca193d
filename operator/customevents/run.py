"""A process that is the operator: it stands for election, leads, and drains.

When a part fails, the process drains as on SIGTERM and exits 1. Kubernetes starts it again; the
state is in the cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

from customevents import __version__, health, kube, logs, proxies, sockets
from customevents.clocks import ClusterClock
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import TakenOver
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.health import Finding
from customevents.metrics import Exposed, Metrics
from customevents.resource.errors import ClusterError, SchemaTooOld, SettingsError
from customevents.resource.times import later
from customevents.settings import Settings
from customevents.supervisor import Supervisor
from customevents.watch import Watch
from customevents.wiring import ClockPort, ClusterPort, Ports, Wired, wire

logger = logging.getLogger(__name__)

#: Seconds beyond an attempt's timeout after which an event at the courier is stuck there.
STUCK = 300.0

#: Seconds after which a new process is worth a try where a new kopf in this one did not help.
HELPLESS = 300.0

#: What a drain may take beyond an attempt's timeout, in seconds.
GRACE = 20.0

#: Seconds for which a leader waits until what it says of itself is written.
TRACE = 10.0


class Operator:
    """The parts at work, from election to drain."""

    def __init__(
        self,
        settings: Settings,
        parts: Wired,
        supervisor: Supervisor,
        cluster: ClusterPort,
        clock: ClockPort,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._supervisor = supervisor
        self._cluster = cluster
        self._clock = clock

    async def run(
        self, start_watch: Callable[[Relay], None], stop_watch: Callable[[], None]
    ) -> None:
        """Stand for election, lead, and drain. Raises what a part failed with."""
        parts, supervisor = self._parts, self._supervisor
        taken = await supervisor.unless_over(parts.journal.acquire())
        if taken is None:
            return await supervisor.over()
        journal = supervisor.own(parts.journal.run(), "the journal")
        async with AsyncExitStack() as stack:
            stack.callback(stop_watch)  # last: kopf may take seconds, the next leader waits
            stack.push_async_callback(_release, parts, journal)
            try:
                if await supervisor.unless_over(self.lead(taken)):
                    start_watch(Relay(self, parts.inbox, supervisor))
                await supervisor.over()
            finally:
                await self.drain()
        return None

    async def lead(self, taken: TakenOver) -> bool:
        """Settle what was in flight, take in what is open, and begin; whether it may send."""
        parts, supervisor = self._parts, self._supervisor
        logger.info("leading; %d attempts of the last leader to settle", len(taken.entries))
        supervisor.own(parts.recorder.run(), "the event recorder")
        supervisor.own(parts.reporter.run(), "the state reporter")
        if taken.quarantine:
            logger.warning(
                "the Lease or its list was lost: nothing is sent for %.0f s", taken.quarantine
            )
            await asyncio.sleep(taken.quarantine)
        open_until = later(self._clock.now(), self._settings.delivery_post_timeout)
        try:
            await parts.recovery.settle(taken.entries, open_until)
        except SchemaTooOld:
            return False  # readiness says so
        await parts.cluster_name.look()
        await self._take_in_open_work()
        # What it says of itself outlives the Lease: who finds that deleted sees that we may send.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRACE):
                await parts.reporter.begun.wait()
        supervisor.own(parts.cluster_name.run(), "the cluster's name")
        supervisor.own(parts.throttle.run(), "the throttle")
        supervisor.own(parts.reporter.ask_account(), "the question to the account")
        for number in range(self._settings.couriers):
            supervisor.drained(parts.courier.run(), f"courier {number}")
        supervisor.own(parts.resync.run(), "the resync")
        if parts.ttl is not None:
            supervisor.own(parts.ttl.run(), "the TTL collector")
        return True

    def take_in(self, change: str | None, raw: dict[str, Any]) -> None:
        """What the watch or a list shows."""
        if change is None:
            self._parts.inbox.confirm(raw["metadata"].get("uid", ""))
        self._parts.intake.show(change, raw)

    async def drain(self) -> None:
        """Take nothing new; let attempts under way end and their results be recorded."""
        logger.info("draining: %d attempts are under way", self._parts.inbox.busy)
        self._parts.inbox.close()
        self._parts.throttle.close()
        patience = self._settings.delivery_post_timeout + GRACE
        if late := await self._supervisor.drain(patience):
            logger.error("%d results are not recorded after %.0f s", late, patience)
        logger.info("drained")

    async def _take_in_open_work(self) -> None:
        """What is undelivered goes first; kopf's list of everything follows behind."""
        for namespace in self._settings.watch_namespaces or ("",):
            try:
                async for raw in self._cluster.open_work(namespace):
                    self.take_in(None, raw)
            except ClusterError as error:
                where = f" of namespace {namespace}" if namespace else ""
                logger.warning(
                    "the open work%s cannot be listed, the watch will bring it: %s", where, error
                )


class Watching(Protocol):
    """What is known of the watch."""

    @property
    def troubles(self) -> list[str]:
        """A line for each namespace that is not watched."""

    @property
    def is_deaf(self) -> bool:
        """Whether nothing at all is watched that should be."""

    @property
    def helpless_for(self) -> float:
        """Seconds for which no new start of kopf has helped anywhere."""


class Probes:
    """What the probes find."""

    def __init__(self, settings: Settings, parts: Wired, watch: Watching) -> None:
        self._settings = settings
        self._parts = parts
        self._watch = watch

    def alive(self) -> Finding:
        """Whether a restart would mend what is wrong; an API server that is away it would not."""
        patience = self._settings.delivery_post_timeout + self._settings.longest_turn + STUCK
        longest = self._parts.inbox.longest_busy()
        if not self._parts.election.valid:
            return Finding()
        if self._watch.helpless_for > HELPLESS:
            return Finding(False, self._watch.troubles)
        if longest > patience:
            return Finding(False, [f"an event has been under way for {longest:.0f} s"])
        return Finding()

    def ready(self) -> Finding:
        """Whether a leader is at work, or what keeps it from that; a standby is ready."""
        halted, election = self._parts.throttle.halted, self._parts.election
        of_all = [words for words in (halted, election.trouble) if words]
        # One namespace's trouble is told, and keeps nobody from the others.
        is_stopped = halted or (election.trouble and not election.holds_back)
        is_ready = not is_stopped and not self._watch.is_deaf
        return Finding(is_ready, of_all + self._watch.troubles)


class Relay:
    """Hands on what the watch's thread tells: everything of ours happens on our own loop."""

    def __init__(self, operator: Operator, inbox: Inbox, supervisor: Supervisor) -> None:
        self._on_loop = asyncio.get_running_loop().call_soon_threadsafe
        self._operator = operator
        self._inbox = inbox
        self._supervisor = supervisor

    def shown(self, change: str | None, raw: dict[str, Any]) -> None:
        """An object was listed or has changed."""
        self._on_loop(self._operator.take_in, change, raw)

    def lists(self, namespace: str) -> None:
        """The first list begins."""
        self._on_loop(self._inbox.lists, namespace)

    def lost(self, namespace: str) -> None:
        """Changes go unseen."""
        self._on_loop(self._inbox.lost_sight, namespace)

    def sees(self, namespace: str) -> None:
        """They are shown again."""
        self._on_loop(self._inbox.sees, namespace)

    def failed(self, error: BaseException) -> None:
        """The watch has ended."""
        self._on_loop(self._supervisor.fail, error)


async def run(settings: Settings) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP. Raises what a part failed with."""
    supervisor, metrics = Supervisor(), Metrics(namespace_label=settings.metrics_namespace_label)
    clock, watch = ClusterClock(), Watch(namespaces=settings.watch_namespaces)
    _finish_when_asked(supervisor)
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(kube.connect(clock))
        api = await stack.enter_async_context(events_client(settings))
        parts = wire(settings, _ports(settings, cluster, api, watch, clock, metrics, supervisor))
        metrics.read(_exposed(settings, parts, watch, clock))
        await _serve_probes(stack, settings, Probes(settings, parts, watch), metrics)
        logger.info("customevents %s posts to %s", __version__, settings.base_url)
        operator = Operator(settings, parts, supervisor, cluster, clock)
        await operator.run(lambda relay: watch.start(cluster, relay, relay.failed), watch.stop)


def events_client(settings: Settings) -> EventsClient:
    """The way to the events API, with the mounted key; it must be closed."""
    return EventsClient(
        settings.base_url,
        KeyFile(settings.api_key_file),
        timeout=settings.delivery_post_timeout,
        proxy=settings.proxy or _proxy_of_the_environment(settings.base_url),
        ca_file=settings.ca_file,
    )


def _proxy_of_the_environment(endpoint: str) -> str:
    try:
        proxy = proxies.for_url(endpoint, os.environ)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if proxy.startswith("socks"):
        words = "events are not sent through a SOCKS proxy: set CUSTOMEVENTS_PROXY to an http one"
        raise SettingsError(f"HTTPS_PROXY: {words}, or name the endpoint in NO_PROXY")
    return proxy


def _ports(
    settings: Settings,
    cluster: kube.Cluster,
    api: EventsClient,
    watch: Watch,
    clock: ClusterClock,
    metrics: Metrics,
    supervisor: Supervisor,
) -> Ports:
    where, name = settings.lease_namespace, settings.lease_name
    return Ports(
        cluster=cluster,
        lease=kube.lease(cluster, where, name),
        config_map=kube.config_map(cluster, where, name),
        api=api,
        watch=watch,
        clock=clock,
        chance=random.random,
        counters=metrics,
        aside=supervisor.aside,
        pod=os.environ.get("POD_NAME") or socket.gethostname(),
        nonce=secrets.token_hex(4),
    )


def _exposed(settings: Settings, parts: Wired, watch: Watch, clock: ClusterClock) -> Exposed:
    return Exposed(
        inbox=parts.inbox,
        throttle=parts.throttle,
        election=parts.election,
        journal=parts.journal,
        resync=parts.resync,
        watch=watch,
        clock=clock,
        lines_dropped=logs.lines_dropped,
        paused=settings.delivery_paused,
    )


async def _serve_probes(
    stack: AsyncExitStack, settings: Settings, probes: Probes, metrics: Metrics
) -> None:
    host, port = settings.health_host, settings.health_port
    serving = health.serve(
        host, port, alive=probes.alive, ready=probes.ready, metrics=metrics.handler
    )
    try:
        bound = await stack.enter_async_context(serving)
    except OSError as error:
        raise SettingsError(
            f"CUSTOMEVENTS_HEALTH_PORT: cannot listen on {sockets.shown(host, port)}: "
            f"{sockets.reason(error)}"
        ) from None
    logger.info("probes are answered on port %d", bound)


def _finish_when_asked(supervisor: Supervisor) -> None:
    def asked() -> None:
        logger.info("asked to stop")
        supervisor.finish()

    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(each, asked)


async def _release(parts: Wired, journal: asyncio.Task[None]) -> None:
    journal.cancel()
    await asyncio.wait({journal})
    await parts.reporter.sign_off()
    await parts.journal.release()
