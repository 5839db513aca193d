"""What is believed of an answer of the Kubernetes API, and what did not come from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customevents import answers
from customevents.answers import LONGEST_RETRY_AFTER, Asked, Response
from customevents.resource.errors import ClusterError, Conflict, Gone, NoSuchKind, StatusRefused

EVENT = "/apis/customevents.dev/v1alpha1/namespaces/shop/customevents/checkout"
ASKED = Asked("customevents.dev", "customevents", "checkout")
EVENTS = Asked("customevents.dev", "customevents")
PAGE = b"<html><body>\r\n\x1b[31m<h1>404</h1>" + b"x" * 100_000

#: Bodies that no API server sends, whatever the status.
STRANGE = {
    "a page": PAGE,
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "a list": b"[]",
    "a text": b'"gone"',
    "null": b"null",
    "deeper than any stack": b"[" * 100_000,
    "a number of 5,000 digits": b"9" * 5_000,
    "half of an object": b'{"kind": "Status", "reas',
    "no kind": b"{}",
    "a kind that is none": b'{"kind": ["Status"]}',
}


def status(code: int, reason: str = "", **more: Any) -> Response:
    """A refusal as the API server words it."""
    body = {"kind": "Status", "message": "no", "reason": reason, "code": code, **more}
    return Response(code, json.dumps(body).encode())


def refused(answer: Response, asked: Asked = ASKED, *, of_patch: bool = False) -> ClusterError:
    return answers.refused(asked, answer, of_patch=of_patch)


def stored(**more: Any) -> dict[str, Any]:
    metadata = {"name": "checkout", "uid": "1", "resourceVersion": "2"}
    return {"kind": "CustomEvent", "metadata": metadata, **more}


def read(found: Any, asked: Asked = ASKED, kind: str = "") -> dict[str, Any]:
    answer = Response(200, json.dumps(found).encode())
    return answers.read(asked, answer, of_one=True, kind=kind)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (EVENT, ASKED),
        (f"{EVENT}/status", ASKED),
        (f"{EVENT}?fieldManager=customevents", ASKED),
        ("/apis/customevents.dev/v1alpha1/customevents?limit=500", EVENTS),
        ("/apis/customevents.dev/v1alpha1/namespaces/shop/customevents", EVENTS),
        ("/api/v1/nodes?limit=1", Asked("", "nodes")),
        ("/api/v1/namespaces/shop", Asked("", "namespaces", "shop")),
        ("/api/v1/namespaces/shop/configmaps/x", Asked("", "configmaps", "x")),
        ("/version", Asked()),
    ],
)
def test_a_path_says_what_is_asked_for(path: str, asked: Asked) -> None:
    assert answers.asked(path) == asked


# --- Gone


def test_gone_is_what_the_api_server_says_of_that_very_object() -> None:
    details = {"name": "checkout", "group": "customevents.dev", "kind": "customevents"}
    assert isinstance(refused(status(404, "NotFound", details=details)), Gone)
    assert isinstance(refused(status(404, "NotFound", details={"name": "checkout"})), Gone)


@pytest.mark.parametrize(
    "details",
    [
        {"name": "another", "group": "customevents.dev", "kind": "customevents"},
        {"name": "checkout", "group": "customevents.dev", "kind": "others"},
        {"name": "checkout", "group": "apps", "kind": "customevents"},
        {"name": "shop", "kind": "namespaces"},
        {"name": ["checkout"]},
        {},
        None,
        "checkout",
    ],
)
def test_a_404_of_anything_else_is_not(details: Any) -> None:
    error = refused(status(404, "NotFound", details=details))
    assert not isinstance(error, Gone)
    assert error.status == 404


def test_a_404_with_another_reason_is_not() -> None:
    assert type(refused(status(404, "Forbidden", details={"name": "checkout"}))) is ClusterError


def test_nobody_is_gone_from_a_list() -> None:
    error = refused(status(404, "NotFound", details={"name": "", "kind": "customevents"}), EVENTS)
    assert type(error) is ClusterError


@pytest.mark.parametrize(
    "answer", [Response(404, b"404 page not found\n"), status(404, "NotFound", details={})]
)
def test_a_kind_that_is_not_served_is_no_such_kind(answer: Response) -> None:
    assert isinstance(refused(answer), NoSuchKind)
    assert "customevents.customevents.dev" in str(refused(answer))
    assert "is its CustomResourceDefinition there" in str(refused(answer))


# --- All other refusals


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("code", [401, 404, 409, 422, 429, 502])
def test_a_refusal_of_something_in_between_is_just_that(code: int, body: bytes) -> None:
    error = refused(Response(code, body, "3"), of_patch=True)
    assert type(error) is ClusterError
    assert (error.status, error.retry_after) == (code, 3.0)
    words = str(error)
    assert "is something in between?" in words
    assert len(words) < 500
    assert words.isprintable()


def test_a_conflict_is_a_409_or_a_failed_test_of_a_json_patch() -> None:
    assert isinstance(refused(status(409, "Conflict")), Conflict)
    assert isinstance(refused(status(422, "Invalid", details={}), of_patch=True), Conflict)
    assert type(refused(status(422, "Invalid", details={}))) is ClusterError


@pytest.mark.parametrize("details", [None, [], "x", {"causes": None}, {"causes": []}])
def test_a_422_with_odd_details_names_no_field(details: Any) -> None:
    assert isinstance(refused(status(422, details=details), of_patch=True), Conflict)


def test_a_422_that_names_a_field_is_a_status_refused() -> None:
    details = {"causes": [{"field": "status"}]}
    assert isinstance(refused(status(422, details=details), of_patch=True), StatusRefused)


def test_an_object_that_the_store_cannot_hold_is_refused_for_its_size() -> None:
    """As the API server says it: with 500, as if another try could help."""
    large = status(500, message="etcdserver: request is too large")
    of_patch = refused(large, of_patch=True)
    assert isinstance(of_patch, StatusRefused)
    assert (of_patch.status, refused(large).status) == (413, 413)
    assert refused(status(500, message="etcdserver: no leader"), of_patch=True).status == 500


@pytest.mark.parametrize("message", ["x\n\t\x00\x1b[0my" * 1000, "\ud800", 5, None, ["x"], {}])
def test_a_message_is_one_plain_short_line(message: Any) -> None:
    words = str(refused(status(500, message=message)))
    assert words.isprintable()
    assert words.encode()
    assert len(words) < 400


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("3600", LONGEST_RETRY_AFTER),
        ("9" * 250, LONGEST_RETRY_AFTER),
        ("9" * 5_000, 0.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("1e400", 0.0),
        ("\u0663", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_read_in_seconds_within_bounds(header: str, seconds: float) -> None:
    answer = status(503)
    assert refused(Response(503, answer.body, header)).retry_after == seconds


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(4, 4.0), (10**9, LONGEST_RETRY_AFTER), (-4, 0.0), (True, 0.0), (None, 0.0), ([4], 0.0)],
)
def test_without_a_header_the_status_may_say_it(said: Any, seconds: float) -> None:
    assert refused(status(429, details={"retryAfterSeconds": said})).retry_after == seconds


# --- What looks like a success


def test_the_object_that_was_asked_for_is_read() -> None:
    assert read(stored(), kind="CustomEvent") == stored()


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("asked", [ASKED, EVENTS])
def test_a_success_of_something_in_between_is_none(body: bytes, asked: Asked) -> None:
    with pytest.raises(ClusterError, match="is something in between") as told:
        answers.read(asked, Response(200, body), of_one=True)
    assert str(told.value).isprintable()
    assert told.value.status == 0


@pytest.mark.parametrize(
    "found",
    [
        {**stored(), "kind": "Lease"},
        {**stored(), "metadata": None},
        {**stored(), "spec": ["x"]},
        {**stored(), "metadata": {"name": "another", "uid": "1", "resourceVersion": "2"}},
        {**stored(), "metadata": {"name": "checkout"}},
        {**stored(), "metadata": {"name": "checkout", "uid": 1, "resourceVersion": 2}},
        {"kind": "Status", "metadata": {}, "status": "Success"},
    ],
)
def test_another_object_than_the_one_that_was_asked_for_is_no_answer(found: Any) -> None:
    with pytest.raises(ClusterError):
        read(found, kind="CustomEvent")


def test_a_list_is_read_and_an_empty_one_may_be_null() -> None:
    page = {"kind": "CustomEventList", "metadata": {"continue": "next"}, "items": [stored()]}
    assert list(answers.metadata(read(page, EVENTS))) == [stored()["metadata"]]
    assert answers.more(read(page, EVENTS)) == "next"
    empty = {**page, "metadata": {}, "items": None}
    assert list(answers.metadata(read(empty, EVENTS))) == []
    assert answers.more(read(empty, EVENTS)) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"items": "none"},
        {"items": {}},
        {"items": ["x"]},
        {"items": [{}]},
        {"items": [{"metadata": None}]},
        {"metadata": None},
    ],
)
def test_a_list_of_another_form_is_no_answer(change: Any) -> None:
    page = {"kind": "CustomEventList", "metadata": {}, "items": []}
    with pytest.raises(ClusterError, match="is something in between"):
        read({**page, **change}, EVENTS)
    with pytest.raises(ClusterError):
        read({key: value for key, value in page.items() if key not in change}, EVENTS)


def test_a_token_that_is_none_ends_a_list() -> None:
    assert answers.more({"metadata": {"continue": 7}}) == ""


def test_what_is_no_object_of_the_api_may_have_no_kind() -> None:
    assert read({"gitVersion": "v1.37.2"}, Asked()) == {"gitVersion": "v1.37.2"}
