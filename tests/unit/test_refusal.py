"""What is shown of a refusal: names of what we have sent, and nothing of the server's own."""

from __future__ import annotations

import gzip
import json
from base64 import b32encode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customevents.delivery.outcome import classify
from customevents.delivery.state import Verdict
from customevents.eventsapi import refusal
from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.eventsapi.refusal import Refusal
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.resource.status import DeliveryRecord
from unit.builders import NOW, after
from unit.poster import CANARY
from unit.raw_server import Connection, serving

SENT: dict[str, Any] = {
    "eventType": "release",
    "summary": "checkout 1.4.2 is live",
    "severity": "information",
    "scope": {"clusters": ["prod-eu-1"], "servicesNames": ["checkout"]},
    "details": {"commit": "deadbeef", "eventType.secret": "a"},
}
ID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


DELIVERY = "9b2f6c1e-7d0a-5e4b-8c3d-2a1f0e9d8c7b"


def read(answer: Any, sent: dict[str, Any] = SENT) -> Refusal:
    return look(json.dumps(answer).encode(), sent)


def look(answer: bytes, sent: dict[str, Any] = SENT) -> Refusal:
    return refusal.read(answer, sent, key=CANARY, delivery_id=DELIVERY)


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
        (first("body.eventType is long"), ["eventType"], ""),
        (first("each.scope.clusters.0 is unknown"), ["scope.clusters"], ""),
        (first("eventType,severity are wrong"), ["eventType", "severity"], ""),
        (first('"eventType" and (summary): both'), ["eventType", "summary"], ""),
        (first("eventTypes, my-summary, summary_2, résumésummary"), [], ""),
        (second("/scope/clusters/0"), ["scope.clusters"], ID),
        (second("scope[clusters][0]"), ["scope.clusters"], ID),
        (second("details.eventType", "details['summary']", "/details/severity"), ["details"], ID),
        (second("details.a secret, or the summary"), ["details"], ID),
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


def encoded(before: str, encode: Callable[[bytes], bytes]) -> str:
    """The key behind something else, in an encoding of letters and digits."""
    return encode(f"{before}{CANARY}".encode()).decode().strip("=")


@pytest.mark.parametrize(
    "request_id",
    [
        CANARY,
        CANARY[::-1],
        CANARY.upper(),
        CANARY[3:-3],
        f"a{CANARY}",
        f"{CANARY[:10]}-and-more",
        f"more-{CANARY[4:].upper()}",
        f"more-{CANARY[::-1][:12]}",
        CANARY.encode().hex(),
        CANARY.encode().hex().upper()[3:],
        *(encoded(before, b64encode) for before in ("", "x", "xx")),
        *(encoded(before, b32encode) for before in ("", "x", "xx", "xxx", "xxxx")),
        "-----5----",
        DELIVERY,
        DELIVERY.replace("-", "").upper(),
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
    "the same key twice": b'{"message": "summary", "message": 1}',
    "another encoding": json.dumps({"message": "passwort"}).encode("utf-32"),
    "a flood": b'{"message": ["eventType", ' + b'"",' * 1_000_000 + b'""]}',
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
    assert look(answer) == Refusal()


def test_what_is_longer_than_any_refusal_is_not_read() -> None:
    assert read(second(*["nothing"] * 10_000, "eventType")) == Refusal()
    assert read(first("x" * 20_000 + " eventType")) == Refusal()
    many = read(second(*["summary", "eventType"] * 100))
    assert many == Refusal(("eventType", "summary"), ID)


@pytest.mark.parametrize("around", ["\x1b", "\u202e", "<b>", "\r\n\t\0", "\u2028", "\ud800"])
def test_what_stands_around_a_name_is_not_shown(around: str) -> None:
    found = read(second(f"{around}eventType{around}", message=f"{around}{around}summary{around}"))
    assert found.words == f": eventType, summary; request {ID}"


def test_a_long_event_type_is_said_whatever_the_answer_says() -> None:
    sent = {**SENT, "eventType": "x" * 31}
    assert "more than 30 characters" in look(b"", sent).hint
    assert look(b"", {**SENT, "eventType": "x" * 30}).hint == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([*SENT, ID, CANARY]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "message", "fieldErrors", "field", "requestID"]), inner
        )
    ),
)


