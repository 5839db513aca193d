"""What is shown of a refusal: names of what we have sent, and nothing of the server's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.delivery.outcome import asked_pause, classify
from customevents.eventsapi import refusal
from customevents.eventsapi.client import Answer, EventsClient, NoAnswer
from customevents.eventsapi.key import KeyFile
from customevents.eventsapi.refusal import Refusal
from unit.builders import NOW
from unit.posting import CANARY
from unit.raw_server import Connection, serving

SENT: dict[str, Any] = {
    "eventType": "release",
    "summary": "checkout 1.4.2 is live",
    "severity": "information",
    "scope": {"clusters": ["prod-eu-1"], "servicesNames": ["checkout"]},
    "details": {"commit": "deadbeef", "eventType.secret": "a"},
}
ID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


def read(answer: Any, sent: dict[str, Any] = SENT) -> Refusal:
    return refusal.read(json.dumps(answer).encode(), sent, CANARY)


def first(*messages: str) -> dict[str, Any]:
    return {"statusCode": 400, "message": list(messages), "error": "Bad Request"}


def second(*fields: str, message: str = "", request: Any = ID) -> dict[str, Any]:
    errors = [{"field": field, "message": "is wrong"} for field in fields]
    return {"error": {"message": message, "requestID": request, "fieldErrors": errors}}


@pytest.mark.parametrize(
    ("answer", "fields", "request_id"),
    [
        (first("eventType must be shorter than or equal to 30 characters"), ["eventType"], ""),
        (first("scope.clusters must be an array"), ["scope.clusters"], ""),
        (first("clusters must be known"), ["scope.clusters"], ""),
        (first("summary is long", "severity is none"), ["summary", "severity"], ""),
        ({"message": "eventType is required"}, ["eventType"], ""),
        (first("details.commit must be a string"), ["details"], ""),
        (first("each value in scope.servicesNames must be known"), ["scope.servicesNames"], ""),
        (second("eventType", "summary"), ["eventType", "summary"], ID),
        (second("scope.clusters"), ["scope.clusters"], ID),
        (second("scope.namespaces"), ["scope"], ID),
        (second(message="the eventType is unknown"), ["eventType"], ID),
        (second("details.commit"), ["details"], ID),
        (second(), [], ID),
        (first("namespaces must be given"), [], ""),
    ],
)
def test_the_fields_that_it_names_are_those_that_were_sent(
    answer: Any, fields: list[str], request_id: str
) -> None:
    found = read(answer)
    assert (list(found.fields), found.request_id) == (fields, request_id)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Refusal(), ""),
        (Refusal(("eventType",)), ": eventType"),
        (Refusal(("eventType", "scope.clusters"), "3f"), ": eventType, scope.clusters; request 3f"),
        (Refusal((), "3f"), "; request 3f"),
    ],
)
def test_it_is_read_behind_the_status(found: Refusal, words: str) -> None:
    assert found.words == words


@pytest.mark.parametrize(
    "request_id",
    [
        CANARY,
        CANARY[::-1],
        CANARY.upper(),
        CANARY[3:-3],
        f"a{CANARY}",
        "deadbeef",
        "DEAD-BEEF",
        "prod-eu-1",
        "a\nb-------",
        "<b>-----</b>",
        "x" * 65,
        "short",
        "",
        7,
        None,
        [ID],
        {"a": ID},
    ],
)
def test_a_request_is_not_called_by_what_we_sent_or_by_what_is_no_name(request_id: Any) -> None:
    assert read(second("eventType", request=request_id)) == Refusal(("eventType",))


HOSTILE = {
    "nothing": b"",
    "a page": b"<html>eventType</html>",
    "no UTF-8": b'{"message": "\xff"}',
    "deep": b'{"message": ' + b"[" * 8000,
    "deep and whole": b'{"message": ' + b"[" * 8000 + b"]" * 8000 + b"}",
    "a number": b"1" * 5000,
    "not a number": b'{"message": NaN, "error": Infinity}',
    "a list": b'["eventType"]',
    "null": b"null",
    "cut off": b'{"message": "eventType',
    "packed": b"\x1f\x8b\x08\x00eventType",
    "control characters": json.dumps({"message": "\x1b[31m\u202edetails"[:7]}).encode(),
    "a key of its own": json.dumps(first("password must be", CANARY)).encode(),
    "wrong types": json.dumps(
        {"message": {"eventType": 1}, "error": {"fieldErrors": {"field": "summary"}}}
    ).encode(),
    "more wrong types": json.dumps(
        {"error": {"fieldErrors": [1, None, ["summary"], {"field": 7}], "message": ["summary"]}}
    ).encode(),
    "an error that is a text": json.dumps({"error": "summary"}).encode(),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_refusal_of_this_api_says_nothing(answer: bytes) -> None:
    assert refusal.read(answer, SENT, CANARY) == Refusal()


def test_many_errors_are_read_as_far_as_anybody_would() -> None:
    flood = second(*["nothing"] * 10_000, "eventType")
    assert read(flood).fields == ()
    assert read(first(*["nothing"] * 10_000, "eventType")).fields == ()
    assert read(first("x" * 10_000 + " eventType")).fields == ()


def test_a_long_event_type_is_said_whatever_the_answer_says() -> None:
    sent = {**SENT, "eventType": "x" * 31}
    assert "more than 30 characters" in refusal.read(b"", sent, CANARY).hint
    assert refusal.read(b"", {**SENT, "eventType": "x" * 30}, CANARY).hint == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([*SENT, ID, CANARY]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "message", "fieldErrors", "field", "requestID"]), inner
        )
    ),
)


@given(answer=st.binary() | JSON.map(lambda found: json.dumps(found).encode()))
def test_whatever_is_answered_only_what_is_known_is_shown(answer: bytes) -> None:
    found = refusal.read(answer, SENT, CANARY)
    assert set(found.fields) <= {*SENT, "scope.clusters", "scope.servicesNames"}
    assert CANARY not in f"{found.words}{found.hint}"
    assert found.words.isprintable()


@given(
    status=st.integers(100, 999),
    retry_after=st.none() | st.sampled_from(["1", "soon", "9999"]),
    answer=st.binary() | JSON.map(lambda found: json.dumps(found).encode()),
)
def test_what_is_shown_decides_nothing(status: int, retry_after: str | None, answer: bytes) -> None:
    plain = Answer(status, retry_after)
    told = Answer(status, retry_after, refusal.read(answer, SENT, CANARY))
    assert classify(told) == classify(plain)
    assert asked_pause(told, NOW) == asked_pause(plain, NOW)


@pytest.mark.asyncio
async def test_a_refusal_comes_with_the_answer_also_where_the_key_is_gone_by_then(
    key: KeyFile,
) -> None:
    body = json.dumps(second("eventType", message=CANARY)).encode()

    async def refuse(connection: Connection) -> None:
        asked = await connection.request()
        assert b"accept-encoding: identity\r\n" in asked.lower()
        key.path.unlink()
        head = f"HTTP/1.1 400 {CANARY}\r\nContent-Length: {len(body)}\r\n\r\n"
        await connection.send(head.encode() + body)

    async with serving(refuse) as server, EventsClient(server_url(server.port), key) as api:
        result = await api.post(SENT, "5e0c")
    assert not isinstance(result, NoAnswer)
    assert (result.status, result.refusal) == (400, Refusal(("eventType",), ID))


def server_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
