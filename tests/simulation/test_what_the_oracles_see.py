"""The oracles are red on what they are for: the usual algorithm, and a broken operator."""

from __future__ import annotations

import pytest

from faults.mutate import all_mutations
from simulation.naive import NaiveReplica
from simulation.runs import run
from simulation.shrink import Shrinker
from simulation.swarm import draw
from simulation.teeth import schedules_until_red

#: Schedules within which each must be seen.
ENOUGH = 300

#: Some of the mutations; `python -m simulation.teeth all` tries each of them.
SOME = ("post-before-commit", "receipt-without-2xx", "record-without-a-swap")


@pytest.fixture(scope="module")
def broken_by_the_usual_handler() -> dict[str, int]:
    """The first seed with which kopf's documented handler breaks each rule."""
    first: dict[str, int] = {}
    for seed in range(ENOUGH):
        for rule in run(draw(seed), kind=NaiveReplica).rules:
            first.setdefault(rule, seed)
        if {"O1", "O2", "O3"} <= first.keys():
            break
    return first


@pytest.mark.parametrize("rule", ["O1", "O2", "O3"])
def test_the_documented_handler_of_kopf_breaks(
    rule: str, broken_by_the_usual_handler: dict[str, int]
) -> None:
    assert rule in broken_by_the_usual_handler


@pytest.mark.parametrize("name", SOME)
def test_an_operator_is_seen_that_is_broken_by(name: str) -> None:
    mutation = next(each for each in all_mutations() if each.name == name)
    assert schedules_until_red(mutation, first=1_000_000, most=ENOUGH) > 0


def test_a_plan_that_breaks_a_rule_is_made_smaller_and_breaks_it_still() -> None:
    seed = next(seed for seed in range(100) if "O2" in _rules(seed) and len(draw(seed).deeds) > 4)
    found = run(draw(seed), kind=NaiveReplica)
    smallest = Shrinker(found, lambda plan: run(plan, kind=NaiveReplica), rule="O2").shrink()
    assert "O2" in smallest.rules
    assert len(smallest.plan.deeds) < len(found.plan.deeds)
    assert smallest.plan.struck is not None


def _rules(seed: int) -> frozenset[str]:
    return run(draw(seed), kind=NaiveReplica).rules