WORDS = st.sampled_from([*SENT, "scope.clusters", "details.commit", "password", CANARY]) | st.text()
REFUSALS = st.lists(WORDS).map(lambda words: first(*words)) | st.builds(
    second, WORDS, WORDS, message=WORDS, request=WORDS | st.sampled_from([ID, DELIVERY])
)
ANSWERS = st.binary() | (JSON | REFUSALS).map(lambda found: json.dumps(found).encode())


@given(answer=ANSWERS)
def test_whatever_is_answered_only_what_is_known_is_shown(answer: bytes) -> None:
    found = look(answer)
    assert set(found.fields) <= {*SENT, "scope.clusters", "scope.servicesNames"}
    assert CANARY not in f"{found.words}{found.hint}"
    assert found.words.isprintable()


@settings(max_examples=300)  # enough that each of these statuses meets a refusal that names much
@given(
    status=st.sampled_from([400, 401, 409, 422, 429, 503]) | st.integers(100, 999),
    retry_after=st.none() | st.sampled_from(["1", "soon", "9999"]),
    answer=ANSWERS,
    policy=st.sampled_from(UnknownOutcomePolicy),
    sent=st.sampled_from([SENT, {**SENT, "eventType": "x" * 31}]),
)
def test_what_is_shown_decides_nothing(
    status: int,
    retry_after: str | None,
    answer: bytes,
    policy: UnknownOutcomePolicy,
    sent: dict[str, Any],
) -> None:
    plain = Answer(status, retry_after)
    told = Answer(status, retry_after, look(answer, sent))
    assert classify(told, NOW) == classify(plain, NOW)
    assert decided(told, policy) == decided(plain, policy)


def judge(answer: Answer, policy: UnknownOutcomePolicy = UnknownOutcomePolicy.RETRY) -> Verdict:
    return after(DeliveryRecord(id="5e0c"), classify(answer, NOW), policy=policy, pause=0.0)


def decided(answer: Answer, policy: UnknownOutcomePolicy) -> tuple[DeliveryRecord, str, str]:
    """What follows an answer, apart from what is shown of it."""
    verdict = judge(answer, policy)
    last = verdict.record.last_outcome
    assert last is not None
    plain = replace(last, fields=None, request_id=None)
    record = replace(verdict.record, last_outcome=plain)
    return record, verdict.reason, verdict.warning


@pytest.mark.parametrize(
    ("status", "shown"), [(400, True), (403, False), (409, False), (429, False), (503, False)]
)
def test_what_is_no_refusal_for_good_names_nothing(status: int, shown: bool) -> None:
    answer = Answer(status, refusal=Refusal(("eventType",), ID))
    verdict = judge(answer)
    last = verdict.record.last_outcome
    assert last is not None
    assert (last.fields, last.request_id) == ((("eventType",), ID) if shown else (None, None))
    assert (ID in verdict.message) == shown


@pytest.mark.parametrize(("status", "said"), [(400, True), (422, True), (413, False), (415, False)])
def test_a_long_event_type_is_said_where_the_content_is_refused(status: int, said: bool) -> None:
    found = look(b"", {**SENT, "eventType": "x" * 31})
    verdict = judge(Answer(status, refusal=found))
    hint = (
        ". Its eventType has more than 30 characters, which the API's OpenAPI document does not "
        "allow"
    )
    assert verdict.message == (
        f"The events API refused this event for good (HTTP {status}){hint if said else ''}; "
        "edit it, or resend it"
    )


PACKED = {
    "a refusal": gzip.compress(json.dumps(first("eventType")).encode()),
    "a bomb": gzip.compress(b" " * 10_000_000),
}


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


@pytest.mark.asyncio
@pytest.mark.parametrize("body", PACKED.values(), ids=PACKED)
async def test_what_comes_packed_is_not_unpacked(key: KeyFile, body: bytes) -> None:
    head = f"HTTP/1.1 400 no\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"

    async def pack(connection: Connection) -> None:
        await connection.request()
        await connection.send(head.encode() + body)

    async with serving(pack) as server, EventsClient(server_url(server.port), key) as api:
        result = await api.post(SENT, DELIVERY)
    assert not isinstance(result, NoAnswer)
    assert (result.status, result.refusal) == (400, Refusal())
