"""`check` and `render` read what the operator says in one way, and say so where it says nothing."""

from __future__ import annotations

from typing import Any, cast

import pytest

from customevents.commands import announced, bodies, remarks, statement
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Gone
from customevents.resource.operator_state import STATE, OperatorState
from unit.builders import NOW
from unit.instant import at_once

SAID = OperatorState(leader="pod-a", renewed=NOW, endpoint="http://here", cluster_name="prod")
PATH = "/api/v1/namespaces/ops/configmaps/events"

#: What somebody may have written in its place.
ODD: list[dict[str, Any]] = [{}, {"data": None}, {"data": {STATE: "{"}}, {"data": {"else": "{}"}}]

FORBIDDEN = ClusterError("the Kubernetes API answered 403: forbidden", 403)
UNKNOWN = "the operator's settings are not known, so its defaults count: ConfigMap ops/events"


class Holding(Cluster):
    """Holds one ConfigMap, or refuses it."""

    def __init__(self, holds: dict[str, Any] | ClusterError) -> None:
        super().__init__(*[cast(Any, None)] * 4)
        self._holds = holds

    async def request(self, method: str, path: str, *_: Any, **__: Any) -> dict[str, Any]:
        if (method, path) != ("GET", PATH):
            raise Gone(f"{method} {path}", 404)
        if isinstance(self._holds, ClusterError):
            raise self._holds
        return self._holds


def told(holds: dict[str, Any] | ClusterError) -> tuple[OperatorState | None, remarks.Remark]:
    told = at_once(announced.ask(Holding(holds), "ops", "events"))
    return told.said, announced.leads(told, NOW)


def guessed(holds: dict[str, Any] | ClusterError) -> tuple[OperatorState, str]:
    return at_once(bodies._said(Holding(holds), "ops", "events"))


def test_what_the_operator_said_is_what_both_read() -> None:
    holds = {"data": {STATE: SAID.to_json()}}
    assert at_once(statement.read(Holding(holds), "ops", "events")) == SAID
    assert guessed(holds) == (SAID, "")
    said, remark = told(holds)
    assert (said, remark.grade) == (SAID, remarks.Grade.OK)
    assert remark.says == "pod-a leads (ConfigMap ops/events)"


@pytest.mark.parametrize("holds", ODD)
def test_what_no_operator_wrote_is_taken_for_none_and_told(holds: dict[str, Any]) -> None:
    assert at_once(statement.read(Holding(holds), "ops", "events")) is None
    assert guessed(holds) == (
        OperatorState(),
        f"{UNKNOWN} does not say what an operator says",
    )
    said, remark = told(holds)
    assert (said, remark.grade) == (None, remarks.Grade.WRONG)
    assert remark.says == "ConfigMap ops/events does not say what an operator says"


def test_what_is_not_there_is_wrong_and_what_may_not_be_read_a_warning() -> None:
    missing = Gone("not there", 404)
    assert told(missing)[1].grade is remarks.Grade.WRONG
    assert told(FORBIDDEN)[1].grade is remarks.Grade.WARNING
    for error in (missing, FORBIDDEN):
        assert guessed(error) == (OperatorState(), f"{UNKNOWN}: {error}")
