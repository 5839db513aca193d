"""Breaks the operator in one place, in a copy, and counts the schedules until a rule is broken.

    python -m simulation.teeth                     # lists the mutations
    python -m simulation.teeth the-fence --starts 5
    python -m simulation.teeth all

A mutation that no schedule notices must be named, with why: `UNSEEN` has them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from faults.mutate import ROOT, SOURCE, Mutation, all_mutations, mutated

TESTS = ROOT / "tests"

#: Schedules that are tried.
MOST = 10_000

#: Between the first seeds of two starts.
APART = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Break one after the other; how many were not noticed and should be."""
    parser = argparse.ArgumentParser(prog="simulation.teeth", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--most", type=int, default=MOST)
    given = parser.parse_args(arguments)
    chosen = [each for each in all_mutations() if {each.name, "all"} & set(given.names)]
    unnoticed = 0
    for mutation in chosen:
        unnoticed += not _is_noticed(mutation, given.starts, given.most)
    return unnoticed


def schedules_until_red(mutation: Mutation, *, first: int, most: int) -> int:
    """How many schedules it takes until a rule is broken; 0: more than that."""
    with _broken(mutation) as source:
        said = _count(source, first, most)
    return int(said.split()[0]) if said[:1].isdecimal() else 0


def _is_noticed(mutation: Mutation, starts: int, most: int) -> bool:
    with _broken(mutation) as source, ThreadPoolExecutor(2) as pool:
        seeds = [APART * (start + 1) for start in range(starts)]
        said = list(pool.map(lambda seed: _count(source, seed, most), seeds))
    counts = [int(words.split()[0]) for words in said if words[:1].isdecimal()]
    if len(counts) < len(said):
        print(f"{mutation.name:32} {len(counts)} of {len(said)}: {said[0]}", flush=True)
        return False
    print(f"{mutation.name:32} {median(counts):6.0f}  {said[0]}", flush=True)
    return True


@contextmanager
def _broken(mutation: Mutation) -> Iterator[Path]:
    scratch = ROOT / ".cache"
    scratch.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="mutant-") as folder:
        copy = Path(folder) / "operator"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / "customevents" / mutation.file).write_text(mutated(mutation))
        yield copy


def _count(source: Path, seed: int, most: int) -> str:
    command = ["-m", "simulation", "count", "--seed", str(seed), "--most", str(most)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(source), str(TESTS)))}
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    said = ended.stdout.strip() or ended.stderr.strip()[-200:]
    return said.splitlines()[-1] if said else "nothing"


if __name__ == "__main__":
    sys.exit(main())
