"""Helm 4 and Flux wait for no event: their rule says Current, whatever becomes of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from customevents.resource.status import State
from gitops.conftest import Objects
from gitops.kstatus import kstatus


@pytest.mark.parametrize("state", State)
def test_an_event_is_current_in_every_state(every_state: Objects, state: State) -> None:
    found = every_state[state]
    assert found["status"]["delivery"]["state"] == state
    assert kstatus(found) == "Current"


def planted(found: dict[str, Any], condition: str, status: str) -> dict[str, Any]:
    changed = copy.deepcopy(found)
    changed["status"]["conditions"].append({"type": condition, "status": status})
    return changed


@pytest.mark.parametrize(
    ("condition", "status", "verdict"),
    [
        ("Ready", "Unknown", "InProgress"),
        ("Ready", "False", "InProgress"),
        ("Ready", "True", "Current"),
        ("Reconciling", "True", "InProgress"),
        ("Stalled", "True", "Failed"),
        ("Stalled", "False", "Current"),
    ],
)
def test_it_would_not_be_with_a_condition_that_the_rule_reads(
    every_state: Objects, condition: str, status: str, verdict: str
) -> None:
    assert kstatus(planted(every_state[State.DELIVERED], condition, status)) == verdict


def test_nor_with_a_generation_that_lags_behind(every_state: Objects) -> None:
    changed = copy.deepcopy(every_state[State.DELIVERED])
    changed["metadata"]["generation"] = 2
    assert kstatus(changed) == "Current"
    changed["status"]["observedGeneration"] = 1
    assert kstatus(changed) == "InProgress"


def test_nor_while_it_is_being_deleted(every_state: Objects) -> None:
    changed = copy.deepcopy(every_state[State.DELIVERED])
    changed["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert kstatus(changed) == "Terminating"
