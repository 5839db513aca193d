"""What the API's documents leave open, switched, by real requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customevents.sandbox import Running, running
from sandbox.sandbox_client import EVENT, events, fault, post, requests, send

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


def test_every_switch_says_what_it_may_be_what_it_is_and_why(api: Running) -> None:
    document = api.call("GET", "/sandbox/behaviour")
    assert {each["name"] for each in document["switches"]} == set(document["behaviour"])
    for each in document["switches"]:
        assert each["default"] == document["behaviour"][each["name"]]
        assert each["values"] is None or each["default"] in each["values"]
        assert each["title"]
        assert each["source"].endswith(".")


def test_switches_that_are_left_out_go_back_to_their_defaults(api: Running) -> None:
    before = api.call("GET", "/sandbox/behaviour")["behaviour"]
    switch(api, unknownKeys="ignored")
    switch(api, eventType="30")
    assert api.call("GET", "/sandbox/behaviour")["behaviour"] == {**before, "eventType": "30"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"eventTyp": "30"}, "eventTyp is not a known key"),
        ({"eventType": 30}, "eventType must be '60', '30' or '30 cut'"),
        ({"longestBody": 0}, "longestBody"),
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


def test_empty_lists_are_refused_or_narrow_nothing(api: Running) -> None:
    odd = {**EVENT, "scope": {"clusters": ["a"], "namespaces": []}}
    assert "scope.namespaces must not be an empty list" in refused(api, odd)
    switch(api, emptyLists="not narrowed")
    assert taken(api, odd) == {**EVENT, "scope": {"clusters": ["a"]}}
    assert taken(api, {**EVENT, "scope": {"clusters": []}}) == EVENT


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
