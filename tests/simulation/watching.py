"""The watch of a simulated replica: it lags, repeats itself, goes silent, ends, and begins anew.

It stands in for kopf and for what supervises it, and tells what they tell, in their order: the
first list begins, what it holds, changes are seen, each change once or as the newest of several,
changes go unseen. The ways of one object are in order; those of two are not.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from customevents import answers, kube
from customevents.clocks import happened
from customevents.resource.errors import ClusterError
from customevents.run import Relay
from customevents.trigger import SILENT, STREAM
from customevents.watch import pause

if TYPE_CHECKING:
    from simulation.world import World


class SimulatedWatch:
    """What shows changes to one replica, from `start` to `stop`."""

    def __init__(self, world: World, who: str, namespaces: Sequence[str]) -> None:
        self._watchers = {name: _Watcher(world, who, name) for name in namespaces or ("",)}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def troubles(self) -> list[str]:
        """A line for each namespace that is not watched."""
        return []

    @property
    def is_deaf(self) -> bool:
        """Whether nothing at all is watched that should be: of that kopf's own tests tell."""
        return False

    @property
    def helpless_for(self) -> float:
        """Seconds for which no new start has helped."""
        return 0.0

    def start(self, cluster: kube.Cluster, relay: Relay) -> None:
        """Start watching."""
        for watcher in self._watchers.values():
            self._tasks.append(asyncio.create_task(watcher.run(cluster, relay)))

    def renew(self, namespace: str) -> None:
        """Begin a namespace's watch anew: it has kept something back."""
        (self._watchers.get(namespace) or self._watchers[""]).interrupted.set()

    def stop(self) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()


class _Watcher:
    """Keeps one namespace watched."""

    def __init__(self, world: World, who: str, namespace: str) -> None:
        self.interrupted = asyncio.Event()
        self._world = world
        self._who = who
        self._namespace = namespace
        self._changed = asyncio.Event()
        self._is_first = True
        self._lists = self._streams = self._shown = 0
        #: Of each object, what is on its way through the queues, and how it came.
        self._on_its_way: dict[str, deque[tuple[str | None, dict[str, Any]]]] = {}
        #: Whether each version is shown, as by an API server that is behind; else the newest alone.
        self._in_order = world.chance.of("in order", who) < 0.5
        self._due = 0.0

    async def run(self, cluster: kube.Cluster, relay: Relay) -> None:
        """Begin anew whenever it has ended."""
        failures = 0
        while True:
            self.interrupted.clear()
            good = await self._watch(cluster, relay)
            self._drain(relay)
            relay.lost(self._namespace)
            failures = 1 if good else failures + 1
            await happened(self.interrupted, pause(failures, answered=True))

    async def _watch(self, cluster: kube.Cluster, relay: Relay) -> bool:
        """One kopf, from its list to its end; whether it has seen anything."""
        watching = asyncio.ensure_future(self._list_and_stream(cluster, relay))
        ending = asyncio.ensure_future(self.interrupted.wait())
        await asyncio.wait([watching, ending], return_when=asyncio.FIRST_COMPLETED)
        good = watching.done() and not watching.cancelled() and watching.result()
        for task in (watching, ending):
            task.cancel()
        await asyncio.wait([watching, ending])
        return good

    async def _list_and_stream(self, cluster: kube.Cluster, relay: Relay) -> bool:
        good = False
        while True:
            if self._is_first:
                relay.lists(self._namespace)
            else:
                relay.lost(self._namespace)
            self._is_first = False
            try:
                version = await self._list(cluster, relay)
            except ClusterError:
                return good
            good = True
            if not await self._stream(version, relay):
                return good

    async def _list(self, cluster: kube.Cluster, relay: Relay) -> int:
        """Show what is there; the version from which on changes are to be shown."""
        path, more, version = kube.collection(self._namespace), "", 0
        while True:
            page = await cluster.get(f"{path}?limit={answers.PAGE}{more}")
            version = int(page["metadata"]["resourceVersion"])
            for raw in page["items"]:
                self._dispatch(None, raw, relay)
            token = answers.more(page)
            if not token:
                return version
            more = f"&continue={token}"

    async def _stream(self, since: int, relay: Relay) -> bool:
        """Show changes; True: its version is too old by now, and all is to be listed."""
        world = self._world
        while True:
            self._streams += 1
            fate = world.fate(self._who, "WATCH", self._streams)
            if world.is_down or world.is_parted(self._who, "kubernetes", "there") or fate == "500":
                return False
            relay.sees(self._namespace)
            silent = fate == "silent"
            if fate:
                world.say(self._who, f"WATCH: {fate}")
            ending = world.loop.time() + (SILENT if silent else STREAM)
            if silent:
                world.silent[self._who] = ending
            if fate == "short":
                ending = world.loop.time() + 0.5
            while (left := ending - world.loop.time()) > 0:
                found = None if silent else world.changes(self._namespace, since)
                if found is None and not silent:
                    return True
                for change in found or ():
                    since = change.version
                    if not world.swallows(self._who, since):
                        self._dispatch(change.type, change.object, relay)
                if world.cuts(self._who) or not world.server.has_crd:
                    return False
                await self._wait(left)
            if not silent and world.changes(self._namespace, since) == []:
                since = max(since, world.server.version)  # its last bookmark

    async def _wait(self, seconds: float) -> None:
        self._changed.clear()
        self._world.on_change(self._who, self._namespace, self._changed)
        await happened(self._changed, seconds)

    def _dispatch(self, change: str | None, raw: dict[str, Any], relay: Relay) -> None:
        """Each object has a queue of its own, which may be slow."""
        self._shown += 1
        uid = raw["metadata"]["uid"]
        shown = (change, json.loads(json.dumps(raw)))
        queue = self._on_its_way.setdefault(uid, deque())
        if queue and not self._in_order:
            queue[-1] = shown
            return
        queue.append(shown)
        loop = asyncio.get_running_loop()
        due = loop.time() + self._world.lag(self._who, "queue", self._shown)
        if self._in_order:
            self._due = due = max(due, self._due)
        loop.call_at(due, self._show, uid, relay)

    def _drain(self, relay: Relay) -> None:
        """As kopf ends a watch: what is in its queues is shown still, or it is in the next list."""
        while self._in_order and self._on_its_way:
            self._show(next(iter(self._on_its_way)), relay)
        self._on_its_way.clear()

    def _show(self, uid: str, relay: Relay) -> None:
        queue = self._on_its_way.get(uid)
        if not queue:
            return
        shown = queue.popleft()
        if not queue:
            del self._on_its_way[uid]
        change, raw = shown
        metadata = raw["metadata"]
        path = f"{metadata['namespace']}/{metadata['name']}"
        what = (
            f"the end of {path}"
            if change == "DELETED"
            else f"{path}, version {metadata['resourceVersion']}"
        )
        self._world.say(self._who, f"WATCH shows {what}")
        relay.shown(change, raw)
