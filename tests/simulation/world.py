"""The simulated world: replicas, the API server, the events API, and what goes wrong between them.

It runs one plan to its end. Nothing here decides anything that does not follow from the plan.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from customevents.resource.lease import IN_FLIGHT, Intent, read_entries
from simulation import deeds, story
from simulation.apiserver import ApiServer
from simulation.calm import Calm
from simulation.chance import Chance, drawn
from simulation.judge import Judge
from simulation.loop import HotLoop, new_loop
from simulation.plan import SETTINGS, WHOEVER, Deed, Plan, Struck
from simulation.remote import Remote, Sent
from simulation.replica import HOME, Replica
from simulation.store import Change, Forgotten

CRD = Path(__file__).parents[2] / "crds" / "customevents.customevents.dev.yaml"

#: When the world begins.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

#: The names of pods, and the namespaces of authors.
PODS = ("a", "b", "c")
NAMESPACES = ("shop", "bank")

#: Seconds of calm within which all must be as it should, and for which it must stay so.
BOUND, QUIET = 1200.0, 25.0

#: Seconds between two looks at it, and between two probes of the kubelet.
LOOK, PROBED_EVERY = 5.0, 5.0


@lru_cache(maxsize=1)
def crd() -> dict[str, Any]:
    """The CustomResourceDefinition as the project ships it."""
    found: dict[str, Any] = yaml.safe_load(CRD.read_text())
    return found


class World:
    """One run of one plan."""

    def __init__(self, plan: Plan, kind: type[Replica] = Replica) -> None:
        self.plan = plan
        self.chance = Chance(plan.seed)
        order = self.chance.stream("order") if plan.shuffles else None
        self.loop = new_loop(order)
        self.crd = crd()
        self.server = ApiServer(self.now, self.crd)
        self.remote = Remote(self)
        self.settings: dict[str, Any] = {**SETTINGS, **plan.settings}
        self.judge = Judge(self)
        self.calm = Calm(self, self.judge)
        #: When, who, and what.
        self.trace: list[tuple[float, str, str]] = []
        self.replicas = {pod: kind(self, pod) for pod in PODS[: plan.replicas]}
        #: Whether the API server is away.
        self.is_down = False
        #: Ways that are cut: whose, to what, which way.
        self.parted: set[tuple[str, str, str]] = set()
        #: Namespaces, and single events, whose statuses nobody may write.
        self.refusing: set[str] = set()
        #: Pods whose watch shows nothing, and those whose streams were cut.
        self.deaf: set[str] = set()
        #: Until when the stream of a process is silent; what it has missed is shown behind that.
        self.silent: dict[str, float] = {}
        self._cut: set[str] = set()
        self._listeners: dict[tuple[str, str], asyncio.Event] = {}
        self._waiting: dict[tuple[str, str], list[tuple[int, Deed]]] = defaultdict(list)
        self._in_flight: tuple[str, tuple[Intent, ...]] = ("", ())
        #: The faults that struck, in order.
        self.struck: list[Struck] = []
        self._fates = _by_kind(plan)
        self._given = {(f.who, f.what, f.number): f.fate for f in plan.struck or ()}

    # What time it is, and what happens.

    def now(self) -> datetime:
        """The API server's clock."""
        return EPOCH + timedelta(seconds=self.loop.time())

    def say(self, who: str, what: str) -> None:
        """Put a line into the trace."""
        self.trace.append((self.loop.time(), who, what))

    def run(self) -> None:
        """Run the plan, until all is as it should be and has stayed so."""
        for namespace in (*NAMESPACES, HOME):
            self.server.create_namespace(namespace)
        self.server.subscribe(self._changed)
        try:
            self._run()
        except HotLoop as error:
            self.judge.violated("no hot loop", str(error))
        finally:
            self.judge.errors(self.loop.errors)
            self.loop.discard()

    def _run(self) -> None:
        for pod, each in self.replicas.items():
            each.offset = self.plan.offset * (2.0 * self.chance.of("offset", pod) - 1.0)
            delay = self.chance.of("start", pod)
            self.later(delay, each.start)
        self.later(PROBED_EVERY, self._probe)
        for deed in self.plan.deeds:
            if deed.at < self.plan.calm:
                self.later(deed.at, partial(self._meet, deed))
        self.loop.run_until(self.plan.calm)
        self._calm_down()
        quiet_since = None
        while self.loop.time() < self.plan.calm + BOUND:
            self.loop.run_until(self.loop.time() + LOOK)
            if self.calm.open():
                quiet_since = None
            elif quiet_since is None:
                quiet_since = self.loop.time()
                self.calm.settled()
            elif self.loop.time() - quiet_since >= QUIET:
                break
        self.calm.final()

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Do something after so many seconds; it is nobody's but the world's."""
        self.loop.call_later(seconds, what, context=Context())

    def for_a_while(self, seconds: float, over: Callable[[], None]) -> None:
        """End something after so many seconds, and in any case when all is calm."""
        left = max(0.0, self.plan.calm - self.loop.time())
        self.later(min(seconds, left), over)

    def _calm_down(self) -> None:
        self.say("world", "is calm")
        self._waiting.clear()
        for each in self.replicas.values():
            each.resume()

    def _probe(self) -> None:
        for each in self.replicas.values():
            each.probe()
        self.later(PROBED_EVERY, self._probe)

    # Deeds.

    def _meet(self, deed: Deed) -> None:
        if not deed.point:
            return self._do(deed)
        whose = deed.whom if deed.whom in PODS else WHOEVER
        self._waiting[whose, deed.point].append((deed.count, deed))
        return None

    def _do(self, deed: Deed) -> None:
        self.say("world", story.of_a_deed(deed))
        deeds.do(self, deed)

    def at_point(self, who: str, names: tuple[str, ...], moment: str) -> None:
        """A replica is at this moment of a request, which may have two names."""
        for name, whose in product(names, (who[0], WHOEVER)):
            point = f"{name} {moment}"
            for count, deed in self._waiting.pop((whose, point), ()):
                if count > 1:
                    self._waiting[whose, point].append((count - 1, deed))
                    continue
                whom = who[0] if deed.whom == WHOEVER else deed.whom
                self._do(replace(deed, whom=whom, point="", count=1))

    async def begins(self, who: str, names: tuple[str, ...]) -> None:
        """A replica is about to send; who is killed here never does, who is stopped does later."""
        self.at_point(who, names, "begun")
        process = self.replicas[who[0]].process
        if process.is_dead:
            await self.loop.create_future()
        if process.is_stopped:
            await asyncio.sleep(0)

    # Ways.

    def fate(self, who: str, what: str, number: int) -> str:
        """What becomes of a request; empty: all goes well."""
        if self.loop.time() >= self.plan.calm:
            return ""
        if self.plan.struck is not None:
            return self._given.get((who, what, number), "")
        shares = self._fates[what]
        if not shares:
            return ""
        fate = drawn(shares, self.chance.of("fate", who, what, number))
        if fate:
            self.struck.append(Struck(who, what, number, fate))
        return fate

    def way(self, who: str, what: str, number: int, side: str) -> float:
        """Seconds that something takes on its way."""
        slowest = self.plan.slowest if self.loop.time() < self.plan.calm else 0.02
        return self.chance.span(0.0005, slowest, "way", side, who, what, number)

    def lag(self, who: str, *name: object) -> float:
        """Seconds by which the watch is late; soon after the calm has begun it is not."""
        left = self.plan.calm - self.loop.time()
        most = min(self.plan.lag, left + 5.0) if left > 0.0 else 0.1
        return self.chance.span(0.001, most, "lag", who, *name)

    def drift(self, pod: str) -> float:
        """Seconds by which a replica's clock goes ahead in a second."""
        return self.plan.drift * (2.0 * self.chance.of("drift", pod) - 1.0)

    def is_parted(self, who: str, whom: str, side: str) -> bool:
        """Whether nothing comes through."""
        return (who[0], whom, side) in self.parted

    def policy(self, what: str, path: str) -> str:
        """What somebody's rule answers to a request; empty: nothing."""
        if what != "PATCH status" or not self.refusing:
            return ""
        namespace, _, name, *_ = path.split("/namespaces/")[1].split("/")
        if f"{namespace}/{name}" in self.refusing:
            return "422 for a field"
        return "403" if namespace in self.refusing else ""

    # The watch.

    def _changed(self, version: int) -> None:
        for (who, namespace), event in list(self._listeners.items()):
            del self._listeners[who, namespace]
            self.later(self.lag(who, "change", namespace, version), event.set)

    def on_change(self, who: str, namespace: str, event: asyncio.Event) -> None:
        """Set this when something has changed, a while later."""
        self._listeners[who, namespace] = event

    def changes(self, namespace: str, since: int) -> list[Change] | None:
        """What has changed since; None: that is too long ago."""
        try:
            return self.server.changes(namespace, since)
        except Forgotten:
            return None

    def swallows(self, who: str, version: int) -> bool:
        """Whether the watch does not show a change, for ever."""
        if who[0] in self.deaf:
            self.say(who, f"WATCH: swallows {version}")
            return True
        return False

    def cut_watches(self) -> None:
        """End all streams."""
        self._cut = {each.name for each in self.replicas.values()}
        for whose, event in list(self._listeners.items()):
            del self._listeners[whose]
            self.later(0.0, event.set)

    def cuts(self, who: str) -> bool:
        """Whether this stream ends now."""
        found = who in self._cut
        self._cut.discard(who)
        return found

    # What is looked at.

    def intents(self) -> tuple[Intent, ...]:
        """The attempts that the Lease lists now."""
        metadata = (self.server.lease() or {"metadata": {"resourceVersion": ""}})["metadata"]
        if self._in_flight[0] != metadata["resourceVersion"]:
            listed = read_entries(metadata.get("annotations", {}).get(IN_FLIGHT))
            self._in_flight = (metadata["resourceVersion"], listed.entries)
        return self._in_flight[1]

    def in_flight(self) -> dict[str, str]:
        """The objects of which it lists attempts, by their delivery ids."""
        return {intent.delivery_id: intent.uid for intent in self.intents()}

    def posted(self, sent: Sent) -> None:
        """A replica sends an event."""
        self.say(sent.who, f"POST {sent.source} {sent.summary!r}")
        self.judge.posted(sent)

    def counted(self, who: str, what: str, found: object) -> None:
        """A request was answered like this; None: it went wrong."""
        self.judge.counted(who, what, good=found is not None)

    def is_deployed(self, event: dict[str, Any]) -> bool:
        """Whether the workload is there that a selector of this event looks for."""
        where = f"/apis/apps/v1/namespaces/{event['metadata']['namespace']}/deployments"
        return bool(self.author("GET", f"{where}/checkout"))

    def author(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """What somebody else asks of the API server, which always arrives."""
        reply = self.server.handle(method, path, body, content_type=content_type)
        found: dict[str, Any] = json.loads(reply.body) if reply.body[:1] == b"{" else {}
        return found if reply.status < 300 else {}


def _by_kind(plan: Plan) -> defaultdict[str, dict[str, float]]:
    """The share of each fault, by what a request is."""
    by_kind: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for name, share in plan.rates.items():
        what, _, fate = name.partition(": ")
        by_kind[what][fate] = share
    return by_kind
