"""Everything that the chart renders is judged by a real API server, which then forgets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from localcluster import Cluster, fetch_module

from chart.helm_cli import CHART, CI, Helm, Json
from operator_process import eventually

#: Where the Prometheus operator publishes its CRDs: with their own rules, so that what is for
#: Prometheus is judged like the rest.
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.83.0"
DIGEST = "h1:qAKbm+45fqNGcn9sGTa1Ae2TM3KZuYA/uyoD2QKi9+o="

#: No pod is taken whose account is not there, not even to forget it: the pod of `helm test`.
ACCOUNTS = (
    "customevents",
    "customevents-customevents",
    "customevents-of-the-company",
    "events-teller",
)

#: Nor one of a runtime class that is not there.
RUNTIME_CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "sandboxed"},
    "handler": "runsc",
}


@pytest.fixture(scope="module")
def with_prometheus(chart_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with the kinds of the Prometheus operator."""
    folder = fetch_module(PROMETHEUS_OPERATOR, DIGEST) / "example" / "prometheus-operator-crd"
    files = [
        f"--filename={folder / f'monitoring.coreos.com_{kind}.yaml'}"
        for kind in ("servicemonitors", "prometheusrules")
    ]
    kubectl = chart_cluster.kubectl
    kubectl("apply", "--server-side", *files)
    # `kubectl wait` fails where it looks before there is any condition.
    eventually("they are served", lambda: _served(chart_cluster) or None)
    kubectl("create", "-f", "-", input=yaml.safe_dump(RUNTIME_CLASS))
    for account in ACCOUNTS:
        kubectl("create", "serviceaccount", account, "-n", "customevents")
    yield chart_cluster
    kubectl("delete", "serviceaccount", *ACCOUNTS, "-n", "customevents")
    kubectl("delete", "runtimeclass", "sandboxed")
    kubectl("delete", "--wait=false", *files)


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_the_api_server_takes_every_object(
    with_prometheus: Cluster, helm: Helm, values: Path
) -> None:
    found = helm.template("-f", values)
    told = _dry_run(with_prometheus, found)
    assert told.count("serverside-applied (server dry run)\n") == len(found), told


def _served(cluster: Cluster) -> bool:
    kinds = "servicemonitors,prometheusrules"
    return cluster.kubectl("get", kinds, "-A", check=False).returncode == 0


def _dry_run(cluster: Cluster, found: list[Json]) -> str:
    command = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    done = cluster.kubectl(*command, input=yaml.safe_dump_all(found), check=False)
    return done.stdout + done.stderr


def test_the_api_server_would_refuse_what_is_wrong(with_prometheus: Cluster, helm4: Helm) -> None:
    """Also of the kinds that are not its own: else the test above would prove nothing of them."""
    for found in helm4.template("-f", CHART / "ci" / "full-values.yaml"):
        if found["kind"] in ("ServiceMonitor", "PrometheusRule", "Deployment"):
            found["spec"]["misspelt"] = True
            assert "misspelt" in _dry_run(with_prometheus, [found])
