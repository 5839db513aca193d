"""One object in trouble: the others of its namespace go on, and nothing is sent twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from customevents import sandbox
from customevents.delivery.results import LATE
from integration.conftest import Events, Shell, StartOperator
from operator_process import eventually
from proxy import Answer, ApiProxy, RawAnswer, Rule

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
HELD = {"finalizers": ["example.com/hold"]}
STATUS = r"/customevents/odd/status"


@pytest.fixture
def let_go(events: Events) -> Iterator[Callable[[str], None]]:
    """Takes the finalizer off an object, so that it can go; at the end, off all of them."""

    def go(name: str) -> None:
        patch = '[{"op": "remove", "path": "/metadata/finalizers"}]'
        events.kubectl("patch", "cev", name, "--type=json", "-p", patch)

    yield go
    for item in json.loads(events.kubectl("get", "cev", "-o", "json"))["items"]:
        if item["metadata"].get("finalizers"):
            go(item["metadata"]["name"])


# --- A status that is refused for one object alone


@contextmanager
def refused(events: Events, condition: str) -> Iterator[None]:
    """A policy refuses the status of some objects of this namespace, as invalid."""
    name = events.namespace
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["customevents.dev"],
                        "apiVersions": ["*"],
                        "operations": ["UPDATE"],
                        "resources": ["customevents/status"],
                    }
                ]
            },
            "validations": [{"expression": condition, "reason": "Invalid"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}
            },
        },
    }
    both = json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, binding]})
    events.cluster.kubectl("create", "-f", "-", input=both)
    try:
        yield
    finally:
        events.cluster.kubectl("delete", "-f", "-", input=both)


def is_refused(events: Events, name: str) -> bool:
    args = ("patch", "cev", name, "--subresource=status", "--type=merge", "--dry-run=server")
    patch = '{"status": {"delivery": {"attempts": 7}}}'
    done = events.cluster.kubectl("-n", events.namespace, *args, "-p", patch, check=False)
    return done.returncode != 0


def test_an_object_whose_status_is_refused_waits_alone_and_is_sent_once(
    events: Events, start_operator: StartOperator
) -> None:
    events.apply("odd", SPEC)
    with refused(events, "object.metadata.name != 'odd'"):
        eventually("the policy works", lambda: is_refused(events, "odd") or None)
        first = start_operator()
        eventually("it is sent", lambda: events.sent() or None)
        eventually("it is told", lambda: "odd: its result cannot be written" in first.log or None)
        events.apply("checkout", {**SPEC, "summary": "another"})
        events.until("checkout", "Delivered")
        begun = time.monotonic()
        assert first.terminate() == 0
        assert time.monotonic() - begun < 5.0, first.log
        assert first.log.count(f"{events.namespace}/odd: ") == 1, "once, and not for each try"

        second = start_operator()
        events.apply("later", {**SPEC, "summary": "later"})
        events.until("later", "Delivered")
        assert len(events.sent()) == 3
        assert second.process.poll() is None
    eventually("the policy is gone", lambda: not is_refused(events, "odd") or None)
    found = events.until("odd", "Delivered")
    assert found["status"]["delivery"]["unknownOutcomes"] == 1
    assert len(events.sent()) == 4


def test_an_object_that_has_no_room_for_its_result_holds_up_nobody(
    events: Events, start_operator: StartOperator
) -> None:
    """It is as large as etcd takes it."""
    labels = {f"l{number}.example.com/{'a' * 50}": "v" * 60 for number in range(10_500)}

    def is_taken(pad: int) -> bool:
        manifest = events.manifest("odd", SPEC, labels=labels, annotations={"pad": "x" * pad})
        create = ("create", "-f", "-")
        return events.cluster.kubectl(*create, input=manifest, check=False).returncode == 0

    fits, too_large = 0, 250_000
    while too_large - fits > 128:
        pad = (fits + too_large) // 2
        if is_taken(pad):
            fits = pad
            events.kubectl("delete", "cev", "odd")
        else:
            too_large = pad
    assert is_taken(fits)

    running = start_operator()
    eventually("it is sent", lambda: events.sent() or None)
    eventually("it is told", lambda: "odd: " in running.log or None)
    events.apply("checkout", {**SPEC, "summary": "another"})
    events.until("checkout", "Delivered")
    time.sleep(LATE)  # the namespace would wait from then on
    events.apply("later", {**SPEC, "summary": "later"})
    events.until("later", "Delivered")
    assert len(events.sent()) == 3


# --- An answer that is not the object's own


#: As an API server says that an object is gone; here it is not.
NAMES_IT = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "NotFound",
    "message": 'customevents.customevents.dev "odd" not found',
    "details": {"name": "odd", "group": "customevents.dev", "kind": "customevents"},
    "code": 404,
}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, message="no such page"),
        RawAnswer(404, "application/json", json.dumps(NAMES_IT)),
    ],
    ids=["of no object", "of this object"],
)
def test_a_404_in_answer_to_a_write_costs_no_second_post(
    events: Events, proxy: ApiProxy, start_operator: StartOperator, answer: Answer | RawAnswer
) -> None:
    lost = proxy.add(Rule("PATCH", STATUS, answer, count=3))
    start_operator(kubeconfig=proxy.kubeconfig)
    events.apply("odd", SPEC)
    found = events.until("odd", "Delivered")
    assert lost.hits == 3
    assert found["status"]["delivery"]["attempts"] == 1
    assert len(events.sent()) == 1


# --- An object that is being deleted


@pytest.mark.usefixtures("let_go")
def test_a_deleted_event_that_a_finalizer_keeps_is_not_sent(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator()
    events.create("quiet", {**SPEC, "suspend": True}, **HELD)
    events.until("quiet", "Suspended")
    events.create("told", {**SPEC, "summary": "told"}, **HELD)
    events.until("told", "Delivered")
    for name in ("quiet", "told"):
        events.kubectl("delete", "cev", name, "--wait=false")
    edit(events, "quiet", suspend=False)
    edit(events, "told", summary="told otherwise")
    events.kubectl("annotate", "cev", "told", "customevents.dev/resend=again")

    events.apply("marker", {**SPEC, "summary": "marker"})
    events.until("marker", "Delivered")
    assert [event["body"]["summary"] for event in events.sent()] == ["told", "marker"]
    assert events.get("quiet")["status"]["delivery"]["state"] == "Suspended"
    waited = customevents("wait", "quiet", "--timeout", "20")
    assert waited.returncode == 1
    assert "quiet is Suspended (being deleted, so nothing more of it is sent)" in waited.stdout


def test_what_was_deleted_while_the_operator_was_away_is_not_sent_either(
    events: Events, start_operator: StartOperator, let_go: Callable[[str], None]
) -> None:
    events.create("held", SPEC, **HELD)
    events.kubectl("delete", "cev", "held", "--wait=false")
    running = start_operator()
    events.apply("marker", {**SPEC, "summary": "marker"})
    events.until("marker", "Delivered")
    assert [event["body"]["summary"] for event in events.sent()] == ["marker"]
    assert events.get("held")["status"]["delivery"]["state"] == "Pending"
    let_go("held")
    assert running.process.poll() is None


@pytest.mark.usefixtures("let_go")
def test_the_result_of_an_attempt_under_way_is_recorded_on_it(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    timeline.call("PUT", "/sandbox/faults", {"delaySeconds": 1.0})
    events.create("held", SPEC, **HELD)
    eventually("the attempt is under way", lambda: events.in_flight("held") or None)
    events.kubectl("delete", "cev", "held", "--wait=false")

    def recorded() -> dict[str, Any] | None:
        found = events.get("held")
        return found if found["status"]["delivery"]["state"] == "Delivered" else None

    found = eventually("its result is recorded", recorded)
    assert found["metadata"]["deletionTimestamp"]
    assert found["metadata"]["generation"] == 2
    assert len(events.sent()) == 1


def edit(events: Events, name: str, **fields: object) -> None:
    patch = json.dumps({"spec": fields})
    events.kubectl("patch", "cev", name, "--type=merge", "-p", patch)
