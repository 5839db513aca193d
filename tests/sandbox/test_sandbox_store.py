"""The record, read from either end, and what it costs to look at it again and again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from customevents.sandbox import Running, running
from customevents.sandbox.contract import Event
from customevents.sandbox.store import Arrival, EventQuery, Store
from sandbox.sandbox_client import EVENT, events, post, send


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture
def five(api: Running) -> Running:
    for number in range(1, 6):
        post(api, {**EVENT, "summary": f"{number}"})
    return api


def page(api: Running, query: str) -> tuple[str, int | None]:
    """The summaries of a page, and where the next one begins."""
    found = api.call("GET", f"/events?{query}")
    return "".join(each["body"]["summary"] for each in found["events"]), found["next"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("12345", None)),
        ("order=oldest&limit=2", ("12", 2)),
        ("order=oldest&limit=2&after=2", ("34", 4)),
        ("order=oldest&limit=1&after=4", ("5", None)),
        ("order=newest", ("54321", None)),
        ("order=newest&limit=2", ("54", 4)),
        ("order=newest&limit=2&before=4", ("32", 2)),
        ("order=newest&limit=1&before=2", ("1", None)),
        ("order=newest&limit=2&after=1&before=5", ("43", 3)),
        ("limit=2&after=1&before=5", ("23", 3)),
        ("limit=5", ("12345", None)),
        ("before=0", ("", None)),
        ("after=3&before=3", ("", None)),
    ],
)
def test_a_page_is_what_was_asked_for_and_says_where_the_next_begins(
    five: Running, query: str, expected: tuple[str, int | None]
) -> None:
    assert page(five, query) == expected


@pytest.mark.parametrize(("order", "towards"), [("oldest", "after"), ("newest", "before")])
def test_all_is_read_page_by_page_while_more_arrives(
    five: Running, order: str, towards: str
) -> None:
    read, place = page(five, f"order={order}&limit=2")
    post(five, {**EVENT, "summary": "6"})
    while place is not None:
        more, place = page(five, f"order={order}&limit=2&{towards}={place}")
        read += more
    assert read == ("123456" if order == "oldest" else "54321")


def test_filters_hold_in_either_order(five: Running) -> None:
    post(five, {**EVENT, "summary": "6", "severity": "error"})
    post(five, {**EVENT, "summary": "7", "severity": "error"})
    assert page(five, "order=newest&severity=error&limit=1") == ("7", 7)
    assert page(five, "order=newest&severity=error&before=7") == ("6", None)


def test_in_brief_nothing_is_long_and_nothing_has_to_be_worked_out(api: Running) -> None:
    api.call("PUT", "/sandbox/inventory", {"prod": {"shop": ["cart"]}})
    post(api, {**EVENT, "summary": "s" * 9000, "details": {"long": "d" * 9000, "short": "d"}})
    (brief,) = events(api, brief="true")
    assert set(brief) == {"sequence", "receivedAt", "idempotencyKey", "deliveryId", "body"}
    assert brief["body"]["details"] == {"long": "d" * 1000, "short": "d"}
    assert brief["body"]["summary"] == "s" * 4096
    (whole,) = events(api)
    assert whole["body"]["details"]["long"] == "d" * 9000
    assert whole["body"]["summary"] == "s" * 9000
    assert whole["services"] == [{"cluster": "prod", "namespace": "shop", "service": "cart"}]
    assert api.call("GET", "/events/1") == whole


def test_one_event_is_read_by_its_number(api: Running) -> None:
    post(api, {**EVENT, "scope": {"clusters": ["a"]}})
    api.call("PUT", "/sandbox/inventory", {"a": {"n": ["s"]}, "b": {"n": ["s"]}})
    found = api.call("GET", "/events/1")
    assert found["reach"] == "ALL services, ALL namespaces, cluster a"
    assert found["services"] == [{"cluster": "a", "namespace": "n", "service": "s"}]


@pytest.mark.parametrize("place", ["2", "0", "x", "-1", str(1 << 63)])
def test_an_event_that_is_not_there_is_said_in_the_shape_of_an_error(
    api: Running, place: str
) -> None:
    post(api)
    reply = send(api, "GET", f"/events/{place}")
    assert (reply.status, reply.json()["statusCode"]) == (404, 404)
    assert f"/events/{place}" in reply.json()["message"][0]


def test_a_request_that_was_refused_has_a_number_and_is_no_event(api: Running) -> None:
    post(api, {})
    post(api)
    assert send(api, "GET", "/events/1").status == 404
    assert api.call("GET", "/events/2")["body"] == EVENT


def test_an_event_that_was_cleared_is_not_there_and_its_number_comes_never_again(
    api: Running,
) -> None:
    post(api)
    api.call("DELETE", "/events")
    api.call("DELETE", "/sandbox/requests")
    assert send(api, "GET", "/events/1").status == 404
    post(api)
    assert [each["sequence"] for each in events(api)] == [2]


def test_what_was_answered_is_counted_from_a_request_on() -> None:
    store = Store(":memory:")
    arrival = Arrival("events", 0, (), None, "")
    for answered in (201, 201, 503, "dropped"):
        store.record(arrival, answered=answered)
    store.record(Arrival("validate", 0, (), None, ""), answered=403)
    waiting = store.record(arrival, answered="waiting")
    assert store.answers_since(0) == {"201": 2, "503": 1, "dropped": 1, "waiting": 1}
    assert store.answers_since(3) == {"dropped": 1, "waiting": 1}
    store.answered(waiting, 500)
    assert store.answers_since(3) == {"dropped": 1, "500": 1}
    store.close()


def test_of_a_sandbox_that_was_killed_no_request_waits_any_more(tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    killed = Store(database)
    killed.record(Arrival("events", 0, (), None, ""), answered="waiting")
    killed.record(Arrival("events", 0, (), None, ""), answered=503)
    killed.close()
    opened = Store(database)
    assert opened.answers_since(0) == {"abandoned": 1, "503": 1}
    opened.close()


def test_to_count_the_answers_no_body_is_read() -> None:
    """It is done at each change, for each reader: over 50,000 requests it took 20 ms."""
    store = Store(":memory:")
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    store.answers_since(0)
    store._db.set_trace_callback(None)
    (how,) = [
        row[3]
        for query in asked
        for row in store._db.execute(f"EXPLAIN QUERY PLAN {query}")
        if "requests" in row[3]
    ]
    assert "COVERING INDEX" in how
    store.close()


def test_a_database_of_an_earlier_sandbox_is_taken_on(tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    with running(database=database) as api:
        post(api)
    with sqlite3.connect(database) as made:
        made.execute("DROP INDEX IF EXISTS answers")
    made.close()
    with running(database=database) as api:
        post(api)
        assert [each["sequence"] for each in events(api)] == [1, 2]


def test_what_is_asked_for_never_becomes_a_part_of_the_query() -> None:
    store = Store(":memory:")
    event = Event.model_validate({**EVENT, "scope": {"clusters": ["it's"]}})
    store.record(Arrival("events", 0, (), None, ""), answered=201, event=event)
    assert len(store.events(EventQuery(cluster="it's"))["events"]) == 1
    assert store.events(EventQuery(cluster="' OR 1=1 --"))["events"] == []
    store.close()
