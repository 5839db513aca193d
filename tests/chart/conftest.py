"""Both majors of Helm, and a cluster of the chart's own: it brings the CRD itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from localcluster import HELM, HELM3, Cluster, build, build_helm3

from chart.helm_cli import Helm

#: The operator's own, and those of ci/namespaced-values.yaml.
NAMESPACES = ("customevents", "shop", "billing")

BINARIES = {"helm4": HELM, "helm3": HELM3}


@pytest.fixture(scope="session")
def _helm_is_there() -> None:
    """The first build takes minutes."""
    build()
    build_helm3()


@pytest.fixture(scope="session", params=BINARIES)
def helm(
    request: pytest.FixtureRequest, _helm_is_there: None, tmp_path_factory: pytest.TempPathFactory
) -> Helm:
    """Each of them, with no cluster in reach: to render."""
    return Helm(BINARIES[request.param], _alone(tmp_path_factory.mktemp("helm")))


@pytest.fixture(scope="session")
def helm4(_helm_is_there: None, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """One of them, where the other renders the same."""
    return Helm(HELM, _alone(tmp_path_factory.mktemp("helm")))


def _alone(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
    homes = {f"HELM_{what}_HOME": str(home / what.lower()) for what in ("CACHE", "CONFIG", "DATA")}
    return {**kept, **homes, "KUBECONFIG": str(home / "none")}


@pytest.fixture(scope="session")
def chart_cluster(
    _helm_is_there: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Kubernetes with nothing of ours but namespaces: the CRD is the chart's, and its names too."""
    with Cluster(tmp_path_factory.mktemp("chart-cluster")) as running:
        for name in NAMESPACES:
            running.kubectl("create", "namespace", name)
        yield running
