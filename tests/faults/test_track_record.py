"""The track record stays true while the code and its tests change."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from faults.defects import Defect, all_defects
from faults.mutate import mutated
from faults.track_record import PAGE, page

TESTS = Path(__file__).parents[1]
DEFECTS = all_defects()

#: The test of a schedule, and which.
SCHEDULE = re.compile(r"simulation/test_found\.py::.*\[(.+)\]")


def test_the_page_is_what_the_record_says() -> None:
    assert page() == PAGE.read_text(), "python tests/faults/track_record.py render"


def test_no_two_defects_share_a_name() -> None:
    assert len({each.name for each in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_described_as_the_others_are(defect: Defect) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", defect.name)
    assert re.fullmatch(r"[0-9a-f]{7}", defect.mended)
    assert defect.met.endswith(".")
    assert "|" not in defect.met + defect.seen
    assert defect.seen
    assert defect.tests


@pytest.mark.parametrize(
    "defect", [each for each in DEFECTS if each.mutation], ids=lambda defect: defect.name
)
def test_a_defect_can_be_put_back_and_its_tests_exist(defect: Defect) -> None:
    assert defect.mutation is not None
    compile(mutated(defect.mutation), defect.mutation.file, "exec")
    assert [test for test in defect.tests if not _exists(test)] == []


def test_each_schedule_that_was_kept_shows_a_defect_of_the_record() -> None:
    shown = {case for each in DEFECTS for test in each.tests for case in SCHEDULE.findall(test)}
    assert {file.stem for file in (TESTS / "simulation" / "found").iterdir()} == shown


def _exists(test: str) -> bool:
    """Whether there is such a file, and in it the test or what `-k` chooses."""
    where, _, chosen = test.partition(" -k ")
    file, _, function = where.partition("::")
    name = function.partition("[")[0]
    if not (TESTS / file).is_file():
        return False
    functions = [
        node.name
        for node in ast.walk(ast.parse((TESTS / file).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    # What `-k` chooses may also stand in a parameter, as text.
    by_name = not name or name in functions
    return by_name and (not chosen or chosen in (TESTS / file).read_text())
