"""What a user meets when something is wrong: a clear answer, and an operator that goes on."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from customevents import sandbox
from integration.conftest import Events, StartOperator
from operator_process import eventually, probe

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


def condition(found: dict[str, Any]) -> tuple[str, str]:
    (delivered,) = found["status"]["conditions"]
    return delivered["reason"], delivered["message"]


def lose_one_answer(timeline: sandbox.Running, summary: str) -> None:
    """The next POST of this event is read, and then the connection is reset."""
    fault = {"drop": "afterReading", "count": 1, "match": {"summary": summary}}
    timeline.call("PUT", "/sandbox/faults", fault)


def test_a_wrong_key_is_named_and_the_events_go_out_once_it_is_right(
    events: Events, start_operator: StartOperator, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("not-the-test-key")
    running = start_operator(api_key_file=str(key_file))
    events.apply("checkout", SPEC)
    reason, message = condition(events.until("checkout", "Retrying"))
    # After its backoff, which may be short, it waits for the endpoint and says the same of it.
    assert reason in ("EndpointLevel", "EndpointPaused")
    assert "refused the key (HTTP 403); it must be a user's API key, not the agent's" in message

    key_file.write_text("test-key")
    events.until("checkout", "Delivered")
    assert "not-the-test-key" not in running.log


def test_kubectl_describe_shows_trouble_with_the_endpoint_on_the_lease(
    events: Events, start_operator: StartOperator, tmp_path: Path
) -> None:
    start_operator(api_key_file=str(tmp_path / "absent"))
    events.apply("checkout", SPEC)
    describe = ("describe", "lease", "customevents", "--namespace=customevents")
    eventually(
        "the Lease tells of the key",
        lambda: "cannot read the API key" in events.cluster.kubectl(*describe).stdout,
    )


def test_a_missing_key_file_is_named_and_counts_no_attempt(
    events: Events, start_operator: StartOperator, tmp_path: Path
) -> None:
    key_file = tmp_path / "absent"
    start_operator(api_key_file=str(key_file))
    events.apply("checkout", SPEC)
    found = eventually("the event says why", lambda: _with_reason(events, "NotSent"))
    assert str(key_file) in condition(found)[1]
    assert found["status"]["delivery"]["attempts"] == 0

    key_file.write_text("test-key")
    events.until("checkout", "Delivered")


def test_a_pipe_in_the_place_of_the_key_is_named_and_stops_nobody(
    events: Events, start_operator: StartOperator, tmp_path: Path
) -> None:
    key_file = tmp_path / "pipe"
    os.mkfifo(key_file)
    running = start_operator(api_key_file=str(key_file))
    events.apply("checkout", SPEC)
    found = eventually("the event says why", lambda: _with_reason(events, "NotSent"))
    assert f"{key_file} is a named pipe; it must be a regular file" in condition(found)[1]
    assert probe(running, "/healthz") == 200

    key_file.with_suffix(".new").write_text("test-key")
    key_file.with_suffix(".new").replace(key_file)
    events.until("checkout", "Delivered")


def test_an_endpoint_that_is_down_is_named_and_tried_again(
    events: Events, start_operator: StartOperator
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        start_operator(endpoint=f"http://{address}")
        events.apply("checkout", SPEC)
        found = events.until("checkout", "Retrying")
    assert condition(found) == (
        "NeverArrived",
        f"The events API could not be reached ({address}: Connection refused); it is tried again",
    )
    assert "nextAttemptTime" in found["status"]["delivery"]


def test_an_event_refused_for_good_fails_and_the_next_one_is_delivered(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    fault = {"status": 400, "body": "a text of the server", "match": {"summary": "refuse me"}}
    timeline.call("PUT", "/sandbox/faults", fault)
    events.apply("refused", {**SPEC, "summary": "refuse me"})
    reason, message = condition(events.until("refused", "Failed"))
    assert reason == "Refused"
    assert "HTTP 400" in message
    assert "a text of the server" not in message

    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")


def test_a_refusal_names_the_field_and_the_request(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    said = {"requestID": "3f2504e0-4f89", "fieldErrors": [{"field": "eventType", "message": "no"}]}
    fault = {"status": 400, "body": {"error": said}, "match": {"summary": "refuse me"}}
    timeline.call("PUT", "/sandbox/faults", fault)
    events.apply("refused", {**SPEC, "summary": "refuse me", "eventType": "x" * 31})
    found = events.until("refused", "Failed")
    assert condition(found)[1] == (
        "The events API refused this event for good (HTTP 400: eventType; request 3f2504e0-4f89). "
        "Its eventType has more than 30 characters, which the API's OpenAPI document does not "
        "allow; edit it, or resend it"
    )
    assert found["status"]["delivery"]["lastOutcome"] == {
        "class": "Refused",
        "code": 400,
        "fields": ["eventType"],
        "requestId": "3f2504e0-4f89",
    }


def test_a_lost_answer_is_counted_and_tried_again(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    lose_one_answer(timeline, "lost on the way back")
    events.apply("checkout", {**SPEC, "summary": "lost on the way back"})
    found = events.until("checkout", "Delivered")
    assert found["status"]["delivery"]["unknownOutcomes"] == 1
    assert found["status"]["delivery"]["attempts"] == 2
    assert "may be there twice" in condition(found)[1]


def test_with_hold_a_lost_answer_waits_for_a_person_who_resends(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    lose_one_answer(timeline, "held for a person")
    spec = {**SPEC, "summary": "held for a person", "onUnknownOutcome": "Hold"}
    events.apply("checkout", spec)
    reason, message = condition(events.until("checkout", "Held"))
    assert reason == "UnknownOutcome"
    assert "resend it" in message
    events.kubectl("annotate", "cev", "checkout", "customevents.dev/resend=yes")
    events.until("checkout", "Delivered")


def test_without_a_cluster_name_the_event_is_held_and_nothing_is_sent(
    events: Events, start_operator: StartOperator
) -> None:
    start_operator(cluster_name="")
    events.apply("checkout", SPEC)
    reason, message = condition(events.until("checkout", "Held"))
    assert reason == "ClusterNameUnknown"
    assert "--set clusterName=NAME" in message
    assert "CUSTOMEVENTS_CLUSTER_NAME=NAME" in message
    assert events.sent() == []


def test_past_its_deadline_an_event_expires_unsent(
    events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    events.apply("old", {**SPEC, "occurredAt": "2020-01-01T00:00:00Z"})
    reason, message = condition(events.until("old", "Expired"))
    assert reason == "DeadlineExceeded"
    assert "never tried" in message
    assert events.sent() == []


def _with_reason(events: Events, reason: str) -> dict[str, Any] | None:
    found = events.get("checkout")
    return found if condition(found)[0] == reason else None
