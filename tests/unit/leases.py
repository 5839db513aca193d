"""One Lease as the API server keeps it, with faults on demand, and journals that contend for it."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from customevents.delivery.election import Election, Terms
from customevents.delivery.journal import Journal
from customevents.resource.errors import ClusterError, Conflict, Gone
from customevents.resource.lease import IN_FLIGHT, Intent, write_entries
from unit.builders import Clock
from unit.instant import at_once

Raw = dict[str, Any]

_SIX_DECIMALS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

#: Seconds that a request takes at least: who asks again at once must not stop the clock.
SHORTEST = 0.001

#: Longer than anybody waits for an answer.
FOR_EVER = 3600.0


class Fault(Enum):
    """What becomes of one write."""

    REFUSED = auto()  # 500, not applied
    ANSWER_LOST = auto()  # applied, and then the connection broke
    ANSWER_NEVER = auto()  # applied, and no answer comes
    NEVER_ARRIVED = auto()  # not applied, and no answer comes


@dataclass
class MemoryLeases:
    """The API server: swaps what is at the version that was read, and nothing else."""

    lease: Raw | None = None
    #: Each write that was applied.
    writes: list[Raw] = field(default_factory=list)
    #: The next writes end like this; None: well.
    faults: list[Fault | None] = field(default_factory=list)
    #: How many of the next reads fail.
    failed_reads: int = 0
    #: Seconds that a write takes before it is applied.
    delay: float = 0.0
    #: How many of the next reads are answered with a 404 that names nothing.
    strange_reads: int = 0
    #: The answer to a swap of a Lease that is not there.
    missing: type[ClusterError] = Gone
    #: The answer to every write, which is not applied.
    refusal: ClusterError | None = None
    #: When each request came, by the loop's clock.
    asked: list[float] = field(default_factory=list)
    _version: int = 100

    async def read(self) -> Raw:
        await self._asked()
        if self.failed_reads:
            self.failed_reads -= 1
            raise ClusterError("the Kubernetes API did not answer: TimeoutError")
        if self.strange_reads:
            self.strange_reads -= 1
            raise ClusterError("the Kubernetes API answered 404: not found", 404)
        if self.lease is None:
            raise Gone("not found", 404)
        return deepcopy(self.lease)

    async def create(self, lease: Raw) -> Raw:
        async def apply() -> None:
            if self.lease is not None:
                raise Conflict("already exists", 409)
            assert "resourceVersion" not in lease.get("metadata", {})
            self._store(lease)

        return await self._written(apply)

    async def replace(self, lease: Raw) -> Raw:
        assert lease["metadata"].get("resourceVersion"), "that would be no compare-and-swap"

        async def apply() -> None:
            if self.lease is None:
                raise self.missing("not found", 404)
            if lease["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
                raise Conflict("changed since", 409)
            self._store(lease)

        return await self._written(apply)

    async def _written(self, apply: Any) -> Raw:
        await self._asked()
        if self.refusal is not None:
            raise self.refusal
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.REFUSED:
            raise ClusterError("the Kubernetes API answered 500: ", 500)
        await asyncio.sleep(FOR_EVER if fault is Fault.NEVER_ARRIVED else self.delay)
        await apply()
        if fault is Fault.ANSWER_LOST:
            raise ClusterError("the Kubernetes API did not answer: ServerDisconnectedError")
        if fault is Fault.ANSWER_NEVER:
            await asyncio.sleep(FOR_EVER)
        assert self.lease is not None
        return deepcopy(self.lease)

    async def _asked(self) -> None:
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(SHORTEST)

    def _store(self, lease: Raw) -> None:
        for name in ("renewTime", "acquireTime"):
            if not _SIX_DECIMALS.fullmatch(lease["spec"][name]):
                raise ClusterError("the Kubernetes API answered 400: parsing time", 400)
        self.change(lease)
        self.writes.append(deepcopy(self.lease or {}))

    def change(self, lease: Raw) -> None:
        """Let this stand there, whoever wrote it."""
        self._version += 1
        metadata = {**lease.get("metadata", {}), "resourceVersion": str(self._version)}
        self.lease = deepcopy({**lease, "metadata": metadata})

    def edit(self, annotations: Raw | None = None, **spec: Any) -> None:
        """Let somebody edit it; `annotations` replaces them all."""
        assert self.lease is not None
        lease = deepcopy(self.lease)
        lease["spec"].update(spec)
        if annotations is not None:
            lease["metadata"]["annotations"] = annotations
        self.change(lease)

    @property
    def stands(self) -> Raw:
        """The Lease as it is now."""
        assert self.lease is not None
        return self.lease

    @property
    def listed(self) -> list[list[str]]:
        """The uids that each write listed."""
        return [uids(lease) for lease in self.writes]


def uids(lease: Raw) -> list[str]:
    """The objects whose attempts a Lease lists."""
    found = json.loads(lease["metadata"]["annotations"][IN_FLIGHT])
    return [row[0] for row in found["entries"]]


def intent(uid: str, attempt: int = 1) -> Intent:
    return Intent(uid, f"id-of-{uid}", "shop", f"name-of-{uid}", 1, attempt)


def held_by(
    holder: str, *entries: Intent, annotation: str | None = None, duration: int = 15
) -> Raw:
    """A Lease as a leader left it; its times are of a clock that is nobody's business."""
    text = write_entries(entries) if annotation is None else annotation
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "customevents", "annotations": {IN_FLIGHT: text}},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": duration,
            "leaseTransitions": 7,
            "acquireTime": "1999-01-01T00:00:00.000000Z",
            "renewTime": "2999-01-01T00:00:00.000000Z",
        },
    }


@dataclass
class MemoryTraces:
    """What an operator leaves beside its Lease; there is none at first."""

    #: Raised by the next reads, one each.
    refusals: list[ClusterError] = field(default_factory=list)
    left: bool = False

    async def read(self) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop()
        if not self.left:
            raise Gone("not found", 404)
        return {}


@dataclass
class Scene:
    """One Lease, one machine, and a wall clock that nothing may depend on."""

    leases: MemoryLeases = field(default_factory=MemoryLeases)
    traces: MemoryTraces = field(default_factory=MemoryTraces)
    wall: Clock = field(default_factory=Clock)
    #: Seconds in which the machine slept: its loop's clock stood still.
    slept: float = 0.0

    def uptime(self) -> float:
        return asyncio.get_running_loop().time() + self.slept

    def journal(self, identity: str = "us", duration: float = 15.0) -> Journal:
        terms = Terms(identity, duration=duration, post_timeout=30.0)
        chance = random.Random(1).random
        return Journal(
            Election(
                self.leases,
                terms,
                traces=self.traces,
                uptime=self.uptime,
                wall=self.wall,
                chance=chance,
            )
        )

    @asynccontextmanager
    async def leading(self, identity: str = "us") -> AsyncIterator[Journal]:
        """A journal that leads and writes; ended, and not released, at the end."""
        journal = self.journal(identity)
        await journal.acquire()
        running = asyncio.create_task(journal.run())
        try:
            yield journal
        finally:
            running.cancel()
            await asyncio.wait({running})
            if not running.cancelled():
                running.exception()  # LeadershipLost is seen where it matters: by the commits


async def seconds_until(doing: Any) -> float:
    """How long that takes on the loop's clock."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await doing
    return loop.time() - begun


def lead(scene: Scene, story: Callable[[Journal], Awaitable[None]]) -> None:
    """Let something happen to a leader that has just begun."""

    async def led() -> None:
        async with scene.leading() as journal:
            await asyncio.sleep(0.01)
            scene.leases.writes.clear()
            await story(journal)

    at_once(led())
