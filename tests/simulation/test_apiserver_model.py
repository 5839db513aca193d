"""The model of the API server answers as Kubernetes' own does: each case is asked of both.

What is compared, and what may differ, is in comparing.py. The cases need a control plane without
controllers, which starts and ends with this module.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from localcluster import build

from simulation import cases_of_events, cases_of_lists, cases_of_others, cases_of_status
from simulation.cases_at_random import requests_at_random
from simulation.comparing import Asking, Case, Server, difference
from simulation.two_servers import ModelServer, RealServer, real_server

CASES = (
    *cases_of_events.CASES,
    *cases_of_status.CASES,
    *cases_of_lists.CASES,
    *cases_of_others.CASES,
)

SEEDS = range(6)

LONGEST_NAMESPACE = 63


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    build()
    with real_server(tmp_path_factory.mktemp("compared")) as server:
        yield server


@pytest.mark.parametrize("seed", SEEDS)
def test_the_model_answers_what_is_asked_at_random(seed: int, real: RealServer) -> None:
    def case(asked: Asking) -> None:
        requests_at_random(seed, asked)

    name = f"at-random-{seed}"
    assert difference(asked_of(ModelServer(), case, name), asked_of(real, case, name)) == ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_model_answers_as_kubernetes_does(case: Case, real: RealServer) -> None:
    name = case.__name__[:LONGEST_NAMESPACE].replace("_", "-").strip("-")
    assert difference(asked_of(ModelServer(), case, name), asked_of(real, case, name)) == ""


def asked_of(server: Server, case: Case, namespace: str) -> list[object]:
    """All that a server answered in a case, in a namespace of this name."""
    asked = Asking(server, namespace)
    asked.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    case(asked)
    return asked.written()
