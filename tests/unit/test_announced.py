"""`check` says who leads, whatever somebody has written into the ConfigMap."""

from __future__ import annotations

from typing import Any, cast

import pytest

from customevents.clocks import ClusterClock
from customevents.commands import announced, checkup
from customevents.commands.remarks import Grade, ok
from customevents.kube import Cluster
from customevents.resource.operator_state import OperatorState, Resolving
from unit.builders import NOW, later
from unit.instant import at_once

LEADS = OperatorState(leader="pod-a_1", renewed=NOW)


def said(**fields: Any) -> str:
    state = LEADS.model_copy(update=fields)
    leads = ok("operator", f"{state.leader} leads (ConfigMap a/b)")
    finding = announced.leads(announced.Announced(state, leads), NOW)
    return f"{finding.grade} {finding.says}"


def test_an_operator_that_said_something_in_the_last_minutes_leads() -> None:
    for age in (-30, 0, 120):
        assert said(renewed=later(-age)) == "ok pod-a_1 leads (ConfigMap a/b)"


def test_one_that_says_nothing_any_more_is_silent() -> None:
    assert said(renewed=later(-7200)) == "wrong pod-a_1 has been silent for 7200 s"


def test_what_was_edited_by_hand_is_said_in_one_line() -> None:
    assert said(renewed=None).endswith("it does not say when it was last there")


def test_one_that_was_stopped_has_said_so() -> None:
    words = "wrong nobody leads since 2026-05-01 12:00Z, when it was stopped"
    assert said(leader="") == words


class Portal(Cluster):
    """Something that answers every request with a JSON object of its own."""

    async def get(self, path: str) -> dict[str, Any]:
        return {"login": path}


def test_what_is_no_api_server_is_said_in_one_line() -> None:
    portal = Portal(*[cast(Any, None)] * 4)
    place = checkup.Place("shop", "customevents", "customevents")
    (finding,) = at_once(checkup.check(portal, place, ClusterClock()))
    assert (finding.grade, finding.about) == (Grade.WRONG, "Kubernetes")


@pytest.mark.parametrize(("waiting", "words"), [(1, "1 event waits, "), (2, "2 events wait, ")])
def test_what_waits_is_counted_in_words_for_people(waiting: int, words: str) -> None:
    assert announced._waiting(OperatorState(waiting=waiting, oldest=NOW)).says.startswith(words)


def about_the_watch(said: OperatorState) -> list[tuple[Grade, str]]:
    found = announced.all_remarks(said, "shop")
    return [(each.grade, each.says) for each in found if each.about == "watch"]


def test_an_operator_that_leads_and_sees_nothing_is_wrong() -> None:
    unseen = "changes of events go unseen"
    assert about_the_watch(OperatorState(unwatched=1)) == [(Grade.WRONG, unseen)]
    some = OperatorState(unwatched=2, settings=Resolving(watch_namespaces=("shop", "a", "b")))
    assert about_the_watch(some) == [(Grade.WRONG, f"in 2 of its namespaces, {unseen}")]
    assert about_the_watch(OperatorState()) == []


@pytest.mark.parametrize(
    ("skew", "words"),
    [(40.0, "40 s ahead of the API server's"), (-7.4, "7 s behind the API server's")],
)
def test_a_clock_that_differs_is_told(skew: float, words: str) -> None:
    (finding,) = announced.clock("this machine", skew)
    assert (finding.grade, finding.says) == (Grade.WARNING, f"that of this machine is {words}")


@pytest.mark.parametrize("skew", [None, 0.0, 2.0, -2.0])
def test_one_that_does_not_or_was_not_heard_is_no_matter(skew: float | None) -> None:
    assert announced.clock("this machine", skew) == []
