"""Schedules that have shown a defect, as small as could be: in them, all rules hold today.

The track record puts each defect back and looks that its schedule shows it still.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.plan import Plan
from simulation.runs import run

FOUND = sorted(Path(__file__).with_name("found").glob("*.json"))


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.stem)
def test_no_rule_is_broken_any_more(file: Path) -> None:
    assert [str(each) for each in run(Plan.from_json(file.read_text())).violations] == []
