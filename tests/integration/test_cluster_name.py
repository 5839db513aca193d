"""The cluster's own name, with nothing configured: found, waited for, never believed blindly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import Events, Existing, StartOperator
from operator_process import eventually, said_of_itself
from platforms import agent, kubeadm_config

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: Seconds in which an event that is held for the name is sent once that is there. It is looked for
#: every 20 s; left to its own look each minute, the event would take 60.
RELEASED = 50.0


def message(found: dict[str, Any]) -> str:
    (delivered,) = found["status"]["conditions"]
    assert delivered["reason"] == "ClusterNameUnknown"
    said: str = delivered["message"]
    return said


def announced(events: Events) -> dict[str, Any]:
    """What the operator says about itself."""
    return said_of_itself(events.cluster)


def clusters(events: Events) -> list[list[str]]:
    """The clusters that each event was sent to."""
    return [event["body"]["scope"]["clusters"] for event in events.sent()]


def test_the_quickstart_is_delivered_with_the_name_that_the_agent_has(
    events: Events, start_operator: StartOperator, existing: Existing, komodor: str
) -> None:
    with existing(agent(komodor, "prod-eu-7"), kubeadm_config("a-guess")):
        running = start_operator(cluster_name="")
        events.kubectl("apply", "-f", str(EXAMPLES / "01-quickstart.yaml"))
        found = events.until("checkout-1-4-2", "Delivered")
    assert found["status"]["resolved"]["clusters"] == ["prod-eu-7"]
    assert found["status"]["resolved"]["sources"] == {
        "clusters": "Deployment komodor/komodor-agent",
        "namespaces": "metadata.namespace",
    }
    assert clusters(events) == [["prod-eu-7"]]
    running.says("this cluster is prod-eu-7 (Deployment komodor/komodor-agent)")


def test_the_setting_goes_before_the_agent(
    events: Events, start_operator: StartOperator, existing: Existing, komodor: str
) -> None:
    with existing(agent(komodor, "prod-eu-7")):
        start_operator(cluster_name="prod-eu-1")
        events.apply("checkout", SPEC)
        found = events.until("checkout", "Delivered")
    assert found["status"]["resolved"]["sources"]["clusters"] == "setting clusterName"
    assert clusters(events) == [["prod-eu-1"]]


def test_a_planted_agent_is_not_believed_and_the_real_one_releases_the_event_by_itself(
    events: Events,
    start_operator: StartOperator,
    existing: Existing,
    komodor: str,
    figure: Callable[[str], None],
) -> None:
    with existing(agent(events.namespace, "evil")):
        running = start_operator(cluster_name="")
        events.apply("checkout", SPEC)
        said = message(events.until("checkout", "Held"))
        assert "nothing in the cluster tells it" in said
        assert "--set clusterName=NAME" in said
        running.says(f"{events.namespace}/komodor-agent")
        assert events.sent() == []
        planted = [f"{events.namespace}/komodor-agent"]
        eventually("it says so", lambda: announced(events)["agentsElsewhere"] == planted)

        with existing(agent(komodor, "prod-eu-7")):
            begin = time.monotonic()
            eventually("the event is sent", lambda: clusters(events), within=RELEASED)
            figure(f"agent installed -> held event sent: {time.monotonic() - begin:.0f} s")
            events.until("checkout", "Delivered")
    assert clusters(events) == [["prod-eu-7"]]
    eventually("it says so", lambda: announced(events)["clusterName"] == "prod-eu-7")


def test_the_setting_releases_a_held_event_with_the_restart(
    events: Events, start_operator: StartOperator
) -> None:
    first = start_operator(cluster_name="")
    events.apply("checkout", SPEC)
    events.until("checkout", "Held")
    assert first.terminate() == 0
    start_operator(cluster_name="prod-eu-1")
    assert events.until("checkout", "Delivered")["status"]["resolved"]["clusters"] == ["prod-eu-1"]
    assert len(events.sent()) == 1


def test_an_agent_is_believed_in_the_namespaces_that_are_named(
    events: Events, start_operator: StartOperator, existing: Existing, komodor: str
) -> None:
    with existing(agent(events.namespace, "mine"), agent(komodor, "prod-eu-7")):
        start_operator(cluster_name="", discovery_agent_namespaces=events.namespace)
        events.apply("checkout", SPEC)
        events.until("checkout", "Delivered")
    assert clusters(events) == [["mine"]]


def test_two_agents_that_disagree_are_both_named_and_nothing_is_sent(
    events: Events, start_operator: StartOperator, existing: Existing, komodor: str
) -> None:
    with existing(agent(komodor, "prod"), agent("customevents", "test"), kubeadm_config("guess")):
        start_operator(cluster_name="")
        events.apply("checkout", SPEC)
        said = message(events.until("checkout", "Held"))
    assert (
        "Deployment komodor/komodor-agent says prod, "
        "Deployment customevents/komodor-agent says test. Tell it to the operator"
    ) in said
    assert events.sent() == []


@pytest.mark.parametrize("scope", [{"clusters": ["named"]}, {"level": "Account"}], ids=str)
def test_an_event_that_does_not_need_the_name_does_not_wait_for_it(
    events: Events, start_operator: StartOperator, scope: dict[str, Any]
) -> None:
    start_operator(cluster_name="")
    events.apply("checkout", {**SPEC, "scope": scope})
    events.until("checkout", "Delivered")
