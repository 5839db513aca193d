"""What the stream tells beside the events: faults, switches, and what was answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from customevents.sandbox import Running, running
from sandbox.reader import following, summaries
from sandbox.sandbox_client import EVENT, connect, fault, head, post, send


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as started:
        yield started


def test_faults_are_told_as_they_are_set_counted_down_and_mended(api: Running) -> None:
    with following(api) as reader:
        assert reader.until("state")[0]["faults"] == []
        fault(api, status=503, count=2)
        assert reader.until("state")[0]["faults"] == [{"status": 503, "count": 2}]
        post(api)
        said = reader.until("state")[0]
        assert said["faults"] == [{"status": 503, "count": 1}]
        assert said["answers"] == {"503": 1}
        api.call("DELETE", "/sandbox/faults")
        assert reader.until("state")[0] | {"recent": []} == said | {
            "faults": [],
            "answers": {},
            "recent": [],
        }


def test_switches_and_an_inventory_are_told(api: Running) -> None:
    with following(api) as reader:
        assert reader.until("state")[0]["inventory"] is False
        api.call("PUT", "/sandbox/behaviour", {"unknownKeys": "ignored"})
        assert reader.until("state")[0]["behaviour"]["unknownKeys"] == "ignored"
        api.call("PUT", "/sandbox/inventory", {})
        assert reader.until("state")[0]["inventory"] is True


def test_a_request_that_hangs_is_seen_to_wait_and_then_that_its_client_left(api: Running) -> None:
    fault(api, hang=True)
    with following(api) as reader:
        reader.until("state")
        with connect(api) as wire:
            body = json.dumps(EVENT).encode()
            wire.sendall(head(len(body)) + body)
            assert reader.until("state")[0]["recent"][0]["answered"] == "waiting"
        assert reader.until("state")[0]["recent"][0]["answered"] == "abandoned"


def test_the_last_requests_are_told_newest_first_and_no_more_than_eight(api: Running) -> None:
    for number in range(10):
        post(api, {**EVENT, "summary": f"event {number}"})
    with following(api) as reader:
        recent = reader.until("state")[0]["recent"]
    assert [each["summary"] for each in recent] == [f"event {number}" for number in range(9, 1, -1)]


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'"text"', b"{}", b"[" * 100_000])
def test_a_request_that_is_no_event_is_told_as_such(api: Running, body: bytes) -> None:
    send(api, "POST", "/mgmt/v1/events", body)
    with following(api) as reader:
        assert reader.until("state")[0]["recent"][0]["summary"] == "no event"


def test_an_event_that_a_fault_refuses_is_told_as_a_request_and_no_event(api: Running) -> None:
    fault(api, status=500, count=1)
    with following(api) as reader:
        reader.until("state")
        post(api, {**EVENT, "summary": "refused"})
        assert reader.until("state")[0]["recent"][0]["answered"] == 500
        post(api, {**EVENT, "summary": "taken"})
        assert summaries(reader.until("events")[0]) == ["taken"]


def test_answers_are_counted_as_they_are_given(api: Running) -> None:
    with following(api) as reader:
        assert reader.until("state")[0]["answers"] == {}
        for _ in range(2):
            post(api)
            post(api, {})
            send(api, "GET", "/api/v2/clusters")
        wanted = {"201": 2, "400": 2}
        while (said := reader.until("state")[0])["answers"] != wanted:
            assert all(said["answers"].get(each, 0) <= 2 for each in wanted)


def test_a_fault_that_has_done_its_count_is_told_to_be_over(api: Running) -> None:
    fault(api, status=503, count=1)
    with following(api) as reader:
        reader.until("state")
        post(api)
        said = reader.until("state")[0]
        assert (said["faults"], said["answers"]) == ([], {"503": 1})


def test_what_a_sandbox_answered_before_it_was_begun_again_is_not_counted(tmp_path: Path) -> None:
    """Its faults have gone with it: nobody is to see that it failed "since it works"."""
    database = str(tmp_path / "events.db")
    with running(database=database) as api:
        fault(api, status=503)
        post(api)
    with running(database=database) as api, following(api) as reader:
        said = reader.until("state")[0]
        assert (said["faults"], said["answers"]) == ([], {})
        post(api)
        assert reader.until("state")[0]["answers"] == {"201": 1}
