"""`make bench`: the operator beside its rivals and beside what is possible, on a real API server.

All take turns within a round, so that what the machine does in a round, it does to all of them;
figures are compared within their round, and the medians and ranges over the rounds are told.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "localcluster")]

import contestants  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
from contestants import Contestant  # noqa: E402
from drain import Drain, drain, settle  # noqa: E402
from latency import Latency, latency  # noqa: E402
from rounds import percentile  # noqa: E402
from world import World, until, world  # noqa: E402

#: The order in which HTTP's version and the width of the possible are tried, for the best.
WIDTHS = ((1, 8), (1, 16), (1, 32), (2, 16), (2, 32))


@dataclass(frozen=True)
class Size:
    """How much of it is done."""

    rounds: int
    events: int
    #: Seconds of a run that measures latency.
    seconds: float
    widths: Sequence[tuple[int, int]]
    #: Finished events that lie there, one after another, and in how many namespaces.
    levels: Sequence[int]
    namespaces: int
    #: Seconds for which an operator is left alone, and those of the burst.
    idle: float
    burst: float


FULL = Size(
    5, 3000, 30, WIDTHS, levels=(0, 10_000, 25_000, 50_000), namespaces=1000, idle=30, burst=60
)
QUICK = Size(1, 1000, 15, ((1, 16), (2, 16)), levels=(0, 3_000), namespaces=50, idle=10, burst=10)

#: Rounds of drains beside all that lies there.
ROUNDS_BESIDE = 3


def main() -> int:
    """Run the command line; the exit status."""
    options = _options()
    size = QUICK if options.quick else FULL
    if options.rounds:
        size = replace(size, rounds=options.rounds)
    with TemporaryDirectory() as folder, world(Path(folder)) as running:
        found = measure(running, size, options.only)
    if not options.dry:
        report.write(found, quick=options.quick)
    print(report.table(found))
    return 0


def measure(world: World, size: Size, only: str = "") -> report.Found:
    """All rounds, and then what lies there."""
    status = world.folder / "status.json"
    status.write_text(json.dumps(_a_status(world)))
    operator = contestants.operator()
    possible = [
        contestants.possible(status=status, http=http, width=width)
        for http, width in _best(world, size, status)
    ]
    everybody = [
        operator,
        *possible,
        contestants.controller(intents=False),
        contestants.controller(intents=True),
        contestants.naive(),
    ]
    soonest = [operator, contestants.bare()]
    names = {each.name: each.what for each in (*everybody, *soonest)}
    found = report.Found(machine.described(_version(world)), names)
    for number in range(size.rounds):
        say(f"round {number + 1} of {size.rounds}")
        if only in ("", "drain"):
            found.drains.append(_drains(world, everybody, number, size.events))
        if only in ("", "latency"):
            turns = _rotated(soonest, number)
            found.latencies.append([_late(latency(world, each, size.seconds)) for each in turns])
    if only in ("", "scale"):
        _lying(world, size, status, found)
        for number in range(min(size.rounds, ROUNDS_BESIDE)):
            found.beside.append(_drains(world, (operator, possible[0]), number, size.events))
        found.bursts.append(scale.burst(world, operator, size.burst))
    return found


def _drains(
    world: World, contestants_: Sequence[Contestant], number: int, events: int
) -> list[Drain]:
    return [_told(drain(world, each, events)) for each in _rotated(contestants_, number)]


def _lying(world: World, size: Size, status: Path, found: report.Found) -> None:
    """An operator over more and more that is finished."""
    namespaces = scale.make_namespaces(world, size.namespaces)
    there = 0
    for level in size.levels:
        if level > there:
            scale.fill(world, namespaces, level - there, status)
            there = level
        settle(world)
        result = scale.lying(world, contestants.operator(), level, size.idle)
        say(
            f"  {level} finished: first POST after {result.first_post:.2f} s, at rest after "
            f"{result.rested:.0f} s and {result.start_cpu:.1f} s of CPU, {result.memory:.0f} MiB, "
            f"then {result.idle.cpu:.1%} of a core"
        )
        found.lying.append(result)


def _a_status(world: World) -> dict[str, object]:
    """What the operator writes on an event, for the others to write as well."""
    with (
        world.namespace("first") as namespace,
        contestants.operator().start(world, namespace),
    ):
        world.create([namespace], 100)
        until(lambda: world.posts() >= 100)
        until(lambda: not world.any_open(namespace))
        return dict(world.one(namespace)["status"])


def _best(world: World, size: Size, status: Path) -> Iterator[tuple[int, int]]:
    """The best width of HTTP/1.1 and of HTTP/2, each tried once."""
    tried = {
        (http, width): drain(
            world, contestants.possible(status=status, http=http, width=width), size.events // 3
        ).from_start
        for http, width in size.widths
    }
    for http in sorted({http for http, _ in tried}):
        best = max((each for each in tried if each[0] == http), key=tried.__getitem__)
        say(f"the possible by HTTP/{http}: {best[1]} wide, {tried[best]:.0f}/s")
        yield best


def _rotated(everybody: Sequence[Contestant], by: int) -> Iterator[Contestant]:
    for number in range(len(everybody)):
        yield everybody[(number + by) % len(everybody)]


def _told(result: Drain) -> Drain:
    say(
        f"  {result.contestant:12} {result.from_first_post:4.0f}/s, first POST after "
        f"{result.first_post:.2f} s, {result.own_cpu:.2f} ms of CPU an event, theirs "
        f"{result.api_server_cpu:.2f} + {result.etcd_cpu:.2f}, cores {result.their_core:.0%} and "
        f"{result.own_core:.0%}, {result.writes:.3f} writes, {result.memory:.0f} MiB"
    )
    return result


def _late(result: Latency) -> Latency:
    took = result.milliseconds
    say(
        f"  {result.contestant:12} p50 {percentile(took, 0.5):.1f} ms, "
        f"p99 {percentile(took, 0.99):.1f} ms, {result.own_cpu:.2f} ms of CPU an event"
    )
    return result


def _version(world: World) -> str:
    told = json.loads(world.api.call("GET", "/version"))
    return f"{told['gitVersion']}, etcd beside it"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a first look: minutes")
    parser.add_argument("--rounds", type=int, default=0, help="as many rounds")
    parser.add_argument(
        "--only", default="", choices=("drain", "latency", "scale"), help="that alone"
    )
    parser.add_argument("--dry", action="store_true", help="print the table, write nothing")
    return parser.parse_args()


say: Callable[[str], None] = lambda line: print(  # noqa: E731
    f"{time.strftime('%H:%M:%S')} {line}", flush=True
)

if __name__ == "__main__":
    sys.exit(main())
