"""One process of the operator, wired as the real one, whose ports lead into the simulated world."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from customevents import kube
from customevents.clocks import ClusterClock
from customevents.resource.errors import CustomEventsError
from customevents.run import Operator, Probes
from customevents.settings import Settings
from customevents.supervisor import Supervisor
from customevents.wiring import Ports, Wired, wire
from simulation.loop import OWNER, Process, SimulatedTask
from simulation.network import Line
from simulation.remote import Client
from simulation.watching import SimulatedWatch

if TYPE_CHECKING:
    from simulation.world import World

#: The operator's own namespace, and the name of its Lease.
HOME = NAME = "customevents"

#: What an operator is told in every schedule: that the account knows this cluster.
ALWAYS = {
    "api_key_file": Path("the-mounted-key"),
    "cluster_name": "prod-eu-1",
}


@lru_cache(maxsize=64)
def _settings(given: str) -> Settings:
    chosen: dict[str, Any] = {**ALWAYS, **json.loads(given)}
    return Settings(**chosen)


class Tally:
    """Counts what a delivery counts."""

    def __init__(self) -> None:
        self.counts: Counter[object] = Counter()

    def attempted(self, namespace: str, outcome_class: str, took: float) -> None:
        assert took >= 0.0, f"an attempt of {namespace} ended before it began"
        self.counts[outcome_class] += 1

    def delivered(self, age: float) -> None:
        self.counts["delivered"] += age > float("-inf")

    def unusual_success(self, namespace: str) -> None:
        self.counts["unusual", namespace] += 1

    def unknown_outcome(self, namespace: str) -> None:
        self.counts["unknown", namespace] += 1

    def cancelled(self, namespace: str) -> None:
        self.counts["cancelled", namespace] += 1


class Replica:
    """A pod of the operator's: its processes follow one another."""

    def __init__(self, world: World, pod: str) -> None:
        self.world = world
        self.pod = pod
        self.starts = 0
        self.process = Process(pod)
        self.process.is_dead = True
        #: What its last probe found.
        self.is_ready = False
        self.parts: Wired | None = None
        #: What its process began with.
        self.settings: Settings | None = None
        self.probes: Probes | None = None
        #: Seconds by which its clock is ahead; it may be set while it runs.
        self.offset = 0.0
        #: Whether it may be draining: a stop would use up the time that it has for that.
        self._may_drain = False
        self._stopped_at = 0.0
        self._supervisor: Supervisor | None = None
        self._task: SimulatedTask | None = None

    @property
    def name(self) -> str:
        """What people call the process of now."""
        return f"{self.pod}{self.starts}"

    @property
    def runs(self) -> bool:
        """Whether a process is there, however stopped."""
        return not self.process.is_dead

    def start(self) -> None:
        """Start a process, if none is there."""
        if self.runs:
            return
        self.starts += 1
        self.process, self._may_drain = Process(self.name), False
        context = contextvars.Context()
        context.run(OWNER.set, self.process)
        self.world.say(self.name, "starts")
        self.world.judge.began(self.name)
        self._task = self.world.loop.create_task(self._live(), context=context)
        self._task.add_done_callback(self._ended, context=contextvars.Context())

    def kill(self) -> None:
        """Nothing of it ever runs again."""
        if not self.runs:
            return
        self.world.say(self.name, "is killed")
        self._over()

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self.runs and self._supervisor is not None:
            self.world.say(self.name, "is asked to stop")
            self._may_drain = True
            self._supervisor.finish()

    def stop(self) -> None:
        """SIGSTOP, or a machine that is suspended."""
        self.world.say(self.name, "is stopped")
        is_deposed = self.parts and self.parts.inbox.busy and not self.parts.election.valid
        if self._may_drain or is_deposed:
            self.world.judge.out_of_time.add(self.name)
        if not self.process.is_stopped:
            self._stopped_at = self.world.loop.time()
        # Another may lead by the time it goes on, and then it drains.
        self.process.is_stopped = self._may_drain = True

    def resume(self) -> None:
        """It goes on."""
        if self.process.is_stopped:
            self.world.say(self.name, "goes on")
            self.world.judge.slept(self.name, self.world.loop.time() - self._stopped_at)
            self.world.loop.resume(self.process)

    def probe(self) -> None:
        """What the kubelet asks, every few seconds."""
        if self.probes is None or self.process.is_stopped:
            return
        self.is_ready = self.probes.ready().ok
        if not (found := self.probes.alive()).ok:
            self.world.judge.violated("liveness", f"{self.name}: {'; '.join(found.troubles)}")
            self.kill()

    def _over(self) -> None:
        self.process.is_dead = True
        self.parts = self.probes = self._supervisor = None
        delay = self.world.chance.span(0.5, 8.0, "restart", self.name)
        self.world.loop.call_later(delay, self.start, context=contextvars.Context())

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        how = "exits 0" if error is None else f"exits 1: {error}"
        self.world.say(self.name, how)
        self.world.judge.exited(self.name)
        if error is not None and not isinstance(error, CustomEventsError):
            self.world.judge.violated("defect", f"{self.name} ended with {error!r}")
        self._over()

    async def _live(self) -> None:
        world, loop = self.world, self.world.loop
        born, ahead = loop.time(), 1.0 + world.drift(self.pod)

        def uptime() -> float:
            return 1000.0 + born + (loop.look() - born) * ahead

        def wall() -> datetime:
            return world.now() + timedelta(seconds=self.offset)

        clock = ClusterClock(wall=wall, uptime=uptime)
        nothing = cast(Any, None)
        cluster = kube.Cluster(Line(world, self.name), nothing, nothing, clock)
        self.settings = settings = _settings(json.dumps(world.settings, sort_keys=True))
        self._supervisor = Supervisor()
        watch = SimulatedWatch(world, self.name, settings.watch_namespaces)
        ports = Ports(
            cluster=cluster,
            lease=kube.lease(cluster, HOME, NAME),
            config_map=kube.config_map(cluster, HOME, NAME),
            api=Client(world, self.name, settings.delivery_post_timeout),
            watch=watch,
            clock=clock,
            chance=self._chance(),
            counters=Tally(),
            aside=self._supervisor.aside,
            pod=self.pod,
            nonce=str(self.starts),
        )
        self.parts = wire(settings, ports)
        self.probes = Probes(settings, self.parts, watch)
        operator = Operator(settings, self.parts, self._supervisor, cluster, clock)
        await operator.run(lambda relay: watch.start(cluster, relay), watch.stop)

    def _chance(self) -> Callable[[], float]:
        return self.world.chance.stream("jitter", self.name).random
