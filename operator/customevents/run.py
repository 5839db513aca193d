"""The composition root: each part is built once, started, watched over, and drained.

When a part fails, the process drains as on SIGTERM and exits 1. Kubernetes starts it again; the
state is in the cluster.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from contextlib import AsyncExitStack
from typing import Any

from customevents import __version__, building, health, kube, logs, sockets
from customevents.clocks import ClusterClock, uptime
from customevents.delivery.announcement import Announcer
from customevents.delivery.courier import Courier
from customevents.delivery.gate import Gate
from customevents.delivery.inbox import Inbox
from customevents.delivery.intake import Intake
from customevents.delivery.lease import MOST_ENTRIES, TakenOver
from customevents.delivery.pacing import Tellings
from customevents.delivery.reaper import Reaper
from customevents.delivery.receipts import Receipts
from customevents.delivery.rounds import Rounds
from customevents.delivery.takeover import TakeOver
from customevents.delivery.unwritten import Unwritten
from customevents.health import Finding
from customevents.metrics import Exposed, Metrics
from customevents.parts import Parts
from customevents.resource.errors import ClusterError, SchemaTooOld, SettingsError
from customevents.resource.status import Reason
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import OwnName
from customevents.settings import Settings
from customevents.watch import Watch

#: Seconds beyond an attempt's timeout after which an event at the courier is stuck there.
STUCK = 300.0

logger = logging.getLogger(__name__)

#: Seconds after which a new process is worth a try where a new kopf in this one did not help.
HELPLESS = 300.0

#: What a drain may take beyond an attempt's timeout, in seconds.
GRACE = 20.0


class Operator:
    """The running operator: its parts, and the future through which their failures are told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._parts = Parts()
        self._metrics = Metrics(namespace_label=settings.metrics_namespace_label)
        self._clock = ClusterClock()
        self._inbox = Inbox(
            self._clock.now,
            uptime,
            self._metrics,
            room=lambda: len(self._journal) < MOST_ENTRIES,
        )
        self._tellings = Tellings()
        #: Who takes in what the watch shows.
        self._readers: list[Inbox | Reaper | Rounds] = [self._inbox]
        self._intake = Intake(self._readers)
        self._watch = Watch(_Relay(self, self._inbox), namespaces=settings.watch_namespaces)

    async def run(self) -> None:
        """Run until SIGTERM, SIGINT or SIGHUP, then drain. Raises what a part failed with."""
        for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(asked, self._finish)
        async with AsyncExitStack() as stack:
            await self._build(stack)
            taken = await self._parts.unless_over(self._journal.acquire())
            if taken is None:
                return await self._parts.over()
            journal = self._parts.own(self._journal.run(), "the journal")
            stack.callback(self._watch.stop)  # last: kopf may take seconds, the next leader waits
            stack.push_async_callback(self._release, journal)
            try:
                await self._parts.unless_over(self._start(taken))
                await self._parts.over()
            finally:
                await self._drain()
        return None

    async def _build(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        self._cluster = await stack.enter_async_context(kube.connect(self._clock))
        self._api = await stack.enter_async_context(building.events_client(settings))
        self._journal = building.journal(
            settings, self._cluster, self._clock, lambda: self._announcer()
        )
        self._notices = building.notices(settings, self._cluster, self._clock, self._journal)
        self._gate = Gate(
            building.pace(settings),
            self._api,
            uptime=uptime,
            opened=self._gate_opened,
            warn=self._notices.warn,
        )
        told = self._notices.recorded
        self._receipts = Receipts(
            self._cluster, self._clock.now, self._metrics, recorded=told, alarm=self._gate.halt
        )
        self._unwritten = Unwritten(
            self._receipts, self._inbox, self._journal, self._parts.aside, clock=self._clock.now
        )
        agents = Agents(settings.agent_namespaces)
        self._name = OwnName(
            self._cluster,
            chain(settings.cluster_name, agents),
            uptime=uptime,
            found=lambda: self._inbox.release(Reason.CLUSTER_NAME_UNKNOWN),
        )
        self._announcer = self._new_announcer(agents)
        self._rounds = self._new_rounds()
        self._readers.append(self._rounds)
        self._metrics.read(self._exposed())
        await self._serve_probes(stack)
        logger.info("customevents %s posts to %s", __version__, settings.base_url)

    def _new_rounds(self) -> Rounds:
        return Rounds(
            self._inbox,
            self._cluster,
            self._settings.watch_namespaces,
            clock=self._clock.now,
            uptime=uptime,
            renew=self._watch.renew,
        )

    def _exposed(self) -> Exposed:
        return Exposed(
            inbox=self._inbox,
            gate=self._gate,
            journal=self._journal,
            rounds=self._rounds,
            watch=self._watch,
            clock=self._clock,
            lines_dropped=logs.lines_dropped,
            paused=self._settings.delivery_paused,
        )

    def _new_announcer(self, agents: Agents) -> Announcer:
        return Announcer(
            inbox=self._inbox,
            gate=self._gate,
            account=self._api,
            cluster=lambda: self._name.known,
            agents_elsewhere=lambda: agents.elsewhere,
            endpoint=self._settings.base_url,
            clock_skew=lambda: self._clock.skew,
            unwatched=lambda: self._watch.troubles,
            settings=self._settings.announced(),
        )

    def _courier(self) -> Courier:
        settings = self._settings
        return Courier(
            inbox=self._inbox,
            journal=self._journal,
            gate=self._gate,
            receipts=self._receipts,
            api=self._api,
            drafts=building.drafts(settings, self._cluster, self._clock, self._name.get),
            policy=building.policy(settings),
            clock=self._clock.now,
            jitter=random.Random(),
            unwritten=self._unwritten,
            tellings=self._tellings,
            uptime=uptime,
            counters=self._metrics,
        )

    async def _start(self, taken: TakenOver) -> None:
        """Lead: settle what was in flight, take in what is open, then watch."""
        logger.info("leading; %d attempts of the last leader to settle", len(taken.entries))
        if taken.quarantine:
            logger.warning(
                "the Lease or its list was lost: nothing is sent for %.0f s", taken.quarantine
            )
            await asyncio.sleep(taken.quarantine)
        courier = self._courier()
        try:
            await TakeOver(courier, self._settings.delivery_post_timeout).settle(taken.entries)
        except SchemaTooOld:
            return  # readiness says so; nothing may be sent
        await self._name.look()
        self._journal.say()
        await self._take_in_open_work()
        self._parts.own(self._name.run(), "the cluster's name")
        self._parts.own(self._gate.run(), "the gate")
        self._parts.own(self._notices.run(), "the notices")
        self._parts.own(self._announcer.run(), "the announcer")
        for number in range(self._settings.delivery_in_flight):
            self._parts.drained(courier.run(), f"courier {number}")
        self._parts.own(self._rounds.run(), "the rounds")
        if self._settings.ttl_enabled:
            reaper = Reaper(self._cluster, self._clock.now)
            self._readers.append(reaper)
            self._parts.own(reaper.run(), "the reaper")
        self._watch.start(self._cluster, failed=self._watch_failed)

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

    def _gate_opened(self) -> None:
        self._tellings.reset()
        self._inbox.open_gate()

    async def _serve_probes(self, stack: AsyncExitStack) -> None:
        host, port = self._settings.health_host, self._settings.health_port
        serving = health.serve(
            host, port, alive=self._alive, ready=self._ready, metrics=self._metrics.handler
        )
        try:
            bound = await stack.enter_async_context(serving)
        except OSError as error:
            raise SettingsError(
                f"CUSTOMEVENTS_HEALTH_PORT: cannot listen on {sockets.shown(host, port)}: "
                f"{sockets.reason(error)}"
            ) from None
        logger.info("probes are answered on port %d", bound)

    def _alive(self) -> Finding:
        """Whether a restart would mend what is wrong; an API server that is away it would not."""
        patience = self._settings.delivery_post_timeout + STUCK
        longest = self._inbox.longest_busy()
        if not self._journal.valid:
            return Finding()
        if self._watch.helpless_for > HELPLESS:
            return Finding(False, self._watch.troubles)
        if longest > patience:
            return Finding(False, [f"an event has been under way for {longest:.0f} s"])
        return Finding()

    def _ready(self) -> Finding:
        """Whether a leader is at work, or what keeps it from that; a standby is ready."""
        of_all = [words for words in (self._gate.halted, self._journal.trouble) if words]
        # One namespace's trouble is told, and keeps nobody from the others.
        is_stopped = self._gate.halted or (self._journal.trouble and not self._journal.holds_back)
        is_ready = not is_stopped and not self._watch.is_deaf
        return Finding(is_ready, of_all + self._watch.troubles)

    def _watch_failed(self, error: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._parts.fail, error)

    def take_in(self, change: str | None, raw: dict[str, Any]) -> None:
        """What the watch or a list shows."""
        if change is None:
            self._inbox.confirm(raw["metadata"].get("uid", ""))
        self._intake.show(change, raw)

    def _finish(self) -> None:
        logger.info("asked to stop: %d attempts are under way", self._inbox.busy)
        self._parts.finish()

    async def _drain(self) -> None:
        """Take nothing new; let attempts under way end and their results be recorded."""
        self._inbox.close()
        self._gate.close()
        patience = self._settings.delivery_post_timeout + GRACE
        if late := await self._parts.drain(patience):
            logger.error("%d results are not recorded after %.0f s", late, patience)
        logger.info("drained")

    async def _release(self, journal: asyncio.Task[None]) -> None:
        journal.cancel()
        await asyncio.wait({journal})
        await self._journal.release()


class _Relay:
    """Hands on what the watch's thread tells: everything of ours happens on our own loop."""

    def __init__(self, operator: Operator, inbox: Inbox) -> None:
        self._loop = asyncio.get_running_loop()
        self._operator = operator
        self._inbox = inbox

    def shown(self, change: str | None, raw: dict[str, Any]) -> None:
        """An object was listed or has changed."""
        self._loop.call_soon_threadsafe(self._operator.take_in, change, raw)

    def lists(self, namespace: str) -> None:
        """The first list begins."""
        self._loop.call_soon_threadsafe(self._inbox.lists, namespace)

    def lost(self, namespace: str) -> None:
        """Changes go unseen."""
        self._loop.call_soon_threadsafe(self._inbox.lost_sight, namespace)

    def sees(self, namespace: str) -> None:
        """They are shown again."""
        self._loop.call_soon_threadsafe(self._inbox.sees, namespace)


async def run(settings: Settings) -> None:
    """Run the operator until it is asked to stop."""
    await Operator(settings).run()
