"""With no operator around, nobody waits for it: not a user, not a delete, not a release."""

from __future__ import annotations

import json
from pathlib import Path

from localcluster import Cluster

from customevents import sandbox
from integration.conftest import Events, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
CHART = Path(__file__).parent / "chart-with-an-event"


def test_a_fresh_event_says_that_it_waits_for_the_operator(events: Events) -> None:
    events.apply("checkout", SPEC)
    found = events.get("checkout")
    (delivered,) = found["status"]["conditions"]
    assert (delivered["status"], delivered["reason"]) == ("Unknown", "Pending")
    assert delivered["message"].startswith("Waiting for the operator; if this stays")
    assert "Pending" in events.kubectl("get", "cev", "checkout")


def test_what_was_applied_meanwhile_is_delivered_when_the_operator_is_back(
    events: Events, start_operator: StartOperator
) -> None:
    events.apply("checkout", SPEC)
    start_operator()
    events.until("checkout", "Delivered")
    assert len(events.sent()) == 1


def test_a_restart_sends_nothing_again(events: Events, start_operator: StartOperator) -> None:
    first = start_operator()
    events.apply("checkout", SPEC)
    before = events.until("checkout", "Delivered")
    assert first.terminate() == 0

    start_operator()
    events.apply("marker", {**SPEC, "summary": "sent by the second"})
    events.until("marker", "Delivered")
    summaries = [event["body"]["summary"] for event in events.sent()]
    assert summaries == [SPEC["summary"], "sent by the second"]
    assert (
        events.get("checkout")["metadata"]["resourceVersion"]
        == (before["metadata"]["resourceVersion"])
    )


def test_a_delete_returns_at_once_whatever_the_state(events: Events) -> None:
    events.apply("checkout", SPEC)
    events.kubectl("delete", "cev", "checkout", "--timeout=15s")
    assert events.kubectl("get", "cev", "-o", "name") == ""


def test_a_delete_returns_at_once_while_an_attempt_hangs_and_the_operator_goes_on(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    timeline.call("PUT", "/sandbox/faults", {"hang": True, "match": {"summary": "hangs"}})
    events.apply("hangs", {**SPEC, "summary": "hangs"})
    events.kubectl("delete", "cev", "hangs", "--timeout=15s")
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")


def test_a_release_with_nothing_but_an_event_is_installed_without_an_operator(
    cluster: Cluster, namespace: str
) -> None:
    cluster.helm("install", "shop", str(CHART), "--namespace", namespace, "--wait", "--timeout=20s")
    status = json.loads(cluster.helm("status", "shop", "-n", namespace, "-o", "json").stdout)
    assert status["info"]["status"] == "deployed"
