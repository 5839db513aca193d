"""What the sandbox does to requests when it is told to, seen from the client's end of the wire."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from customevents import sandbox
from customevents.sandbox import Running
from sandbox.sandbox_client import (
    EVENT,
    VALIDATE_PATH,
    answers,
    connect,
    events,
    eventually,
    fault,
    head,
    post,
    requests,
    send,
)

BODY = json.dumps(EVENT).encode()


@pytest.fixture
def api() -> Iterator[Running]:
    with sandbox.running() as running:
        yield running


def test_a_status_is_answered_in_place_of_the_real_one(api: Running) -> None:
    fault(api, status=503, retryAfter=7)
    reply = post(api)
    assert reply.status == 503
    assert reply.headers["Retry-After"] == "7"
    assert reply.json() == {
        "statusCode": 503,
        "message": ["the sandbox was told to answer 503"],
        "error": "Service Unavailable",
    }
    assert events(api) == []
    assert answers(api) == [503]


def test_a_status_without_a_name_can_be_answered(api: Running) -> None:
    fault(api, status=599)
    assert post(api).status == 599


def test_body_and_headers_can_be_anything(api: Running) -> None:
    fault(api, status=502, body="<html>", headers={"Content-Type": "text/html", "X-A": "b"})
    reply = post(api)
    assert (reply.body, reply.headers["X-A"]) == (b"<html>", "b")
    assert reply.headers["Content-Type"] == "text/html"
    fault(api, status=400, body={"error": {"code": "BAD"}}, retryAfter="yesterday")
    reply = post(api)
    assert reply.json() == {"error": {"code": "BAD"}}
    assert reply.headers["Retry-After"] == "yesterday"


@pytest.mark.parametrize(
    ("keys", "recorded"),
    [
        ({"status": 500}, False),
        ({"status": 500, "accept": True}, True),
        ({"status": 202}, True),
        ({"status": 201, "accept": False}, False),
        ({"delaySeconds": 0.01}, True),
        ({"body": "{"}, True),
        ({"redirect": "http://localhost/"}, False),
    ],
)
def test_an_event_is_recorded_when_a_2xx_is_meant_or_the_fault_says_so(
    api: Running, keys: dict[str, Any], recorded: bool
) -> None:
    fault(api, **keys)
    post(api)
    assert len(events(api)) == recorded
    assert requests(api)[0]["accepted"] is recorded


def test_a_fault_never_records_an_event_that_the_contract_refuses(api: Running) -> None:
    fault(api, status=201, accept=True)
    assert post(api, {"eventType": "a"}).status == 201
    assert events(api) == []
    assert requests(api)[0]["problems"] == ["summary is required"]


def test_the_answer_comes_no_earlier_than_its_delay(api: Running) -> None:
    fault(api, delaySeconds=0.3)
    started = time.monotonic()
    assert post(api).status == 201
    assert time.monotonic() - started >= 0.3


def test_an_event_is_on_record_while_its_answer_is_delayed(api: Running) -> None:
    fault(api, delaySeconds=60)
    with connect(api) as connection:
        connection.sendall(head(len(BODY)) + BODY)
        eventually(lambda: answers(api) == ["waiting"])
        assert len(events(api)) == 1
    eventually(lambda: answers(api) == ["abandoned"])


def test_a_hanging_request_is_never_answered_and_holds_up_no_other(api: Running) -> None:
    fault(api, hang=True, count=1)
    with connect(api) as connection:
        connection.sendall(head(len(BODY)) + BODY)
        eventually(lambda: answers(api) == ["waiting"])
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    eventually(lambda: answers(api) == ["abandoned"])
    assert post(api).status == 201
    assert len(events(api)) == 1


def test_dropping_before_reading_resets_without_waiting_for_the_body(api: Running) -> None:
    fault(api, drop="beforeReading")
    with connect(api) as connection:
        connection.sendall(head(len(BODY)))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    [request] = requests(api)
    assert (request["answered"], request["body"]) == ("dropped", "")


def test_dropping_after_reading_resets_when_the_body_is_complete(api: Running) -> None:
    fault(api, drop="afterReading", accept=True)
    with connect(api) as connection:
        connection.sendall(head(len(BODY)) + BODY[:-1])
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        connection.sendall(BODY[-1:])
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert answers(api) == ["dropped"]
    assert events(api)[0]["body"] == EVENT


@pytest.mark.parametrize(
    ("garbage", "line"), [(True, "SANDBOX 999 this is not HTTP"), ("ICY 200 OK", "ICY 200 OK")]
)
def test_garbage_is_no_http(api: Running, garbage: object, line: str) -> None:
    fault(api, garbage=garbage)
    with pytest.raises(http.client.BadStatusLine, match=line):
        post(api)
    assert answers(api) == ["garbage"]
    assert events(api) == []


@pytest.mark.parametrize(("status", "expected"), [(None, 307), (301, 301)])
def test_a_redirect_names_its_location(api: Running, status: int | None, expected: int) -> None:
    fault(api, redirect="http://localhost:1/elsewhere", status=status)
    reply = post(api)
    assert reply.status == expected
    assert reply.headers["Location"] == "http://localhost:1/elsewhere"


def test_an_oversize_body_is_as_large_as_told_and_still_json(api: Running) -> None:
    fault(api, oversizeBody=5_000_000)
    reply = post(api)
    assert (reply.status, len(reply.body)) == (201, 5_000_000)
    assert reply.json() == {"message": "Custom event sent successfully"}


@pytest.mark.parametrize("body", [None, "x"])
def test_a_slow_body_takes_its_time_after_the_status_line(api: Running, body: str | None) -> None:
    fault(api, slowBody=0.3, body=body)
    started = time.monotonic()  # a client that is held up itself reads the status line late
    with connect(api) as connection:
        connection.sendall(head(len(BODY)) + BODY)
        text = b""
        while not text.endswith(b"}" if body is None else b"\r\n\r\nx"):
            text += connection.recv(1000)
    assert time.monotonic() - started >= 0.3


def test_a_status_line_does_not_wait_for_its_slow_body(api: Running) -> None:
    fault(api, slowBody=60)
    with connect(api) as connection:
        connection.sendall(head(len(BODY)) + BODY)
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            text += connection.recv(1000)
        assert text.startswith(b"HTTP/1.1 201")
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_truncated_body_ends_before_its_length(api: Running) -> None:
    fault(api, truncateBody=True, oversizeBody=1000)
    with pytest.raises(http.client.IncompleteRead) as error:
        post(api)
    assert (len(error.value.partial), error.value.expected) == (500, 500)
    assert answers(api) == [201]
    assert len(events(api)) == 1


def test_a_status_that_has_no_body_is_sent_without_one(api: Running) -> None:
    fault(api, status=204)
    assert post(api).body == b""


def test_a_fault_ends_with_its_count(api: Running) -> None:
    fault(api, status=500, count=2)
    assert [post(api).status for _ in range(3)] == [500, 500, 201]


def test_faults_without_a_count_last_until_they_are_cleared(api: Running) -> None:
    fault(api, status=500)
    assert [post(api).status for _ in range(3)] == [500, 500, 500]
    api.call("DELETE", "/sandbox/faults")
    assert post(api).status == 201


def test_a_list_of_faults_is_met_in_its_order(api: Running) -> None:
    plan = [{"status": 500, "count": 1}, {"status": 429, "count": 2}, {"drop": "afterReading"}]
    api.call("PUT", "/sandbox/faults", plan)
    assert [post(api).status for _ in range(3)] == [500, 429, 429]
    with pytest.raises(ConnectionResetError):
        post(api)


def test_a_match_leaves_other_events_alone_and_uncounted(api: Running) -> None:
    fault(api, status=422, match={"summary": "unlucky"}, count=1)
    assert post(api, {**EVENT, "summary": "unlucky day"}).status == 201
    assert post(api, {**EVENT, "summary": "unlucky"}).status == 422
    assert post(api, {**EVENT, "summary": "unlucky"}).status == 201


def test_a_fault_behind_one_with_a_match_meets_the_others(api: Running) -> None:
    plan = [{"match": {"summary": "unlucky"}, "status": 422}, {"drop": "beforeReading"}]
    api.call("PUT", "/sandbox/faults", plan)
    assert post(api, {**EVENT, "summary": "unlucky"}).status == 422
    with pytest.raises(ConnectionResetError):
        post(api)


def test_a_fault_comes_before_the_key_is_looked_at(api: Running) -> None:
    fault(api, status=503)
    assert post(api, x_api_key="not-the-key").status == 503


def test_a_fault_is_for_the_path_that_it_names(api: Running) -> None:
    fault(api, target="validate", status=403)
    assert post(api).status == 201
    assert send(api, "GET", VALIDATE_PATH).status == 403
    fault(api, status=403)
    assert post(api).status == 403
    assert send(api, "GET", VALIDATE_PATH).status == 200
    fault(api, target="clusters", drop="beforeReading")
    with pytest.raises(ConnectionResetError):
        send(api, "GET", "/api/v2/clusters")


def test_what_is_in_force_can_be_read_with_what_is_left_of_it(api: Running) -> None:
    plan = [{"retryAfter": 3, "status": 429, "count": 3}, {"hang": True}]
    api.call("PUT", "/sandbox/faults", plan)
    post(api)
    assert api.call("GET", "/sandbox/faults") == {
        "faults": [{"retryAfter": 3, "status": 429, "count": 2}, {"hang": True}]
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"staus": 500}, "staus is not a known key"),
        ({"delay_seconds": 1}, "delay_seconds is not a known key"),
        ({"status": "500"}, "status must be a whole number"),
        ({"status": 600}, "status must be at most 599"),
        ({"count": 0}, "count must be at least 1"),
        ({"drop": "sometimes"}, "drop must be 'beforeReading' or 'afterReading'"),
        ({"match": {"summary": "a", "b": "c"}}, "match.b is not a known key"),
        ({"headers": {"A": "b\r\nC: d"}}, "headers.A must be what an HTTP header can hold"),
        ({"headers": {"Content-Length": "1"}}, "the body: headers must leave the framing alone"),
        ({"hang": True, "drop": "afterReading"}, "the body: hang and drop exclude each other"),
        ({"garbage": True, "status": 500}, "the body: with garbage there is no answer"),
        ({"drop": "beforeReading", "accept": True}, "the body: before reading, nothing is known"),
        ({"target": "validate", "accept": False}, "the body: a request to validate carries no"),
        ([{"status": 500}, {"status": 1}], "1.status must be at least 200"),
        ("hang", "the body"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_one_line(
    api: Running, given: object, problem: str
) -> None:
    fault(api, status=500)
    reply = send(api, "PUT", "/sandbox/faults", json.dumps(given).encode())
    assert reply.status == 400
    [message] = reply.json()["message"]
    assert message.startswith(problem)
    assert "\n" not in message
    assert post(api).status == 500  # what was in force still is


def test_a_connection_serves_on_after_a_spoilt_answer(api: Running) -> None:
    fault(api, status=500, count=1)
    with connect(api) as connection:
        for status in (b" 500 ", b" 201 "):
            connection.sendall(head(len(BODY)) + BODY)
            assert status in connection.recv(10_000)
