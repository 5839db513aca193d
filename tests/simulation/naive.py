"""The algorithm of `benchmarks/naive.py`, in the simulated world: what the oracles must be red on.

It is the job as kopf's documentation teaches it: a handler posts, and returns what the status
shall say; what was handled stands in an annotation, which is written first. A write that fails is
dropped.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from customevents import kube
from customevents.clocks import ClusterClock
from customevents.eventsapi.answer import Answer
from customevents.resource.errors import ClusterError, KeyFileError
from customevents.run import Relay
from simulation.network import Line
from simulation.remote import Client
from simulation.replica import Replica
from simulation.watching import SimulatedWatch

#: Where kopf keeps what was handled.
HANDLED = "kopf.zalando.org/last-handled-configuration"

#: Seconds until what is temporary is tried again.
AGAIN = 5.0


class NaiveReplica(Replica):
    """A process that is not ours."""

    def ask_to_stop(self) -> None:
        """What is under way when it ends is handled once more by the next."""
        self.kill()

    async def _live(self) -> None:
        nothing, clock = cast(Any, None), ClusterClock(wall=self.world.now)
        cluster = kube.Cluster(Line(self.world, self.name), nothing, nothing, clock)
        api = Client(self.world, self.name, 5.0)
        watch = SimulatedWatch(self.world, self.name, ())
        watch.start(cluster, cast(Relay, _Handlers(cluster, api)))
        await asyncio.Event().wait()


class _Handlers:
    """Handles each object by itself, one change after the other."""

    def __init__(self, cluster: kube.Cluster, api: Client) -> None:
        self._cluster = cluster
        self._api = api
        self._newest: dict[str, dict[str, Any]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def lists(self, namespace: str) -> None:
        """It does not mind."""

    lost = sees = lists

    def shown(self, change: str | None, raw: dict[str, Any]) -> None:
        """An object was listed or has changed."""
        uid = raw["metadata"]["uid"]
        if change == "DELETED":
            self._newest.pop(uid, None)
            return
        self._newest[uid] = raw
        if uid not in self._tasks or self._tasks[uid].done():
            self._tasks[uid] = asyncio.create_task(self._handle(uid))

    async def _handle(self, uid: str) -> None:
        while (raw := self._newest.get(uid)) is not None:
            annotations, said = raw["metadata"].get("annotations", {}), json.dumps(raw["spec"])
            if annotations.get(HANDLED) == said:
                return
            state = await self._deliver(raw)
            if state:
                await self._record(raw, said, state)
                if self._newest.get(uid) is raw:
                    return
            else:
                await asyncio.sleep(AGAIN)

    async def _deliver(self, raw: dict[str, Any]) -> str:
        """Send it; the state that is to be written, or nothing where it is tried again."""
        metadata = raw["metadata"]
        body = {
            "summary": raw["spec"]["summary"],
            "details": {"customevents.dev/source": f"{metadata['namespace']}/{metadata['name']}"},
        }
        try:
            answer = await self._api.post(body, _delivery_id(raw))
        except KeyFileError:
            return ""
        if not isinstance(answer, Answer):
            return ""
        if answer.status in (400, 422):
            return "Failed"
        return "" if answer.status >= 400 else "Delivered"

    async def _record(self, raw: dict[str, Any], said: str, state: str) -> None:
        metadata = raw["metadata"]
        path = f"{kube.collection(metadata['namespace'])}/{metadata['name']}"
        status = {"delivery": {"state": state, "id": _delivery_id(raw)}}
        try:
            for where, body in (
                (path, {"metadata": {"annotations": {HANDLED: said}}}),
                (f"{path}/status", {"status": status}),
            ):
                await self._cluster.request("PATCH", where, body, content_type=kube.MERGE_PATCH)
        except ClusterError:
            pass  # kopf drops it


def _delivery_id(raw: dict[str, Any]) -> str:
    metadata = raw["metadata"]
    return f"{metadata['uid']}/{metadata['generation']}"
