"""`check` says who leads, whatever somebody has written into the ConfigMap."""

from __future__ import annotations

from typing import Any, cast

import pytest

from customevents.clocks import ClusterClock
from customevents.commands.remarks import (
    Grade,
    Place,
    _announced,
    _clock,
    _leader,
    _waiting,
    check,
)
from customevents.kube import Cluster
from customevents.resource.operator_state import OperatorState, Resolving
from unit.builders import NOW, later
from unit.instant import at_once

LEADS = OperatorState(leader="pod-a_1", renewed=NOW)


def said(**fields: Any) -> str:
    state = LEADS.model_copy(update=fields)
    finding = _leader("operator", "ConfigMap a/b", state, NOW)
    return f"{finding.grade} {finding.says}"


def test_an_operator_that_said_something_in_the_last_minutes_leads() -> None:
    for age in (-30, 0, 120):
        assert said(renewed=later(-age)) == "ok pod-a_1 leads (ConfigMap a/b)"


def test_one_that_says_nothing_any_more_is_silent() -> None:
    assert said(renewed=later(-7200)) == "wrong pod-a_1 has been silent for 7200 s"


def test_what_was_edited_by_hand_is_said_in_one_line() -> None:
    assert said(renewed=None).endswith("ConfigMap a/b does not say when it was written")


def test_one_that_was_stopped_has_said_so() -> None:
    words = "wrong nobody leads since 2026-05-01 12:00Z: the operator was stopped"
    assert said(leader="") == words


class Portal(Cluster):
    """Something that answers every request with a JSON object of its own."""

    async def get(self, path: str) -> dict[str, Any]:
        return {"login": path}


def test_what_is_no_api_server_is_said_in_one_line() -> None:
    portal = Portal(*[cast(Any, None)] * 4)
    place = Place("shop", "customevents", "customevents")
    (finding,) = at_once(check(portal, place, ClusterClock()))
    assert (finding.grade, finding.about) == (Grade.WRONG, "Kubernetes")


@pytest.mark.parametrize(("waiting", "words"), [(1, "1 event waits, "), (2, "2 events wait, ")])
def test_what_waits_is_counted_in_words_for_people(waiting: int, words: str) -> None:
    assert _waiting(OperatorState(waiting=waiting, oldest=NOW)).says.startswith(words)


def test_an_operator_that_leads_and_sees_nothing_is_wrong() -> None:
    found = [e for e in _announced(OperatorState(unwatched=1), "shop") if e.about == "watch"]
    assert [(e.grade, e.says) for e in found] == [(Grade.WRONG, "changes of events go unseen")]
    some = OperatorState(unwatched=2, settings=Resolving(watch_namespaces=("shop", "a", "b")))
    assert "in 2 of its namespaces, changes" in " ".join(e.says for e in _announced(some, "shop"))
    assert [each for each in _announced(OperatorState(), "shop") if each.about == "watch"] == []


@pytest.mark.parametrize(
    ("skew", "words"),
    [(40.0, "40 s ahead of the API server's"), (-7.4, "7 s behind the API server's")],
)
def test_a_clock_that_differs_is_told(skew: float, words: str) -> None:
    (finding,) = _clock("this machine", skew)
    assert (finding.grade, finding.says) == (Grade.WARNING, f"that of this machine is {words}")


@pytest.mark.parametrize("skew", [None, 0.0, 2.0, -2.0])
def test_one_that_does_not_or_was_not_heard_is_no_matter(skew: float | None) -> None:
    assert _clock("this machine", skew) == []
