"""The examples for Flux have the shape that its API takes, and point at a folder with an event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import Cluster

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "flux"
CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
BOTH = pytest.mark.parametrize("name", ["kustomization.yaml", "gated.yaml"])


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
    return content


@BOTH
def test_it_is_a_kustomization_that_waits(name: str) -> None:
    example = read(name)
    assert example["apiVersion"] == "kustomize.toolkit.fluxcd.io/v1"
    assert example["kind"] == "Kustomization"
    assert {"interval", "prune", "sourceRef"} <= example["spec"].keys()
    assert example["spec"]["wait"] is True


@BOTH
def test_its_path_holds_an_event(name: str, cluster: Cluster) -> None:
    built = cluster.kubectl("kustomize", str(ROOT / read(name)["spec"]["path"])).stdout
    assert [made["kind"] for made in yaml.safe_load_all(built)] == ["Deployment", "CustomEvent"]


def test_only_the_gated_one_judges_events_by_expressions() -> None:
    assert "healthCheckExprs" not in read("kustomization.yaml")["spec"]
    (judged,) = read("gated.yaml")["spec"]["healthCheckExprs"]
    assert judged.keys() == {"apiVersion", "kind", "inProgress", "failed", "current"}
    names = yaml.safe_load(CRD.read_text())["spec"]
    version = f"{names['group']}/{names['versions'][0]['name']}"
    assert (judged["apiVersion"], judged["kind"]) == (version, names["names"]["kind"])
