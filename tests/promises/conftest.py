"""What the tests of the promises share with those of the integration, and a fleet of operators."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import account, events, key_file, timeline  # noqa: F401
from namespaces import temporary_namespace
from promises import driving
from promises.driving import Api
from promises.fleet import Fleet, fleet
from proxy import ApiProxy

#: `make promises` sets it: all rounds, instead of the few that gate each change.
FULL = os.environ.get("PROMISES") == "full"


@pytest.fixture
def administrator(cluster: Cluster) -> Iterator[Api]:
    with driving.administrator(cluster.kubeconfig) as connected:
        yield connected


@pytest.fixture
def other(namespace: str, api: client.ApiClient) -> Iterator[str]:
    """A second namespace."""
    with temporary_namespace(api, f"{namespace[:50]}-other") as name:
        yield name


@pytest.fixture
def proxy(account: Path, tmp_path: Path) -> Iterator[ApiProxy]:  # noqa: F811
    """Between an operator that is started with its kubeconfig, and the API server."""
    with ApiProxy(account, tmp_path) as running:
        yield running


@pytest.fixture
def operators(
    administrator: Api,
    account: Path,  # noqa: F811
    key_file: Path,  # noqa: F811
    timeline: sandbox.Running,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Fleet]:
    """A fleet without a rate limit, with a Lease of 3 s, unless a replica is told otherwise."""
    with fleet(administrator, tmp_path, account, key_file, timeline.url) as empty:
        yield empty
