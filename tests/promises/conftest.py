"""What the tests of the promises share with those of the integration, and a fleet of operators."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from kubernetes import client
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import account, events, key_file, proxy, timeline  # noqa: F401
from namespaces import temporary_namespace
from promises import crowd
from promises.crowd import Api
from promises.ear import Ear
from promises.fleet import Fleet, fleet
from promises.namespaced import namespaced_account, rights_in
from proxy import ApiProxy

#: `make promises` sets it: all rounds, instead of the few that gate each change.
FULL = os.environ.get("PROMISES") == "full"


@pytest.fixture
def administrator(cluster: Cluster) -> Iterator[Api]:
    with crowd.administrator(cluster.kubeconfig) as connected:
        yield connected


@pytest.fixture
def other(namespace: str, api: client.ApiClient) -> Iterator[str]:
    """A second namespace."""
    with temporary_namespace(api, f"{namespace[:50]}-other") as name:
        yield name


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


@pytest.fixture(scope="module")
def listener(
    cluster: Cluster,
    api: client.ApiClient,
    account: Path,  # noqa: F811
    key_file: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Ear]]:
    """Makes an ear in the mode "cluster" or "namespaced", where it has the rights to two alone."""
    with ExitStack() as stack:

        def listen(mode: str) -> Ear:
            folder = tmp_path_factory.mktemp(mode)
            names = [f"never-deaf-{which}-{secrets.token_hex(3)}" for which in ("a", "b")]
            timeline = stack.enter_context(sandbox.running())
            settings = {
                "api_key_file": str(key_file),
                "cluster_name": "prod-eu-1",
                "delivery_rate": "0",
                "endpoint": timeline.url,
            }
            kubeconfig = account
            if mode == "namespaced":
                kubeconfig = namespaced_account(cluster)
                settings["watch_namespaces"] = ",".join(names)
            for name in names:
                stack.enter_context(temporary_namespace(api, name))
                rights_in(cluster, name)
            administrator = stack.enter_context(crowd.administrator(cluster.kubeconfig))
            proxy = stack.enter_context(ApiProxy(kubeconfig, folder))
            ear = Ear(administrator, proxy, timeline, folder, settings, tuple(names))
            stack.callback(ear.stop)
            return ear

        yield listen


@pytest.fixture(scope="module", params=["cluster", "namespaced"])
def ear(request: pytest.FixtureRequest, listener: Callable[[str], Ear]) -> Iterator[Ear]:
    """An operator that watches everything, or two namespaces."""
    listening = listener(request.param)
    yield listening
    listening.stop()  # else the next one would wait for its Lease
