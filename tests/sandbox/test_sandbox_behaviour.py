"""What the API's documents leave open, switched, by real requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from customevents.sandbox import Running, running
from sandbox.sandbox_client import EVENT, VALIDATE_PATH, events, fault, post, requests, send

LONG = {**EVENT, "eventType": "t" * 31}


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as started:
        yield started


def switch(api: Running, **switches: object) -> None:
    api.call("PUT", "/sandbox/behaviour", switches)


def taken(api: Running, event: object) -> dict[str, Any]:
    """The event as the timeline has it; it must be taken."""
    reply = post(api, event)
    assert reply.status == 201, reply.body
    body: dict[str, Any] = events(api)[-1]["body"]
    return body


def refused(api: Running, event: object) -> str:
    reply = post(api, event)
    assert reply.status == 400
    assert events(api) == []
    problems: list[str] = requests(api)[-1]["problems"]
    return "; ".join(problems)


DEFAULTS = {
    "eventType": "60",
    "unknownKeys": "refused",
    "details": "strings",
    "emptyLists": "refused",
    "unknownNames": "taken",
    "errorShape": "first",
    "longestBody": 1024 * 1024,
}


def test_what_no_document_allows_is_refused_until_it_is_switched(api: Running) -> None:
    assert api.call("GET", "/sandbox/behaviour")["behaviour"] == DEFAULTS


def test_every_switch_says_what_it_may_be_what_it_is_and_why(api: Running) -> None:
    document = api.call("GET", "/sandbox/behaviour")
    assert {each["name"] for each in document["switches"]} == set(document["behaviour"])
    for each in document["switches"]:
        assert each["default"] == document["behaviour"][each["name"]]
        assert each["values"] is None or each["default"] in each["values"]
        assert each["title"]
        assert each["source"].endswith(".")


def test_switches_that_are_left_out_go_back_to_their_defaults(api: Running) -> None:
    switch(api, unknownKeys="ignored")
    switch(api, eventType="30")
    assert api.call("GET", "/sandbox/behaviour")["behaviour"] == {**DEFAULTS, "eventType": "30"}
    switch(api)
    assert api.call("GET", "/sandbox/behaviour")["behaviour"] == DEFAULTS


def test_what_is_refused_switches_nothing(api: Running) -> None:
    switch(api, eventType="30")
    with pytest.raises(RuntimeError, match="answered 400"):
        switch(api, eventType="60", unknownKey="ignored")
    assert api.call("GET", "/sandbox/behaviour")["behaviour"]["eventType"] == "30"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"eventTyp": "30"}, "eventTyp is not a known key"),
        ({"eventType": 30}, "eventType must be '60', '30' or '30 cut'"),
        ({"eventType": None}, "eventType must be '60', '30' or '30 cut'"),
        ({"longestBody": 0}, "longestBody must be at least 1"),
        ({"longestBody": "1000"}, "longestBody must be a whole number"),
        ({"longestBody": True}, "longestBody must be a whole number"),
    ],
)
def test_a_misspelt_switch_is_refused_in_words(
    api: Running, given: dict[str, object], said: str
) -> None:
    with pytest.raises(RuntimeError, match="answered 400") as caught:
        switch(api, **given)
    assert said in str(caught.value)


def test_an_event_type_may_have_60_characters_30_or_be_cut_at_30(api: Running) -> None:
    switch(api, eventType="30")
    assert refused(api, LONG) == "eventType must have at most 30 characters"
    switch(api, eventType="30 cut")
    assert taken(api, LONG)["eventType"] == "t" * 30
    switch(api)
    assert taken(api, LONG)["eventType"] == "t" * 31


def test_unknown_keys_are_refused_or_ignored(api: Running) -> None:
    odd = {**EVENT, "color": "red", "scope": {"clusters": ["a"], "serviceNames": ["cart"]}}
    assert "color is not a known key" in refused(api, odd)
    switch(api, unknownKeys="ignored")
    assert taken(api, odd) == {**EVENT, "scope": {"clusters": ["a"]}}


def test_a_scope_of_unknown_keys_alone_narrows_nothing_where_they_are_ignored(
    api: Running,
) -> None:
    switch(api, unknownKeys="ignored")
    assert taken(api, {**EVENT, "scope": {"serviceNames": ["cart"]}}) == EVENT
    assert post(api, {**EVENT, "scope": {}}).status == 400


def test_details_are_strings_or_any_value(api: Running) -> None:
    odd = {**EVENT, "details": {"n": 1, "yes": True, "list": [1], "text": "t"}}
    assert "details.n must be a string" in refused(api, odd)
    switch(api, details="any value")
    shown = {"n": "1", "yes": "true", "list": "[1]", "text": "t"}
    assert taken(api, odd) == {**EVENT, "details": shown}


def test_a_value_that_is_taken_is_shown_as_it_was_written(api: Running) -> None:
    switch(api, details="any value")
    odd = {**EVENT, "details": {"who": ["Żaneta", None, {"é": 1.5}]}}
    assert taken(api, odd)["details"] == {"who": '["Żaneta", null, {"é": 1.5}]'}


def test_empty_lists_are_refused_or_narrow_nothing(api: Running) -> None:
    odd = {**EVENT, "scope": {"clusters": ["a"], "namespaces": []}}
    assert "scope.namespaces must not be an empty list" in refused(api, odd)
    switch(api, emptyLists="not narrowed")
    assert taken(api, odd) == {**EVENT, "scope": {"clusters": ["a"]}}
    assert taken(api, {**EVENT, "scope": {"clusters": []}}) == EVENT
    assert post(api, {**EVENT, "scope": {}}).status == 400, "there is no list in it"


def test_names_that_do_not_exist_are_taken_or_refused(api: Running) -> None:
    odd = {**EVENT, "scope": {"clusters": ["prd"], "servicesNames": ["cart", "kart"]}}
    switch(api, unknownNames="refused")
    assert post(api, odd).status == 201, "nobody has said what exists"
    api.call("DELETE", "/events")
    api.call("PUT", "/sandbox/inventory", {"prod": {"shop": ["cart"]}})
    said = refused(api, odd)
    assert "scope.clusters names what this account does not have" in said
    assert "scope.servicesNames names what this account does not have" in said
    switch(api)
    assert post(api, odd).status == 201


def test_the_longest_body_is_what_is_said(api: Running) -> None:
    switch(api, longestBody=100)
    assert post(api, {**EVENT, "summary": "s" * 100}).status == 413
    assert post(api, EVENT).status == 201
    switch(api, longestBody=8 * 1024 * 1024)
    assert post(api, {**EVENT, "summary": "s" * 2_000_000}).status == 201


def test_switches_hold_together(api: Running) -> None:
    switch(api, unknownKeys="ignored", emptyLists="not narrowed", details="any value")
    odd = {
        **EVENT,
        "color": "red",
        "scope": {"serviceNames": ["cart"], "clusters": [], "namespaces": ["shop"]},
        "details": {"n": 1},
    }
    assert taken(api, odd) == {**EVENT, "scope": {"namespaces": ["shop"]}, "details": {"n": "1"}}
    odd["scope"] = {"serviceNames": ["cart"], "clusters": []}
    assert taken(api, odd) == {**EVENT, "details": {"n": "1"}}
    odd["scope"] = {"clusters": [""]}
    assert post(api, odd).status == 400
    odd["scope"] = ["prod"]
    assert post(api, odd).status == 400


def test_a_type_that_is_cut_is_no_longer_too_long_however_long_it_was(api: Running) -> None:
    switch(api, eventType="30 cut")
    assert taken(api, {**EVENT, "eventType": "\U0001f680" * 61})["eventType"] == "\U0001f680" * 30
    switch(api, eventType="30")
    assert post(api, {**EVENT, "eventType": "\U0001f680" * 30}).status == 201
    assert post(api, {**EVENT, "eventType": "\U0001f680" * 31}).status == 400


def test_an_event_that_does_not_exist_is_refused_for_all_that_is_wrong(api: Running) -> None:
    switch(api, unknownNames="refused", eventType="30")
    api.call("PUT", "/sandbox/inventory", {"prod": {"shop": ["cart"]}})
    said = refused(api, {**LONG, "scope": {"clusters": ["prod", "dev"]}})
    assert "eventType must have at most 30 characters" in said
    assert "scope.clusters names what this account does not have" in said
    assert "scope.servicesNames" not in said
    known = {"clusters": ["prod"], "namespaces": ["nobody-registers-these"]}
    assert post(api, {**EVENT, "scope": {**known, "servicesNames": ["cart"]}}).status == 201


def test_where_nothing_exists_every_name_is_refused(api: Running) -> None:
    switch(api, unknownNames="refused")
    api.call("PUT", "/sandbox/inventory", {})
    assert "scope.clusters names" in refused(api, {**EVENT, "scope": {"clusters": ["prod"]}})
    assert post(api, EVENT).status == 201, "it names nothing"


@pytest.mark.parametrize("of_a_fault", [False, True])
def test_errors_have_the_first_shape_the_second_or_none(api: Running, of_a_fault: bool) -> None:
    event = EVENT if of_a_fault else {"eventType": "t"}
    if of_a_fault:
        fault(api, status=400)
    assert post(api, event).json()["statusCode"] == 400
    switch(api, errorShape="second")
    error = post(api, event).json()["error"]
    assert error["code"] == "BAD_REQUEST"
    assert [each["field"] for each in error["fieldErrors"]] == ([] if of_a_fault else ["summary"])
    switch(api, errorShape="none")
    assert post(api, event).body == b""


@pytest.mark.parametrize("body", [b"", b"[1]", b"nonsense", b"\xff", b"[" * 5000])
def test_what_is_no_event_is_refused_whatever_is_switched(api: Running, body: bytes) -> None:
    switch(api, unknownKeys="ignored", details="any value", emptyLists="not narrowed")
    assert send(api, "POST", "/mgmt/v1/events", body).status == 400


@pytest.mark.parametrize(
    "switches", [{"errorShape": "second"}, {"details": "any value", "unknownKeys": "ignored"}]
)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_switch_lets_in_nothing_but_what_it_is_about(
    api: Running, switches: dict[str, str], encoding: str
) -> None:
    for event in (EVENT, {**EVENT, "color": "red", "details": {"n": 1}}):
        body = json.dumps(event).encode(encoding)
        assert send(api, "POST", "/mgmt/v1/events", body).status == 400
        switch(api, **switches)
        assert send(api, "POST", "/mgmt/v1/events", body).status == 400


def test_what_is_nested_too_deep_is_refused_and_on_record(api: Running) -> None:
    switch(api, details="any value", unknownKeys="ignored")
    for depth in [*range(940, 1000), 100_000]:
        deep = "[" * depth + "]" * depth
        body = json.dumps(EVENT)[:-1] + f', "details": {{"deep": {deep}}}}}'
        status = send(api, "POST", "/mgmt/v1/events", body.encode()).status
        assert status in (201, 400), f"{depth} deep: {status}"
        assert requests(api, limit=10_000)[-1]["answered"] == status


def test_a_body_too_long_or_a_wrong_key_is_refused_in_the_same_shape(api: Running) -> None:
    switch(api, errorShape="second", longestBody=100)
    too_long = post(api, {**EVENT, "summary": "s" * 100})
    assert too_long.status == 413
    assert too_long.json()["error"]["message"] == "the body has more than 100 bytes"
    for path in (VALIDATE_PATH, "/api/v2/clusters"):
        reply = send(api, "GET", path, headers={"x-api-key": "another"})
        assert (reply.status, reply.json()["error"]["code"]) == (403, "FORBIDDEN")
    switch(api, errorShape="none", longestBody=100)
    assert post(api, EVENT, x_api_key="another").body == b""
    assert post(api, {**EVENT, "summary": "s" * 100}).body == b""


def test_what_a_fault_gives_as_the_body_is_in_no_shape(api: Running) -> None:
    fault(api, status=500, body="<html>")
    for shape in ("second", "none"):
        switch(api, errorShape=shape)
        assert post(api).body == b"<html>"


def test_a_path_that_the_api_does_not_have_is_refused_in_its_shape(api: Running) -> None:
    switch(api, errorShape="second")
    for method, path, code in (
        ("POST", "/mgmt/v1/event", "NOT_FOUND"),
        ("GET", "/mgmt/v1/events", "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v2/cluster", "NOT_FOUND"),
    ):
        assert send(api, method, path).json()["error"]["code"] == code
    own = send(api, "GET", "/sandbox/fault").json()
    assert own["statusCode"] == 404, "its own paths say their own"
