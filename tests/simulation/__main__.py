"""Orders of events drawn at random: runs the operator's delivery in a simulated world.

    python -m simulation explore --minutes 60   # plan after plan; a table at the end
    python -m simulation replay 4711            # the story of one seed, or of a plan in a file
    python -m simulation shrink 4711            # the shortest story that breaks the same rule
    python -m simulation count --seed 1         # how many plans it takes to break a rule

A schedule is its plan, and that follows from its seed: replayed, it is the same to the last byte.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from simulation.branches import Branches
from simulation.explore import Found, explore
from simulation.naive import NaiveReplica
from simulation.plan import Plan
from simulation.replica import Replica
from simulation.runs import Outcome, run
from simulation.shrink import Shrinker
from simulation.swarm import draw

ROOT = Path(__file__).parents[2]
FAILED = ROOT / ".cache" / "simulation"

#: Seconds between two lines that say how far it is.
TELLS_EVERY = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; 1 if a rule was broken."""
    given = _parser().parse_args(arguments)
    if given.do == "explore":
        return _explore(given)
    if given.do == "digest":
        return _digest(given.seed, given.schedules)
    if given.do == "count":
        return _count(given)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a story is mostly read through `head`
    outcome = run(given.plan, with_log=given.log)
    if given.do == "shrink":
        if not outcome.violations:
            print("no rule is broken: there is nothing to make smaller")
            return 0
        outcome = Shrinker(outcome).shrink()
        outcome = run(outcome.plan, with_log=given.log)
        print(outcome.plan.to_json())
    print(_heading(outcome.plan))
    for line in outcome.lines():
        print(line)
    if not outcome.violations:
        print(
            f"no rule is broken, in {outcome.requests} requests to Kubernetes"
            f" and {outcome.seconds:.0f} s of the world"
        )
    return 1 if outcome.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="do", required=True)
    exploring = commands.add_parser("explore", help="run plan after plan")
    exploring.add_argument("--minutes", type=float, default=2.0, help="it ends then (2)")
    exploring.add_argument("--schedules", type=float, default=float("inf"), help="or after so many")
    exploring.add_argument("--seed", type=int, default=None, help="the first; else the time")
    exploring.add_argument("--workers", type=int, default=2, help="processes (2)")
    exploring.add_argument("--plain", action="store_true", help="one seed after another, unvaried")
    exploring.add_argument("--first", action="store_true", help="end at the first broken rule")
    counting = commands.add_parser("count", help="how many schedules it takes to break a rule")
    counting.add_argument("--seed", type=int, default=0, help="the first")
    counting.add_argument("--most", type=int, default=10_000, help="schedules that are tried")
    counting.add_argument("--rule", default="", help="this one; else any")
    counting.add_argument(
        "--naive", action="store_true", help="run the handler of kopf's documentation, not this one"
    )
    digesting = commands.add_parser("digest", help="print a hash of each schedule's story")
    digesting.add_argument("--seed", type=int, default=0, help="the first")
    digesting.add_argument("--schedules", type=int, default=200)
    stories = {
        "replay": "tell the story of one plan",
        "shrink": "make a plan that breaks a rule as small as it can be; print it and its story",
    }
    for name, words in stories.items():
        one = commands.add_parser(name, help=words)
        one.add_argument("plan", type=_plan, help="a seed, or a file with a plan")
        one.add_argument("--log", action="store_true", help="with what the operator logs")
    return parser


def _plan(said: str) -> Plan:
    if said.isdecimal():
        return draw(int(said))
    try:
        return Plan.from_json(Path(said).read_text())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{said}: {error.strerror}") from None
    except (LookupError, TypeError, ValueError):
        words = f"{said} is neither a seed (a number) nor a plan (JSON, as in found/)"
        raise argparse.ArgumentTypeError(words) from None


def _heading(plan: Plan) -> str:
    events = len({deed.whom for deed in plan.deeds if deed.do == "create"})
    return (
        f"seed {plan.seed}: {plan.replicas} replicas, {events} events;"
        f" nothing goes wrong any more from t={plan.calm:g} on"
    )


def _explore(given: argparse.Namespace) -> int:
    seed = int(time.time()) * 1_000_000 if given.seed is None else given.seed
    print(f"from seed {seed}", flush=True)
    begun = told = time.monotonic()
    kept = 0

    def tell(found: Found) -> bool:
        nonlocal told, kept
        for outcome in found.broken[kept:]:
            _keep(outcome)
        kept = len(found.broken)
        if time.monotonic() - told >= TELLS_EVERY:
            told = time.monotonic()
            print(_so_far(found, told - begun), flush=True)
        return bool(given.first and found.broken)

    found = explore(
        first_seed=seed,
        schedules=given.schedules,
        seconds=given.minutes * 60,
        workers=given.workers,
        looks=not (given.first or given.plain),
        told=tell,
    )
    print(_so_far(found, time.monotonic() - begun))
    if found.arcs:
        branches = Branches()
        branches.add(found.arcs)
        print(*branches.report(), sep="\n")
    for rule, times in Counter(outcome.rule for outcome in found.broken).items():
        print(f"{times} x {rule}")
    return 1 if found.broken else 0


def _count(given: argparse.Namespace) -> int:
    kind = NaiveReplica if given.naive else Replica
    for number in range(given.most):
        outcome = run(draw(given.seed + number), kind=kind)
        for broken in outcome.violations:
            if given.rule in ("", broken.rule):
                # As teeth.py reads it.
                print(f"schedule {number + 1} (seed {given.seed + number}) breaks {broken}")
                return 1
    print(f"none in {given.most}")
    return 0


def _digest(first: int, schedules: int) -> int:
    for seed in range(first, first + schedules):
        story = repr(run(draw(seed)).trace)
        print(seed, blake2b(story.encode(), digest_size=8).hexdigest())
    return 0


def _so_far(found: Found, seconds: float) -> str:
    hours = found.seconds / 3600
    return (
        f"{found.schedules} schedules in {seconds:.0f} s, {hours:.0f} hours of the world, "
        f"{found.requests} requests, {len(found.states)} states, {len(found.pairs)} pairs of "
        f"states, {len(found.arcs)} branches, {len(found.broken)} broken"
    )


def _keep(outcome: Outcome) -> None:
    """Keep a plan that broke a rule, and say how its story is told."""
    FAILED.mkdir(parents=True, exist_ok=True)
    seed = outcome.plan.seed
    file = FAILED / f"{seed}.json"
    file.write_text(outcome.plan.to_json())
    is_drawn = outcome.plan == draw(seed)  # else it is one that was varied
    plan = str(seed) if is_drawn else str(file.relative_to(ROOT))
    print(f"\n{outcome.violations[0]}")
    print(f"  PYTHONPATH=tests .venv/bin/python -m simulation replay {plan} --log")
    print(f"  PYTHONPATH=tests .venv/bin/python -m simulation shrink {plan}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
