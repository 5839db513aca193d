"""Kustomize renames workloads, and with the shipped configuration an event's serviceNames, too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import Cluster

from integration.conftest import Events, StartOperator

EXAMPLE = Path(__file__).parents[2] / "examples" / "kustomize"
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Rollout")


def service_names(cluster: Cluster, overlay: Path) -> list[str]:
    built = cluster.kubectl("kustomize", str(overlay)).stdout
    (event,) = (made for made in yaml.safe_load_all(built) if made["kind"] == "CustomEvent")
    names: list[str] = event["spec"]["scope"]["serviceNames"]
    return names


def change(file: Path, **fields: Any) -> None:
    content = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**content, **fields}))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example, to be changed."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "kustomize"))


def test_a_prefix_changes_the_names_inside_an_event(cluster: Cluster) -> None:
    assert service_names(cluster, EXAMPLE / "staging") == ["staging-checkout"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_so_for_every_kind_of_workload_and_leaves_other_names(
    cluster: Cluster, example: Path, kind: str
) -> None:
    change(example / "base" / "deployment.yaml", kind=kind)
    scope = {"serviceNames": ["ledger", "checkout"]}
    spec = {"eventType": "release", "summary": "checkout 1.4.2 is live", "scope": scope}
    change(example / "base" / "event.yaml", spec=spec)
    assert service_names(cluster, example / "staging") == ["ledger", "staging-checkout"]


def test_without_the_configuration_the_names_stay_behind(cluster: Cluster, example: Path) -> None:
    change(example / "base" / "kustomization.yaml", configurations=[])
    assert service_names(cluster, example / "staging") == ["checkout"]


def test_an_event_of_the_overlay_is_about_the_workload_that_it_renamed(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    cluster.kubectl("apply", "-k", str(EXAMPLE / "staging"), "-n", events.namespace)
    found = events.until("staging-checkout-release", "Delivered")
    assert found["status"]["resolved"]["matchingServices"] == 1
    (sent,) = events.sent()
    assert sent["body"]["scope"]["servicesNames"] == ["staging-checkout"]
