"""What the tests of the GitOps examples share: real objects, one in each state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from localcluster import Cluster

from customevents import sandbox
from customevents.resource.status import State
from integration.conftest import (  # noqa: F401
    Events,
    account,
    events,
    key_file,
    start_operator,
    timeline,
)
from operator_process import operator

Objects = dict[State, dict[str, Any]]

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
LONG_AGO = {"occurredAt": "2020-01-31T12:00:00Z", "deliveryDeadlineSeconds": 60}
NOTHING = {"serviceSelector": {"matchLabels": {"app": "nowhere"}}}
SPECS: dict[State, dict[str, Any]] = {
    State.DELIVERED: SPEC,
    State.FAILED: {**SPEC, "summary": "refuse me"},
    State.EXPIRED: {**SPEC, **LONG_AGO},
    State.HELD: {**SPEC, "scope": NOTHING},
    State.SUSPENDED: {**SPEC, "suspend": True},
    # Last: the endpoint may be paused after it.
    State.RETRYING: {**SPEC, "summary": "later please"},
}

FAULTS = [
    {"status": 400, "match": {"summary": "refuse me"}},
    {"status": 503, "match": {"summary": "later please"}},
]


@pytest.fixture(scope="session")
def every_state(
    cluster: Cluster,
    account: Path,  # noqa: F811
    key_file: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Objects:
    """A CustomEvent in each state, as the API server shows it."""
    with sandbox.running() as api, _namespace(cluster, "every-state") as name:
        api.call("PUT", "/sandbox/faults", FAULTS)
        seen = Events(cluster, name, api)
        seen.apply("pending", SPEC)
        found = {State.PENDING: seen.get("pending")}
        settings = {"api_key_file": str(key_file), "endpoint": api.url, "cluster_name": "prod-eu-1"}
        with operator(tmp_path_factory.mktemp("states"), account, **settings):
            for state, spec in SPECS.items():
                seen.apply(state.lower(), spec)
                found[state] = seen.until(state.lower(), state)
    return found


@contextmanager
def _namespace(cluster: Cluster, name: str) -> Iterator[str]:
    cluster.kubectl("create", "namespace", name)
    yield name
    # The next test's operator would take up what is undelivered.
    cluster.kubectl("delete", "cev", "--all", "-n", name)
    cluster.kubectl("delete", "namespace", name, "--wait=false")
