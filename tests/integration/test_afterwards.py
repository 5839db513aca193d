"""What follows a delivery: a Kubernetes Event where a person should look, and the object's end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import Events, StartOperator
from operator_process import eventually, probe, said_of_itself

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

RIGHT_TO_DELETE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: customevents-ttl}
rules:
- {apiGroups: [customevents.dev], resources: [customevents], verbs: [delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: customevents-ttl}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: customevents-ttl}
subjects: [{kind: ServiceAccount, name: customevents, namespace: customevents}]
"""


SECOND_LEASE = """
apiVersion: v1
kind: Namespace
metadata: {name: customevents-second}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: customevents, namespace: customevents-second}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create, get, update]}
- {apiGroups: [""], resources: [configmaps], verbs: [create, get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: customevents, namespace: customevents-second}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: customevents}
subjects: [{kind: ServiceAccount, name: customevents, namespace: customevents}]
"""


@pytest.fixture
def second_lease(cluster: Cluster) -> Iterator[str]:
    """A namespace in which the operator may have a Lease as well, as a second release would."""
    cluster.kubectl("apply", "-f", "-", input=SECOND_LEASE)
    yield "customevents-second"
    cluster.kubectl("delete", "namespace", "customevents-second", "--wait=false")


@pytest.fixture
def right_to_delete(cluster: Cluster) -> Iterator[None]:
    """What the operator may do with ttl.enabled alone."""
    cluster.kubectl("apply", "-f", "-", input=RIGHT_TO_DELETE)
    yield
    cluster.kubectl("delete", "-f", "-", input=RIGHT_TO_DELETE)


def notices(events: Events, about: str, namespace: str = "") -> list[dict[str, Any]]:
    """The Kubernetes Events about one object."""
    where = namespace or events.namespace
    listed = json.loads(events.cluster.kubectl("-n", where, "get", "events", "-o", "json").stdout)
    return [item for item in listed["items"] if item["involvedObject"]["name"] == about]


def test_a_refused_event_has_one_warning_that_kubectl_shows_and_a_delivered_one_none(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    fault = {"status": 400, "match": {"summary": "refuse me"}}
    timeline.call("PUT", "/sandbox/faults", fault)
    start_operator()
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    events.apply("refused", {**SPEC, "summary": "refuse me"})
    events.until("refused", "Failed")
    (warning,) = eventually("it is told", lambda: notices(events, "refused"))
    assert (warning["type"], warning["reason"]) == ("Warning", "Refused")
    assert "HTTP 400" in warning["message"]
    assert "Warning  Refused" in events.kubectl("describe", "cev", "refused")
    assert notices(events, "checkout") == []


def test_with_the_setting_a_delivery_is_told(events: Events, start_operator: StartOperator) -> None:
    start_operator(events_delivered="true")
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    (told,) = eventually("it is told", lambda: notices(events, "checkout"))
    assert (told["type"], told["reason"]) == ("Normal", "Delivered")


def test_a_refused_key_is_one_warning_on_the_operators_lease(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    def told() -> list[dict[str, Any]]:
        return notices(events, "customevents", "customevents")

    before = {item["metadata"]["name"] for item in told()}
    timeline.call("PUT", "/sandbox/faults", {"status": 401, "count": 1})
    start_operator()
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    new = eventually(
        "it is told", lambda: [i for i in told() if i["metadata"]["name"] not in before]
    )
    assert [(item["type"], item["reason"]) for item in new] == [("Warning", "EndpointPaused")]
    assert "refused the key" in new[0]["message"]


def test_a_finished_event_is_deleted_after_its_ttl_unless_a_tool_would_create_it_again(
    events: Events,
    start_operator: StartOperator,
    right_to_delete: None,  # noqa: ARG001
    timeline: sandbox.Running,
) -> None:
    start_operator(ttl_enabled="true")
    tracked = {"annotations": {"meta.helm.sh/release-name": "shop"}}
    events.create("tracked", {**SPEC, "ttlSecondsAfterFinished": 0}, **tracked)
    found = events.until("tracked", "Delivered")
    assert "would create the object again" in found["status"]["conditions"][0]["message"]

    events.create("brief", {**SPEC, "summary": "soon gone", "ttlSecondsAfterFinished": 1})
    events.kubectl("wait", "--for=delete", "cev/brief", "--timeout=20s")
    assert [event["body"]["summary"] for event in events.sent()] == [SPEC["summary"], "soon gone"]
    assert events.get("tracked")["status"]["delivery"]["state"] == "Delivered"
    assert len(timeline.call("GET", "/events")["events"]) == 2


def test_two_operators_on_the_same_events_stop_instead_of_doubling_them(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running, second_lease: str
) -> None:
    timeline.call("PUT", "/sandbox/faults", {"delaySeconds": 0.5})
    one = start_operator()
    other = start_operator(lease_namespace=second_lease)
    for number in range(20):
        events.create(f"event-{number}", {**SPEC, "summary": f"number {number}"})
    halted = eventually("one of them stops", lambda: [r for r in (one, other) if _halted(r)])
    assert all("another operator sends the same events" in running.log for running in halted)


def _halted(running: Any) -> bool:
    return probe(running, "/readyz") == 503


def test_everybody_may_read_how_the_operator_is_and_never_its_key(
    cluster: Cluster, events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    timeline.call("PUT", "/sandbox/inventory", {"prod-eu-1": {"shop": ["checkout"]}})
    start_operator(lease_duration="3")
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")

    def said() -> dict[str, Any] | None:
        found = said_of_itself(cluster)
        return found if found.get("clusterKnown") else None

    found = eventually("it has asked", said)
    assert (found["key"], found["clusterName"]) == ("ok", "prod-eu-1")
    assert found["clusterNameSource"] == "setting clusterName"
    assert found["endpoint"] == timeline.url
    assert (found["paused"], found["halted"], found["breaker"]) == ("", "", "closed")
    assert "test-key" not in json.dumps(found)
