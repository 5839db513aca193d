"""How fast what lies there is delivered, and what that takes."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import machine
from contestants import Contestant, Process
from machine import Instant
from world import Call, World, until

_number = itertools.count(1)

#: Requests that are the measuring's own, or the cluster's.
_OURS = {"customevents", "leases"}


@dataclass(frozen=True)
class Drain:
    """One drain; all figures but the rates are an event's."""

    contestant: str
    events: int
    #: Events a second until the last is committed: from the process' start, from the first POST.
    from_start: float
    from_first_post: float
    #: Seconds from the process' start to its first POST.
    first_post: float
    #: Milliseconds of CPU from the first POST to the end: its own, the API server's, etcd's.
    own_cpu: float
    api_server_cpu: float
    etcd_cpu: float
    #: The share that each core was busy, the first one theirs.
    their_core: float
    own_core: float
    #: MiB, the most that it ever had.
    memory: float
    #: API requests, by kind.
    requests: dict[str, float]

    @property
    def writes(self) -> float:
        """API writes an event."""
        wanted = ("PATCH", "PUT", "POST")
        return sum(n for call, n in self.requests.items() if call.startswith(wanted))


def drain(world: World, contestant: Contestant, events: int) -> Drain:
    """Let a contestant deliver so many events that lie there already."""
    with world.namespace(f"drain-{next(_number)}") as namespace:
        world.create([namespace], events)
        world.forget()
        settle(world)
        return _measured(world, contestant, namespace, events)


def settle(world: World) -> None:
    """Wait until the API server rests: what creating leaves behind is nobody's work."""

    def is_quiet() -> bool:
        before = Instant.now(world.processes)
        time.sleep(0.5)
        taken = before.until(Instant.now(world.processes))
        return taken.processes["API server"] < 0.1 * taken.seconds

    until(is_quiet, within=60)


def _measured(world: World, contestant: Contestant, namespace: str, events: int) -> Drain:
    calls = world.calls()
    begun = time.time()
    with contestant.start(world, namespace) as process:
        if contestant.waits:
            calls, begun = world.calls(), time.time()
            _go(process)
        processes = {**world.processes, "own": process.pid}
        until(lambda: world.posts() > 0, every=0.005)
        first = Instant.now(processes)
        until(lambda: world.posts() >= events, every=0.05)
        until(lambda: not world.any_open(namespace))
        end = Instant.now(processes)
        memory = machine.memory(process.pid) if process.poll() is None else 0.0
        taken = first.until(end)
        first_post = min(world.arrivals().values()) / 1e9
        time.sleep(0.3)  # the API server counts an answer some moments after it
        made = world.calls() - calls
    return Drain(
        contestant.name,
        events,
        from_start=events / (end.at - begun),
        from_first_post=events / (end.at - first_post),
        first_post=first_post - begun,
        own_cpu=1000 * taken.processes["own"] / events,
        api_server_cpu=1000 * taken.processes["API server"] / events,
        etcd_cpu=1000 * taken.processes["etcd"] / events,
        their_core=taken.cores[machine.THEIRS],
        own_core=taken.cores[machine.OURS],
        memory=memory,
        requests={str(call): n / events for call, n in made.items() if _counts(call)},
    )


def _counts(call: Call) -> bool:
    return call.resource in _OURS and call.verb in ("GET", "PATCH", "PUT", "POST")


def _go(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
