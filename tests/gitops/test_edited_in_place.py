"""The first choice: one object with a fixed name, whose summary holds the version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localcluster import Cluster

from integration.conftest import Events, StartOperator

EXAMPLES = Path(__file__).parents[2] / "examples"
RELEASE = EXAMPLES / "kustomize" / "base" / "event.yaml"
CHART = EXAMPLES / "helm" / "checkout"

# As Flux and Argo CD do it.
SERVER_SIDE = ("--server-side", "--field-manager=gitops", "-f", "-")


class Repository:
    """A GitOps tool and the one file that it applies, at a version."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def sync(self, version: str) -> None:
        self._apply(version)

    def drifted_from(self, version: str) -> bool:
        """Whether applying this version of the file would change the object."""
        planned = json.loads(self._apply(version, "--dry-run=server", "-o", "json"))
        return _wanted(planned) != _wanted(self._events.get("checkout-release"))

    def _apply(self, version: str, *more: str) -> str:
        return self._events.cluster.kubectl(
            *("-n", self._events.namespace, "apply", *SERVER_SIDE, *more),
            input=RELEASE.read_text().replace("1.4.2", version),
        ).stdout


def _wanted(found: dict[str, Any]) -> list[Any]:
    metadata = found["metadata"]
    parts = [metadata.get(part) for part in ("generation", "labels", "annotations")]
    return [found["spec"], *parts]


def summaries(events: Events) -> list[str]:
    return [event["body"]["summary"] for event in events.sent()]


def test_each_release_is_one_new_event_a_rollback_too_and_nothing_drifts(
    events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    repository = Repository(events)
    for generation, version in enumerate(("1.4.2", "1.4.3", "1.4.2"), start=1):
        repository.sync(version)
        events.until("checkout-release", "Delivered", generation=generation)
        assert not repository.drifted_from(version)
        repository.sync(version)  # as at every interval
    assert repository.drifted_from("1.4.3")

    told = [f"checkout {version} is live" for version in ("1.4.2", "1.4.3", "1.4.2")]
    assert summaries(events) == told
    assert len({event["idempotencyKey"] for event in events.sent()}) == 3
    found = events.get("checkout-release")
    assert found["status"]["delivery"]["sequence"] == 3
    assert found["metadata"]["generation"] == 3  # the syncs in between changed nothing


def test_a_chart_with_one_tells_of_install_upgrade_and_rollback(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator(discovery_settle_seconds="0.5")
    here = ("-n", events.namespace)
    cluster.helm("install", "checkout", str(CHART), *here)
    events.until("checkout", "Delivered", generation=1)
    cluster.helm("upgrade", "checkout", str(CHART), *here, "--set", "version=1.4.3")
    events.until("checkout", "Delivered", generation=2)
    # More pods are no news.
    cluster.helm("upgrade", "checkout", str(CHART), *here, "--set", "version=1.4.3,replicas=1")
    cluster.helm("rollback", "checkout", "1", *here)
    events.until("checkout", "Delivered", generation=3)

    assert summaries(events) == [f"checkout {v} is live" for v in ("1.4.2", "1.4.3", "1.4.2")]
    assert [e["body"]["scope"]["servicesNames"] for e in events.sent()] == [["checkout"]] * 3
