"""Breaks the operator in one place, in a copy, and runs the tests that must notice.

    python tests/faults/mutate.py              # lists the mutations
    python tests/faults/mutate.py the-fence    # breaks that and runs its tests; several, or "all"
    python tests/faults/mutate.py all --unit   # without the tests that need a cluster

mutations.toml lists them; it exits 0 if each run was red. README.md says what was seen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "operator"
LIST = Path(__file__).with_name("mutations.toml")

#: What pytest's exit code says.
COLOURS = {0: "GREEN", 1: "red"}

#: Seconds; a broken program may never end.
PATIENCE = 400.0


class Mutation(NamedTuple):
    """What is broken: `before` becomes `after` in a file of the package."""

    name: str
    breaks: str
    file: str
    before: str
    after: str
    #: Each must turn red: what pytest is given, below tests/.
    tests: tuple[str, ...]
    #: The rule of the simulation that is broken, most often; or why no schedule can show it.
    seen: str = ""
    unseen: str = ""


#: How pytest begins a line about a test that ended before it could tell; a log has other errors.
NOT_BEGUN = "ERROR tests/"


def mutated(mutation: Mutation) -> str:
    """The file as it is with the mutation.

    Raises ValueError if the text that it changes does not stand there once.
    """
    content = (SOURCE / "customevents" / mutation.file).read_text()
    if content.count(mutation.before) != 1:
        raise ValueError(f"{mutation.name}: its text does not stand once in {mutation.file}")
    return content.replace(mutation.before, mutation.after)


def all_mutations() -> list[Mutation]:
    """What mutations.toml lists."""
    listed = tomllib.loads(LIST.read_text())["mutation"]
    return [Mutation(**{**one, "tests": tuple(one["tests"])}) for one in listed]


def main() -> int:
    """Run what the command line asks for; how many mutations were not noticed."""
    options = _options()
    listed = all_mutations()
    chosen = [each for each in listed if {each.name, "all"} & set(options.names)]
    if not chosen:
        for mutation in listed:
            print(f"{mutation.name:28} {mutation.breaks}")
        return 0
    unnoticed = [each.name for each in chosen if not _is_noticed(each, unit_only=options.unit)]
    print(f"{len(chosen)} mutations; not noticed by all their tests: {unnoticed or 'none'}")
    return len(unnoticed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="MUTATION", help="or all; none: list them")
    parser.add_argument("--unit", action="store_true", help="only tests that need no cluster")
    options = parser.parse_args()
    if unknown := set(options.names) - {"all", *(each.name for each in all_mutations())}:
        parser.error(f"no such mutation: {', '.join(sorted(unknown))}")
    return options


@contextmanager
def broken(mutation: Mutation) -> Iterator[Path]:
    """A copy of the package's folder that has the mutation."""
    with scratch() as folder:
        copy = folder / "operator"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / "customevents" / mutation.file).write_text(mutated(mutation))
        yield copy


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder beside the tree, where relative paths are as long as they are there."""
    beside = ROOT / ".cache"
    beside.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=beside, prefix="mutant-") as folder:
        yield Path(folder)


class Seen(NamedTuple):
    """What one run of tests showed."""

    #: GREEN, red, ERROR (it could not begin, which says nothing), or what pytest ended with.
    colour: str
    #: The first lines that say why.
    why: tuple[str, ...]


def look(test: str, source: Path, *, tree: Path = ROOT) -> Seen:
    """Run what `test` names, below the tests of a tree, on the package in a folder."""
    code, said = _run(f"tests/{test}".split(), source, tree)
    lines = said.splitlines()
    broken_off = any(line.startswith(NOT_BEGUN) for line in lines)
    colour = COLOURS.get(code, f"pytest exit {code}") if not broken_off else "ERROR"
    return Seen(colour, tuple(line for line in lines if line.startswith(("E  ", NOT_BEGUN)))[:3])


def _is_noticed(mutation: Mutation, *, unit_only: bool) -> bool:
    """Whether each of its tests is red, run on a copy of the package that has the mutation."""
    tests = [test for test in mutation.tests if test.startswith("unit/") or not unit_only]
    with broken(mutation) as copy:
        colours = [_colour(mutation, test, copy) for test in tests]
    return set(colours) <= {"red"}


def _colour(mutation: Mutation, test: str, source: Path) -> str:
    seen = look(test, source)
    print(f"{mutation.name}: {test}: {seen.colour}", flush=True)
    for line in seen.why:
        print(f"    {line}", flush=True)
    return seen.colour


def _run(tests: Sequence[str], source: Path, tree: Path) -> tuple[int, str]:
    """Run tests of a tree on the package in this folder; pytest's exit code, and what it said."""
    options = ("-q", "-x", "--tb=short", "-p", "no:cacheprovider")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # and the operators that the tests started
        said, _ = process.communicate()
    return process.returncode, said


if __name__ == "__main__":
    sys.exit(main())
