"""`helm install --wait` of an application with an event succeeds, whatever becomes of the event."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from localcluster import Cluster, ClusterError

from customevents import sandbox
from integration.conftest import Events, StartOperator

ROOT = Path(__file__).parents[2]
CHART = ROOT / "examples" / "helm" / "checkout"
CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
RELEASE = ("checkout", str(CHART), "--wait")


def release(events: Events, verb: str, *args: str) -> str:
    """Install or upgrade, waiting for all objects; returns the status of the release."""
    said = events.cluster.helm(
        *(verb, *RELEASE, "--timeout=30s", "-n", events.namespace, "-o", "json", *args)
    )
    status: str = json.loads(said.stdout)["info"]["status"]
    return status


@pytest.fixture
def closed_endpoint() -> Iterator[str]:
    """The address of an events API that is down."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_with_the_operator_stopped(events: Events) -> None:
    assert release(events, "install") == "deployed"
    assert events.get("checkout")["status"]["delivery"]["state"] == "Pending"
    assert release(events, "upgrade", "--set", "version=1.4.3") == "deployed"


def test_with_the_endpoint_down(
    events: Events, start_operator: StartOperator, closed_endpoint: str
) -> None:
    start_operator(endpoint=closed_endpoint, discovery_settle_seconds="0")
    assert release(events, "install") == "deployed"
    events.until("checkout", "Retrying")
    assert release(events, "upgrade") == "deployed"


def test_with_the_event_refused(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    timeline.call("PUT", "/sandbox/faults", {"status": 400})
    start_operator(discovery_settle_seconds="0")
    assert release(events, "install") == "deployed"
    events.until("checkout", "Failed")
    assert release(events, "upgrade") == "deployed"


@pytest.fixture
def not_ready(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose CRD says of every new event that it is not known to be ready."""
    crd = yaml.safe_load(CRD.read_text())
    (version,) = crd["spec"]["versions"]
    default = version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"]
    default["conditions"].append({"type": "Ready", "status": "Unknown"})
    edited = tmp_path / "crd.yaml"
    edited.write_text(yaml.safe_dump(crd))
    with Cluster(tmp_path / "cluster", crds=[edited]) as running:
        yield running


def test_a_condition_ready_would_fail_the_release(not_ready: Cluster) -> None:
    with pytest.raises(ClusterError, match=r"CustomEvent/default/checkout not ready"):
        not_ready.helm("install", *RELEASE, "--timeout=3s")
