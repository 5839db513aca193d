"""The model of the API server answers as Kubernetes' own does: each case is asked of both.

What is compared, and what may differ, is in comparing.py. The cases need a control plane without
controllers, which start and end within this module.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from localcluster import build

from simulation import cases_of_events, cases_of_lists, cases_of_others, cases_of_status
from simulation.comparing import Asked, Case, Server
from simulation.two_servers import ModelServer, RealServer, real_server

CASES = (
    *cases_of_events.CASES,
    *cases_of_status.CASES,
    *cases_of_lists.CASES,
    *cases_of_others.CASES,
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    build()
    with real_server(tmp_path_factory.mktemp("compared")) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_model_answers_as_kubernetes_does(case: Case, real: RealServer) -> None:
    assert asked_of(ModelServer(), case) == asked_of(real, case)


def asked_of(server: Server, case: Case) -> list[object]:
    """All that a server answered in a case."""
    namespace = case.__name__[:63].replace("_", "-").strip("-")
    asked = Asked(server, namespace)
    asked.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    case(asked)
    return asked.written()
