"""What a discovery does while the workloads cannot be listed: it waits, and never sends wider."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from customevents import sandbox
from integration.conftest import Events
from integration.workloads import apply, workload
from operator_process import RunningOperator, eventually, operator
from proxy import Answer, ApiProxy, CutBefore, Rule

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
MARKED = {"app.kubernetes.io/instance": "checkout"}
LISTS = r"/statefulsets\?"


@pytest.fixture
def running(
    proxy: ApiProxy, key_file: Path, timeline: sandbox.Running, tmp_path: Path
) -> Iterator[RunningOperator]:
    settings = {"api_key_file": str(key_file), "endpoint": timeline.url, "cluster_name": "here"}
    with operator(tmp_path, proxy.kubeconfig, **settings) as started:
        yield started


def test_an_event_of_a_release_waits_while_the_lists_are_cut_off_and_is_then_sent_right(
    proxy: ApiProxy, events: Events, running: RunningOperator
) -> None:
    cut = proxy.add(Rule("GET", LISTS, CutBefore(), count=None))
    apply(events.cluster, events.namespace, workload("web", labels=MARKED))
    events.apply("checkout", SPEC, labels=MARKED)
    eventually("it was tried", lambda: cut.hits >= 2 or None)
    assert events.get("checkout")["status"]["delivery"]["state"] == "Pending"
    assert events.sent() == []

    cut.remove()
    found = events.until("checkout", "Delivered")
    assert found["status"]["resolved"]["serviceNames"] == ["web"]
    running.says("cannot be listed")


@pytest.mark.usefixtures("running")
def test_an_operator_that_may_not_list_workloads_says_so_and_sends_nothing(
    proxy: ApiProxy, events: Events
) -> None:
    refused = proxy.add(
        Rule("GET", LISTS, Answer(403, message="statefulsets.apps is forbidden"), count=None)
    )
    apply(events.cluster, events.namespace, workload("web", labels=MARKED))
    scope = {"serviceSelector": {"matchLabels": MARKED}}
    events.apply("selecting", {**SPEC, "scope": scope})
    events.apply("released", SPEC, labels=MARKED)
    for name in ("selecting", "released"):
        (condition,) = events.until(name, "Held")["status"]["conditions"]
        assert condition["reason"] == "ServicesUnknown"
        assert "statefulsets.apps is forbidden" in condition["message"]
    assert events.sent() == []

    refused.remove()
    eventually("it is delivered at some look", lambda: _looked_at(events, "selecting"))
    events.kubectl("annotate", "cev", "released", "note=look")
    events.until("released", "Delivered")
    assert [event["body"]["scope"]["servicesNames"] for event in events.sent()] == [["web"]] * 2


def _looked_at(events: Events, name: str) -> bool | None:
    """Whether a look at an event, which any change of its object brings about, delivers it."""
    events.kubectl("annotate", "cev", name, f"note={time.monotonic_ns()}", "--overwrite")
    return events.get(name)["status"]["delivery"]["state"] == "Delivered" or None
