"""The sandbox's idea of a documented request, without any socket."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.sandbox.behaviour import Behaviour
from customevents.sandbox.contract import STRICT, Event, Rejection, advisory, judge

HEADERS = {"x-api-key": "test-key", "content-type": "application/json"}
EVENT: dict[str, Any] = {"eventType": "deployment", "summary": "Release 1.2.3"}
KEYS = ["eventType", "summary", "scope", "severity", "details", "clusters", "servicesNames"]
NULL = "must be a string, not null; an optional key is left out instead"


def verdict(document: object, headers: dict[str, str] = HEADERS) -> Event | Rejection:
    return judge(headers, json.dumps(document).encode(), key="test-key")


def problems(document: object) -> tuple[str, ...]:
    refusal = verdict(document)
    assert isinstance(refusal, Rejection)
    assert refusal.status == 400
    return refusal.messages


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"severity": "information"},
        {"severity": "warning"},
        {"severity": "error"},
        {"details": {}},
        {"details": {"commit": "abc", "": ""}},
        {"scope": {"clusters": ["a"]}},
        {"scope": {"servicesNames": ["a", "b"]}},
        {"scope": {"clusters": ["a"], "namespaces": ["b", "c"], "servicesNames": ["d"]}},
        {"eventType": "x" * 60},
    ],
)
def test_a_documented_body_is_an_event(more: dict[str, object]) -> None:
    assert isinstance(verdict({**EVENT, **more}), Event)


names = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1)


documented = st.fixed_dictionaries(
    {
        "eventType": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60),
        "summary": st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    },
    optional={
        "scope": st.fixed_dictionaries(
            {"clusters": names}, optional={"namespaces": names, "servicesNames": names}
        ),
        "severity": st.sampled_from(["information", "warning", "error"]),
        "details": st.dictionaries(st.text("aä€😀"), st.text("aä€😀")),
    },
)

#: Every switch that lets in more than the documents show.
looser = st.fixed_dictionaries(
    {},
    optional={
        "unknownKeys": st.just("ignored"),
        "details": st.just("any value"),
        "emptyLists": st.just("not narrowed"),
        "errorShape": st.sampled_from(["second", "none"]),
        "longestBody": st.just(1 << 30),
    },
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(KEYS), inner),
)


@given(documented)
def test_whatever_the_documentation_allows_comes_out_as_it_went_in(body: dict[str, Any]) -> None:
    event = verdict(body)
    assert isinstance(event, Event)
    assert event.model_dump(exclude_unset=True) == body


@given(documented, looser)
def test_what_the_documents_show_is_the_same_event_whatever_else_is_let_in(
    body: dict[str, Any], switches: dict[str, Any]
) -> None:
    switched = Behaviour.model_validate(switches)
    sent = json.dumps(body, ensure_ascii=False).encode()
    event = judge(HEADERS, sent, key="test-key", behaviour=switched)
    assert event == judge(HEADERS, sent, key="test-key")


@given(
    st.binary()
    | anything.map(lambda found: json.dumps(found).encode(errors="surrogatepass"))
    | st.dictionaries(st.sampled_from(KEYS), anything).map(
        lambda found: json.dumps({**EVENT, **found}).encode()
    ),
    looser,
)
def test_whatever_arrives_is_an_event_or_refused(body: bytes, switches: dict[str, Any]) -> None:
    switched = Behaviour.model_validate({**switches, "eventType": "30 cut"})
    found = judge(HEADERS, body, key="test-key", behaviour=switched, inventory={"a": {"b": ["c"]}})
    if isinstance(found, Event):
        assert len(found.eventType) <= 30
        json.dumps(found.model_dump()).encode()
    else:
        assert found.status == 400
        assert all(found.messages)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"eventType": ""}, "eventType must not be empty"),
        ({"eventType": "x" * 61}, "eventType must have at most 60 characters"),
        ({"eventType": None}, f"eventType {NULL}"),
        ({"summary": ""}, "summary must not be empty"),
        ({"summary": 1}, "summary must be a string"),
        (
            {"severity": "Warning"},
            "severity must be 'information', 'warning' or 'error', in this very spelling",
        ),
        ({"details": {"a": 1}}, "details.a must be a string"),
        ({"details": {"a": None}}, f"details.a {NULL}"),
        ({"details": ["a"]}, "details must be an object"),
        ({"scope": {}}, "scope: must name something; leave scope out instead"),
        (
            {"scope": None},
            "scope must be an object, not null; an optional key is left out instead",
        ),
        (
            {"scope": {"clusters": []}},
            "scope.clusters must not be an empty list; leave the key out instead",
        ),
        ({"scope": {"clusters": [""]}}, "scope.clusters.0 must not be empty"),
        ({"scope": {"clusters": "a"}}, "scope.clusters must be a list"),
        ({"scope": {"clusters": ["a", None]}}, f"scope.clusters.1 {NULL}"),
        (
            {"scope": {"namespaces": None}},
            "scope.namespaces must be a list, not null; an optional key is left out instead",
        ),
        (
            {"scope": {"serviceNames": ["a"]}},
            "scope.serviceNames is not a key of the API: it is spelt servicesNames",
        ),
        ({"scope": {"pods": ["a"]}}, "scope.pods is not a known key"),
        ({"clusters": ["a"]}, "clusters stands in the wrong place: move it into scope"),
        ({"occurredAt": "now {}"}, "occurredAt is not a known key"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(change: dict[str, Any], problem: str) -> None:
    assert problems({**EVENT, **change}) == (problem,)


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert problems({"severity": "bad", "summary": "x"}) == (
        "eventType is required",
        "severity must be 'information', 'warning' or 'error', in this very spelling",
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body is not JSON"),
        (b'{"eventType": ', "the body is not JSON"),
        (b'{"eventType": "\xff", "summary": "x"}', "the body is not JSON"),
        (b'{"eventType": "\\ud800", "summary": "x"}', "the body is not JSON"),
        (b"[]", "the body must be an object"),
        (b"null", "the body must be an object"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes, problem: str) -> None:
    refusal = judge(HEADERS, body, key="test-key")
    assert isinstance(refusal, Rejection)
    assert refusal.status == 400
    assert refusal.messages[0].startswith(problem)


def test_a_value_is_never_quoted_in_a_refusal() -> None:
    body = {"eventType": 5, "summary": ["sesame"], "severity": "sesame", "details": "sesame"}
    assert not any("sesame" in problem for problem in problems(body))


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_may_say_its_charset(content_type: str) -> None:
    assert isinstance(verdict(EVENT, {**HEADERS, "content-type": content_type}), Event)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/jsonp"])
def test_another_content_type_is_refused(content_type: str) -> None:
    assert verdict(EVENT, {**HEADERS, "content-type": content_type}) == Rejection.because(
        415, "the header Content-Type must be application/json"
    )


@pytest.mark.parametrize("key", ["", "test-ke", "test-key ", "TEST-KEY", "tëst-key", "\udcff"])
def test_a_wrong_key_is_forbidden_before_anything_else_is_looked_at(key: str) -> None:
    refusal = judge({"x-api-key": key}, b"not JSON", key="test-key")
    assert refusal == Rejection.because(403, "the x-api-key is not a key of this account")


def test_a_missing_key_is_said_to_be_missing() -> None:
    assert judge({}, b"", key="test-key") == Rejection.because(
        403, "the header x-api-key is missing"
    )


def test_the_limit_of_a_body_is_exact() -> None:
    frame = json.dumps({**EVENT, "summary": ""}).encode()
    blanks = b" " * (STRICT.longest_body - len(frame) - 1)
    body = frame.replace(b'""', b'"x"') + blanks
    assert len(body) == STRICT.longest_body
    assert isinstance(judge(HEADERS, body, key="test-key"), Event)
    refusal = judge(HEADERS, body + b" ", key="test-key")
    assert isinstance(refusal, Rejection)
    assert refusal.status == 413


@pytest.mark.parametrize(("length", "advised"), [(30, False), (31, True)])
def test_a_long_event_type_is_advised_against(length: int, advised: bool) -> None:
    event = verdict({**EVENT, "eventType": "x" * length})
    assert isinstance(event, Event)
    assert bool(advisory(event)) is advised


def test_a_refusal_has_the_first_shape_of_the_apis_errors() -> None:
    assert Rejection.because(403, "no").document() == {
        "statusCode": 403,
        "message": ["no"],
        "error": "Forbidden",
    }


def test_it_has_the_second_shape_where_that_is_asked_for() -> None:
    refusal = verdict({"eventType": "t", "scope": {"clusters": []}})
    assert isinstance(refusal, Rejection)
    document = refusal.document("second")
    assert document
    error = document["error"]
    assert isinstance(error, dict)
    assert error["code"] == "BAD_REQUEST"
    assert {each["field"] for each in error["fieldErrors"]} == {"summary", "scope.clusters"}
    assert error["requestID"]


def test_it_has_no_shape_where_none_is_asked_for() -> None:
    assert Rejection.because(400, "no").document("none") is None
