"""Releases on the chart's cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcluster import Cluster

from chart.helm_cli import CHART, Helm
from operator_process import eventually

RELEASE = "customevents"
NAMESPACE = "customevents"
CRD = "customevents.customevents.dev"


def on(cluster: Cluster, binary: Path) -> Helm:
    """Helm as the cluster's administrator."""
    return Helm(binary, cluster.environment())


@contextmanager
def installed(helm: Helm, *args: str | Path, release: str = RELEASE) -> Iterator[str]:
    """A release of the chart, until the block ends; yields what Helm said of it."""
    where = ("-n", NAMESPACE, "--create-namespace")
    said = helm.succeed("install", release, CHART, *where, *args)
    try:
        yield said
    finally:
        helm("uninstall", release, "-n", NAMESPACE)


def get(
    cluster: Cluster, kind: str, name: str, namespace: str = NAMESPACE
) -> dict[str, Any] | None:
    """An object as it is in the cluster, or None."""
    done = cluster.kubectl("get", kind, name, "-n", namespace, "-o", "json", check=False)
    if done.returncode:
        assert "NotFound" in done.stderr, done.stderr
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def until_served(cluster: Cluster) -> None:
    """Wait until CustomEvents can be written: that takes a moment from the CRD's creation."""
    asked = ("get", "cev", "-A")
    eventually(
        "they are served", lambda: cluster.kubectl(*asked, check=False).returncode == 0 or None
    )


def create_event(cluster: Cluster, name: str, namespace: str, **spec: Any) -> None:
    """Write a CustomEvent, as the administrator."""
    event = {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"eventType": "release", "summary": "checkout 1.4.2 is live", **spec},
    }
    until_served(cluster)
    cluster.kubectl("create", "-f", "-", input=json.dumps(event))
