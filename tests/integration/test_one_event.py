"""One event, from `kubectl apply` to its receipt, and what its author can do with it after that."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from integration.conftest import Events, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


@pytest.fixture(autouse=True)
def running(start_operator: StartOperator) -> None:
    start_operator()


def bodies(events: Events) -> list[dict[str, Any]]:
    return [event["body"] for event in events.sent()]


def test_two_fields_are_enough_and_the_rest_is_filled_in(events: Events) -> None:
    events.apply("checkout", SPEC)
    found = events.until("checkout", "Delivered")

    (body,) = bodies(events)
    assert body["scope"] == {"clusters": ["prod-eu-1"], "namespaces": [events.namespace]}
    assert found["status"]["resolved"]["sources"] == {
        "clusters": "setting clusterName",
        "namespaces": "metadata.namespace",
    }


def test_the_body_is_the_documented_one(events: Events) -> None:
    spec = {
        "eventType": "release",
        "summary": "checkout 1.4.2 is live",
        "severity": "Warning",
        "details": {"version": "1.4.2", "replicas": "3"},
        "scope": {"clusters": ["a", "b"], "serviceNames": ["checkout", "cart"]},
        "occurredAt": "2126-01-02T03:04:05+01:00",
    }
    events.apply("checkout", spec)
    found = events.until("checkout", "Delivered")

    assert bodies(events) == [
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "severity": "warning",
            "scope": {
                "clusters": ["a", "b"],
                "servicesNames": ["checkout", "cart"],
                "namespaces": [events.namespace],
            },
            "details": {
                "version": "1.4.2",
                "replicas": "3",
                "customevents.dev/source": f"{events.namespace}/checkout",
                "customevents.dev/id": found["status"]["delivery"]["id"],
                "customevents.dev/occurredAt": "2126-01-02T02:04:05Z",
            },
        }
    ]


def test_the_delivery_id_goes_out_as_the_idempotency_key(events: Events) -> None:
    events.apply("checkout", SPEC)
    found = events.until("checkout", "Delivered")
    (event,) = events.sent()
    assert event["idempotencyKey"] == found["status"]["delivery"]["id"]


def test_a_scope_of_the_whole_account_leaves_the_scope_out(events: Events) -> None:
    events.apply("wide", {**SPEC, "scope": {"level": "Account"}})
    found = events.until("wide", "Delivered")
    (body,) = bodies(events)
    assert "scope" not in body
    assert found["status"]["resolved"]["reach"] == "ALL services of the account"


def test_kubectl_get_shows_what_a_person_needs(events: Events) -> None:
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    header, row = events.kubectl("get", "cev").splitlines()
    assert header.split() == ["NAME", "TYPE", "SEVERITY", "STATE", "REASON", "AGE"]
    assert re.fullmatch(r"checkout +release +Info +Delivered +Delivered +\d+s", row)

    header, row = events.kubectl("get", "cev", "-o", "wide").splitlines()
    assert header.split()[6:] == ["REACH", "ATTEMPTS", "SERVICES", "DELIVERED", "MESSAGE"]
    assert f"ALL services, namespace {events.namespace}, cluster prod-eu-1" in row
    assert row.endswith("Delivered at the first attempt.")


def test_kubectl_wait_returns_when_it_is_delivered(events: Events) -> None:
    events.apply("checkout", SPEC)
    waited = events.kubectl("wait", "--for=condition=Delivered", "cev/checkout", "--timeout=20s")
    assert waited == "customevent.customevents.dev/checkout condition met\n"


def test_nothing_but_the_status_is_ever_written(events: Events) -> None:
    metadata = {
        "labels": {"team": "shop"},
        "annotations": {"example.com/note": "kept"},
        "finalizers": ["example.com/mine"],
    }
    events.create("kept", SPEC, **metadata)
    found = events.until("kept", "Delivered")

    assert found["metadata"]["generation"] == 1
    assert {name: found["metadata"][name] for name in metadata} == metadata
    assert found["spec"] == {**SPEC, "severity": "Info"}
    written = json.loads(events.kubectl("get", "cev/kept", "-o", "json", "--show-managed-fields"))
    fields = written["metadata"]["managedFields"]
    ours = [entry for entry in fields if entry["manager"] != "kubectl-create"]
    assert [entry["subresource"] for entry in ours] == ["status"]
    events.kubectl("patch", "cev", "kept", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')


def test_an_edit_after_delivery_is_a_new_event(events: Events) -> None:
    events.apply("checkout", SPEC)
    first = events.until("checkout", "Delivered")
    events.apply("checkout", {**SPEC, "summary": "checkout 1.4.3 is live"})
    second = events.until("checkout", "Delivered", generation=2)

    assert [body["summary"] for body in bodies(events)] == [
        "checkout 1.4.2 is live",
        "checkout 1.4.3 is live",
    ]
    assert second["status"]["delivery"]["sequence"] == 2
    assert second["status"]["delivery"]["id"] != first["status"]["delivery"]["id"]


def test_an_edit_that_is_not_content_is_stamped_and_not_sent(events: Events) -> None:
    events.apply("checkout", SPEC)
    first = events.until("checkout", "Delivered")
    events.apply("checkout", {**SPEC, "ttlSecondsAfterFinished": 4000, "suspend": True})
    second = events.until("checkout", "Delivered", generation=2)

    assert second["status"]["delivery"] == first["status"]["delivery"]
    assert len(bodies(events)) == 1


def test_the_resend_annotation_sends_again_and_its_removal_does_not(events: Events) -> None:
    events.apply("checkout", SPEC)
    first = events.until("checkout", "Delivered")
    events.kubectl("annotate", "cev", "checkout", "customevents.dev/resend=1")
    events.kubectl(
        "wait", "cev/checkout", "--for=jsonpath={.status.delivery.resend}=1", "--timeout=20s"
    )
    events.kubectl("annotate", "cev", "checkout", "customevents.dev/resend-")
    events.apply("marker", {**SPEC, "summary": "sent after the removal"})
    events.until("marker", "Delivered")

    summaries = [body["summary"] for body in bodies(events)]
    assert summaries == [SPEC["summary"], SPEC["summary"], "sent after the removal"]
    assert events.get("checkout")["status"]["delivery"]["id"] != first["status"]["delivery"]["id"]


def test_a_suspended_event_shows_what_would_be_sent_and_goes_out_when_released(
    events: Events,
) -> None:
    events.apply("dry", {**SPEC, "suspend": True})
    shown = events.until("dry", "Suspended")
    assert shown["status"]["resolved"]["clusters"] == ["prod-eu-1"]
    assert bodies(events) == []

    events.apply("dry", {**SPEC, "suspend": False})
    events.until("dry", "Delivered", generation=2)
    assert len(bodies(events)) == 1
