"""Breaks the operator in one place, in a copy, and counts the schedules until a rule is broken.

    python -m simulation.teeth                     # lists the mutations
    python -m simulation.teeth the-fence --starts 5
    python -m simulation.teeth all                 # all of them: a page

Where no schedule can notice, `unseen` in mutations.toml says why: `all` names these without trying.
It exits 0 if each of the others was noticed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

from faults.mutate import ROOT, SOURCE, Mutation, all_mutations, broken

TESTS = ROOT / "tests"

#: Schedules that are tried.
MOST = 2000

#: Between the first seeds of two starts.
APART = 1_000_000

#: Starts that run side by side.
WORKERS = 2

#: What kopf's documented handler must break.
OF_THE_NAIVE = ("O1", "O2", "O3")

_PAGE = """\
# How soon a schedule shows it

The operator is broken in one place, in a copy, as [mutations.toml](../faults/mutations.toml) says,
and schedules are run until a rule is broken. Here is how many that took, as the median of {starts}
starts from seeds of their own, each of {most} schedules at most; and the rule, as
[README.md](README.md) names it. This page is what `make teeth` prints.
"""

_TRIED = """\
| mutation | what is broken | schedules | rule |
| --- | --- | --- | --- |"""

_NOT_TRIED = """
Only real tests see these:

| mutation | what is broken | why no schedule shows it |
| --- | --- | --- |"""

_NAIVE = """
kopf's documented handler, in the same world:

| rule | schedules |
| --- | --- |"""


class Red(NamedTuple):
    """After how many schedules which rule was broken."""

    schedules: int
    rule: str


class Tried(NamedTuple):
    """What some starts have shown; None: no rule was broken."""

    starts: tuple[Red | None, ...]

    @property
    def found(self) -> list[Red]:
        """Of those that ended at a broken rule."""
        return [red for red in self.starts if red is not None]

    @property
    def schedules(self) -> str:
        """The median, and in how many starts, if not in all."""
        if not self.found:
            return "none found"
        middle = str(median_low(red.schedules for red in self.found))
        few = len(self.found) < len(self.starts)
        return f"{middle} ({len(self.found)} of {len(self.starts)} starts)" if few else middle

    @property
    def rules(self) -> str:
        """Those that were broken first, the most frequent one before the others."""
        return ", ".join(rule for rule, _ in Counter(red.rule for red in self.found).most_common())


def main(arguments: Sequence[str] | None = None) -> int:
    """Break one after the other; how many were not noticed and should be."""
    parser = argparse.ArgumentParser(prog="simulation.teeth", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="MUTATION", help="or all; none: list them")
    parser.add_argument("--starts", type=int, default=5, help="each from a seed of its own")
    parser.add_argument("--most", type=int, default=MOST, help="schedules that a start tries")
    given = parser.parse_args(arguments)
    listed = all_mutations()
    if unknown := set(given.names) - {"all", *(each.name for each in listed)}:
        parser.error(f"no such mutation: {', '.join(sorted(unknown))}")
    if not given.names:
        for mutation in listed:
            print(f"{mutation.name:32} {mutation.seen or '-':12} {mutation.breaks}")
        return 0
    of_all = "all" in given.names
    chosen = [each for each in listed if each.name in given.names or (of_all and not each.unseen)]
    if of_all:
        print(_PAGE.format(starts=given.starts, most=given.most))
    print(_TRIED)
    unnoticed = sum(not _row(mutation, given.starts, given.most) for mutation in chosen)
    return unnoticed + (_rest(given.starts, given.most) if of_all else 0)


def schedules_until_red(mutation: Mutation, *, first: int, most: int) -> int:
    """How many schedules it takes until a rule is broken; 0: more than that."""
    with broken(mutation) as source:
        red = _count(source, first, most)
    return red.schedules if red else 0


def _row(mutation: Mutation, starts: int, most: int) -> bool:
    """Tell of one mutation; whether it was noticed."""
    with broken(mutation) as source:
        tried = _try(source, starts, most)
    cells = (f"`{mutation.name}`", mutation.breaks, tried.schedules, tried.rules)
    print(f"| {' | '.join(cells)} |", flush=True)
    return bool(tried.found)


def _rest(starts: int, most: int) -> int:
    """Tell of what is not tried, and of the usual handler; how many rules that did not break."""
    print(_NOT_TRIED)
    for mutation in all_mutations():
        if mutation.unseen:
            print(f"| `{mutation.name}` | {mutation.breaks} | {mutation.unseen} |")
    print(_NAIVE)
    kept = 0
    for rule in OF_THE_NAIVE:
        tried = _try(SOURCE, starts, most, "--naive", "--rule", rule)
        print(f"| {rule} | {tried.schedules} |", flush=True)
        kept += not tried.found
    return kept


def _try(source: Path, starts: int, most: int, *options: str) -> Tried:
    """Some starts, side by side; where the first of them find nothing, no more are made."""
    seeds = [APART * (start + 1) for start in range(starts)]
    found: list[Red | None] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        while seeds and (any(found) or not found):
            together, seeds = seeds[:WORKERS], seeds[WORKERS:]
            found += pool.map(lambda seed: _count(source, seed, most, *options), together)
    return Tried(tuple(found))


def _count(source: Path, seed: int, most: int, *options: str) -> Red | None:
    command = ["-m", "simulation", "count", "--seed", str(seed), "--most", str(most), *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(source), str(TESTS)))}
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if ended.returncode == 0:
        return None
    said = re.match(r"schedule (\d+) \(seed \d+\) breaks (.*?):", ended.stdout)
    if said is None:  # it did not even begin
        raise RuntimeError(ended.stderr[-2000:])
    return Red(int(said[1]), said[2])


if __name__ == "__main__":
    sys.exit(main())
