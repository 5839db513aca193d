"""What lies there finished: what a start, an idle minute and a burst cost beside it."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import machine
from contestants import Contestant, Process
from machine import Instant
from world import World, until

#: The operator's service account, as the audit log names it.
ACCOUNT = "system:serviceaccount:customevents:customevents"

#: A process rests once it has taken less of a core than this for so many seconds.
RESTING, FOR_SECONDS = 0.02, 2.0

#: Events created a second within the burst.
BURST_RATE = 200


@dataclass(frozen=True)
class Lying:
    """An operator over so many finished events, and one that waits."""

    events: int
    #: Seconds from the process' start to its first POST, and until it rests.
    first_post: float
    rested: float
    #: Seconds of CPU until then, the operator's and the API server's.
    start_cpu: float
    api_server_cpu: float
    #: MiB then, and the most that it had.
    memory: float
    peak: float
    idle: Idle


@dataclass(frozen=True)
class Idle:
    """What is spent while nothing happens: a share of a core, and API requests a second by kind."""

    seconds: float
    cpu: float
    requests: dict[str, float]


@dataclass(frozen=True)
class Burst:
    """Many events a second for a while, from when each was due; milliseconds, sorted."""

    seconds: float
    milliseconds: list[float]
    #: Milliseconds of CPU an event.
    own_cpu: float
    peak: float


def fill(world: World, namespaces: Sequence[str], events: int, status: Path) -> None:
    """Have so many more events lie there, finished; nobody is measured meanwhile."""
    with _spread(world):
        world.create(namespaces, events, prefix=f"lying-{time.time_ns()}", status=status)


def make_namespaces(world: World, count: int) -> list[str]:
    """So many namespaces, that stay."""
    names = [f"lying-{number}" for number in range(count)]
    listed = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in names]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed})
    world.cluster.kubectl("create", "-f", "-", input=document)
    return names


def lying(world: World, operator: Contestant, events: int, seconds: float) -> Lying:
    """Start an operator over what lies there, and leave it alone for so many seconds."""
    with world.namespace(f"open-{events}") as namespace:
        world.create([namespace], 1)
        world.forget()
        begun = Instant.now(world.processes)
        with operator.start(world, namespace) as process:
            until(lambda: world.posts() > 0, every=0.005)
            first_post = min(world.arrivals().values()) / 1e9 - begun.at
            _until_it_rests(process)
            taken = begun.until(Instant.now({**world.processes}))
            start_cpu = machine.cpu_seconds(process.pid)
            return Lying(
                events,
                first_post,
                rested=taken.seconds - FOR_SECONDS,
                start_cpu=start_cpu,
                api_server_cpu=taken.processes["API server"],
                memory=machine.memory(process.pid, "VmRSS"),
                peak=machine.memory(process.pid),
                idle=idle(world, process, seconds),
            )


def idle(world: World, process: Process, seconds: float) -> Idle:
    """Leave a process alone for so many seconds."""
    log = world.cluster.audit_log
    written = log.stat().st_size
    before = Instant.now({"own": process.pid})
    time.sleep(seconds)
    taken = before.until(Instant.now({"own": process.pid}))
    asked = _asked(log, written)
    return Idle(
        taken.seconds,
        taken.processes["own"] / taken.seconds,
        {kind: count / taken.seconds for kind, count in asked.items()},
    )


def burst(world: World, operator: Contestant, seconds: float) -> Burst:
    """Create many events a second for a while."""
    events = round(BURST_RATE * seconds)
    with world.namespace("burst") as namespace, operator.start(world, namespace) as process:
        _until_it_rests(process)
        world.forget()
        before = Instant.now({"own": process.pid})
        created = world.create([namespace], events, rate=BURST_RATE)
        until(lambda: world.posts() >= events)
        taken = before.until(Instant.now({"own": process.pid}))
        arrivals = world.arrivals()
        took = sorted((arrivals[each.name] - each.intended) / 1e6 for each in created)
        peak = machine.memory(process.pid)
    return Burst(seconds, took, 1000 * taken.processes["own"] / events, peak)


def _until_it_rests(process: Process) -> None:
    def is_resting() -> bool:
        before = machine.cpu_seconds(process.pid)
        time.sleep(FOR_SECONDS)
        return machine.cpu_seconds(process.pid) - before < RESTING * FOR_SECONDS

    until(is_resting)


def _asked(log: Path, behind: int) -> Counter[str]:
    """What the operator asked for since the log had this size, by verb and resource."""
    asked: Counter[str] = Counter()
    with log.open() as lines:
        lines.seek(behind)
        for line in lines:
            entry = json.loads(line)
            about = entry.get("objectRef", {})
            if entry["user"]["username"] == ACCOUNT and entry["stage"] == "ResponseComplete":
                asked[f"{entry['verb']} {about.get('resource', entry['requestURI'])}"] += 1
    return asked


@contextmanager
def _spread(world: World) -> Iterator[None]:
    """Let the API server have all cores within the block: filling is nobody's figure."""
    _move(world, set(machine.CORES))
    try:
        yield
    finally:
        _move(world, {machine.THEIRS})


def _move(world: World, cores: set[int]) -> None:
    for process in world.processes.values():
        for thread in Path(f"/proc/{process}/task").iterdir():  # each has an affinity of its own
            os.sched_setaffinity(int(thread.name), cores)
