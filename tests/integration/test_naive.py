"""The benchmark's baseline does the job that it is compared in, under the rights that it states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from localcluster import Cluster

import baseline
from customevents import sandbox
from integration.conftest import Events
from operator_process import PATIENCE, eventually
from promises import crowd

SPEC = {
    "eventType": "release",
    "summary": "checkout 1.4.2 is live",
    "severity": "Info",
    "details": {"replicas": "3"},
    "scope": {"clusters": ["a"], "serviceNames": ["checkout"]},
}


@pytest.fixture
def naive(
    cluster: Cluster, key_file: Path, timeline: sandbox.Running, tmp_path: Path
) -> Iterator[Path]:
    """The baseline at work; its log."""
    with baseline.naive(cluster, key_file, timeline.url, tmp_path) as log:
        yield log


def test_the_baseline_delivers_an_event_as_documented_and_once(
    cluster: Cluster, namespace: str, naive: Path, timeline: sandbox.Running
) -> None:
    with crowd.administrator(cluster.kubeconfig) as administrator:
        names = crowd.create(administrator, [namespace], 3, spec=lambda _: SPEC)
        events = crowd.until_terminal(administrator, namespace, within=PATIENCE)

    assert crowd.states(events) == {"Delivered": 3}
    found = crowd.by_source(crowd.posts(timeline, namespace=namespace))
    assert {source: [post.accepted for post in sent] for source, sent in found.items()} == {
        name: [True] for name in names
    }
    assert found[names[0]][0].body == {
        "eventType": "release",
        "summary": "checkout 1.4.2 is live",
        "severity": "information",
        "scope": {"clusters": ["a"], "namespaces": [namespace], "servicesNames": ["checkout"]},
        "details": {"replicas": "3", "customevents.dev/source": names[0]},
    }
    assert "Forbidden" not in naive.read_text()


def test_the_baseline_delivers_an_edited_event_again(
    naive: Path, events: Events, timeline: sandbox.Running
) -> None:
    def summaries() -> list[str]:
        found = crowd.posts(timeline, namespace=events.namespace)
        return [post.body["summary"] for post in found]

    events.apply("checkout", SPEC)
    # kopf writes its annotation before the status: an edit that came earlier would be one event.
    eventually("it is delivered", lambda: is_delivered(events) or None)
    events.apply("checkout", {**SPEC, "summary": "checkout 1.4.3 is live"})
    eventually("it is sent again", lambda: summaries()[1:])
    assert summaries() == ["checkout 1.4.2 is live", "checkout 1.4.3 is live"]
    assert "Forbidden" not in naive.read_text()


def is_delivered(events: Events) -> bool:
    state: str = events.get("checkout")["status"]["delivery"]["state"]
    return state == "Delivered"
