"""The fault plans, each on the real control plane: `make faults PLAN=post-unsent-killed`."""

from __future__ import annotations

from collections import Counter

import pytest

from faults.plans.conftest import Played
from faults.plans.cuts import cuts
from faults.plans.interference import PLANS as INTERFERENCE
from faults.plans.plan import Plan
from faults.plans.rig import Rig

PLANS = [*cuts(), *INTERFERENCE]


def marked(plan: Plan) -> object:
    return pytest.param(plan, id=plan.name, marks=() if plan.gates else pytest.mark.full)


@pytest.mark.parametrize("plan", [marked(plan) for plan in PLANS])
def test_what_is_promised_holds(plan: Plan, rig: Rig, played: Played) -> None:
    with played(plan):
        rig.judge(plan.steps(rig))


def test_each_plan_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(plan.name for plan in PLANS).items() if times > 1] == []
