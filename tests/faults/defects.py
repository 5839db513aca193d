"""The track record: each defect of delivery that was ever found, and what shows it today.

A defect is put back into today's code, so that today's tests are asked and not those of its time.
Only where the code has changed too much for that, the tests of the commit that mended it are run
on the code before it.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from faults.mutate import ROOT, SOURCE, Mutation, Seen, all_mutations, broken, look, scratch

RECORD = Path(__file__).with_name("track-record.toml")


class Defect(NamedTuple):
    """One defect, and how it is shown: by `mutation`, or else by the history."""

    name: str
    #: What a user could have met.
    met: str
    #: The commit that mended it.
    mended: str
    #: What turns red with it: what pytest is given, below tests/.
    tests: tuple[str, ...]
    #: What was seen when it was checked.
    seen: str
    #: None: it cannot be put back.
    mutation: Mutation | None


class Shown(NamedTuple):
    """What one test of a defect showed, with the defect and without it."""

    test: str
    broken: Seen
    mended: Seen

    @property
    def tells(self) -> bool:
        """Whether it tells the one from the other."""
        return (self.broken.colour, self.mended.colour) == ("red", "GREEN")


def all_defects() -> list[Defect]:
    """What track-record.toml lists, in the order in which it was mended."""
    known = {each.name: each for each in all_mutations()}
    listed = tomllib.loads(RECORD.read_text())["defect"]
    return [_read(row, known) for row in listed]


def check(defect: Defect, *, unit_only: bool = False) -> Iterator[Shown]:
    """Run its tests with the defect, and without it."""
    tests = [test for test in defect.tests if test.startswith("unit/") or not unit_only]
    if defect.mutation is None:
        yield from _in_history(defect, tests)
    elif tests:
        with broken(defect.mutation) as copy:
            for test in tests:
                yield Shown(test, look(test, copy), _today(test))


def _read(row: dict[str, Any], known: dict[str, Mutation]) -> Defect:
    mutation = known.get(row.get("mutation", row["name"]))
    if "file" in row:
        change = (row["file"], row["before"], row["after"])
        mutation = Mutation(row["name"], row["met"], *change, tuple(row["tests"]))
    return Defect(
        name=row["name"],
        met=row["met"],
        mended=row["mended"],
        tests=mutation.tests if mutation else tuple(row["history"]),
        seen=row["seen"],
        mutation=mutation,
    )


@cache
def _today(test: str) -> Seen:
    return look(test, SOURCE)


def _in_history(defect: Defect, tests: list[str]) -> Iterator[Shown]:
    """The tests of the commit that mended it, on the package before it and on its own."""
    with _tree(defect.mended) as after, _tree(f"{defect.mended}^") as before:
        for test in tests:
            seen = [look(test, tree / "operator", tree=after) for tree in (before, after)]
            yield Shown(test, *seen)


@contextmanager
def _tree(commit: str) -> Iterator[Path]:
    """What a commit holds, in a folder."""
    with scratch() as folder:
        packed = folder / "tree.tar"
        git = ("git", "-C", str(ROOT), "archive", "--output", str(packed), commit)
        subprocess.run(git, check=True)
        subprocess.run(("tar", "-xf", str(packed), "-C", str(folder)), check=True)
        yield folder
