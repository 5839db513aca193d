"""The stream of what happens: told at once, once, in order, and from where one was."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from customevents.sandbox import Running, changes, running
from sandbox.sandbox_client import EVENT, address, connect, fault, head, post, send

PATH = "/sandbox/changes"


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as started:
        yield started


class Reader:
    """Reads messages: what they are, what they say, and their id."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def next(self) -> tuple[str, Any, str]:
        """The next message; ends the test where none comes."""
        fields: dict[str, str] = {}
        while True:
            line = self._answer.readline().decode()
            assert line, "the stream has ended"
            if line == "\n" and "event" in fields:
                return fields["event"], json.loads(fields["data"]), fields.get("id", "")
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value

    def until(self, wanted: str) -> tuple[Any, str]:
        """What the next message of this kind says, and its id."""
        while True:
            kind, said, place = self.next()
            if kind == wanted:
                return said, place

    def ends(self) -> bool:
        return self._answer.read() == b""


@contextlib.contextmanager
def following(api: Running, after: str = "", last: str = "") -> Iterator[Reader]:
    wire = http.client.HTTPConnection(*address(api), timeout=10)
    with contextlib.closing(wire):
        headers = {"Last-Event-ID": last} if last else {}
        wire.request("GET", PATH + (f"?after={after}" if after else ""), headers=headers)
        with contextlib.closing(wire.getresponse()) as answer:
            assert answer.status == 200
            assert answer.getheader("Content-Type") == "text/event-stream"
            yield Reader(answer)


def summaries(told: list[dict[str, Any]]) -> list[str]:
    return [each["body"]["summary"] for each in told]


def test_what_is_there_is_told_first_and_then_what_comes(api: Running) -> None:
    post(api, {**EVENT, "summary": "one"})
    with following(api) as reader:
        told, place = reader.until("events")
        assert summaries(told) == ["one"]
        assert place.endswith(":1")
        post(api, {**EVENT, "summary": "two"})
        told, place = reader.until("events")
        assert summaries(told) == ["two"]
        assert place.endswith(":2")


def test_one_goes_on_where_one_was(api: Running) -> None:
    for summary in ("one", "two", "three"):
        post(api, {**EVENT, "summary": summary})
    epoch = api.call("GET", "/events")["epoch"]
    with following(api, after=f"{epoch}:1") as reader:
        assert summaries(reader.until("events")[0]) == ["two", "three"]
    with following(api, after=f"{epoch}:1", last=f"{epoch}:2") as reader:
        assert summaries(reader.until("events")[0]) == ["three"]


def test_a_place_that_is_far_off_has_nothing_behind_it(api: Running) -> None:
    post(api)
    epoch = api.call("GET", "/events")["epoch"]
    with following(api, after=f"{epoch}:{'9' * 5000}") as reader:
        assert reader.until("state")[0]["answers"] == {"201": 1}
        api.call("PUT", "/sandbox/inventory", {})
        assert reader.next()[0] == "state"


@pytest.mark.parametrize("place", ["another:1", "nonsense", "1"])
def test_a_place_in_another_record_is_told_to_read_anew(api: Running, place: str) -> None:
    with following(api, after=place) as reader:
        assert reader.next()[0] == "reset"
        assert reader.ends()


def test_who_follows_is_told_that_the_events_were_cleared(api: Running) -> None:
    with following(api) as reader:
        reader.until("state")
        api.call("DELETE", "/events")
        reader.until("reset")
        assert reader.ends()


def test_a_record_that_is_opened_again_is_another_one(tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    with running(database=database) as api:
        post(api)
        before = api.call("GET", "/events")["epoch"]
    with running(database=database) as api:
        assert api.call("GET", "/events")["epoch"] != before
        with following(api, after=f"{before}:1") as reader:
            assert reader.next()[0] == "reset"


def test_no_event_is_lost_or_told_twice_to_a_reader_who_is_slow_and_breaks_off(
    api: Running,
) -> None:
    many = 2000
    posting = threading.Thread(target=_post_many, args=(api, many))
    posting.start()
    told: list[str] = []
    place = f"{api.call('GET', '/events')['epoch']}:0"
    while len(told) < many:
        with following(api, last=place) as reader:
            for _ in range(3):  # a few messages, and away
                said, place = reader.until("events")
                told += summaries(said)
                if len(told) == many:
                    break
    posting.join()
    assert told == [f"event {number}" for number in range(many)]


def _post_many(api: Running, many: int) -> None:
    with contextlib.closing(http.client.HTTPConnection(*address(api), timeout=10)) as wire:
        headers = {"x-api-key": "test-key", "Content-Type": "application/json"}
        for number in range(many):
            body = json.dumps({**EVENT, "summary": f"event {number}"})
            wire.request("POST", "/mgmt/v1/events", body, headers)
            wire.getresponse().read()


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
        with contextlib.suppress(TimeoutError):
            post(api, timeout=0.3)
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


def test_what_is_long_is_cut_in_a_list_and_whole_by_its_number(api: Running) -> None:
    post(api, {**EVENT, "details": {"long": "x" * 5000}})
    with following(api) as reader:
        assert reader.until("events")[0][0]["body"]["details"] == {"long": "x" * 1000}
    assert api.call("GET", "/events/1")["body"]["details"] == {"long": "x" * 5000}


def test_a_beat_says_that_the_connection_lives(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BEAT", 0.05)
    with following(api) as reader:
        reader.until("state")
        assert reader.next() == ("beat", {}, "")
        assert reader.next() == ("beat", {}, "")


def test_a_sandbox_that_is_followed_stops_at_once() -> None:
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(running())
        reader = stack.enter_context(following(api))
        reader.until("state")
        began = time.monotonic()
        stack.pop_all().close()
    assert time.monotonic() - began < 5


def test_a_reader_who_reads_nothing_holds_nobody_up(api: Running) -> None:
    with connect(api) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET {PATH} HTTP/1.1\r\nHost: sandbox\r\n\r\n".encode())
        large = {**EVENT, "details": {"large": "x" * 100_000}}
        for _ in range(50):
            assert post(api, large).status == 201
        with following(api) as reader:
            assert len(reader.until("events")[0]) == 50


def test_readers_who_left_are_not_told_any_more(api: Running) -> None:
    for _ in range(20):
        with following(api) as reader:
            reader.until("state")
    post(api)
    with following(api) as reader:
        assert len(reader.until("events")[0]) == 1


def test_an_event_is_told_before_its_answer_where_that_is_slow(api: Running) -> None:
    fault(api, delaySeconds=5)
    with following(api) as reader, connect(api) as wire:
        reader.until("state")
        body = json.dumps(EVENT).encode()
        wire.sendall(head(len(body)) + body)
        assert summaries(reader.until("events")[0]) == [EVENT["summary"]]


def test_a_page_may_be_read_from_either_end(api: Running) -> None:
    for number in range(5):
        post(api, {**EVENT, "summary": f"{number}"})
    newest = api.call("GET", "/events?order=newest&limit=2&brief=true")
    assert summaries(newest["events"]) == ["4", "3"]
    assert set(newest["events"][0]) == {
        "sequence",
        "receivedAt",
        "idempotencyKey",
        "deliveryId",
        "body",
    }
    older = api.call("GET", f"/events?order=newest&limit=3&before={newest['next']}")
    assert summaries(older["events"]) == ["2", "1", "0"]
    assert older["next"] is None
    assert summaries(api.call("GET", "/events?before=3")["events"]) == ["0", "1"]


@pytest.mark.parametrize("query", ["after=-1", "before=x", f"after={1 << 63}", "order=odd"])
def test_a_page_that_cannot_be_is_refused_in_words(api: Running, query: str) -> None:
    with pytest.raises(RuntimeError, match="answered 400"):
        api.call("GET", f"/events?{query}")


def test_one_event_is_read_by_its_number(api: Running) -> None:
    post(api, {**EVENT, "scope": {"clusters": ["a"]}})
    api.call("PUT", "/sandbox/inventory", {"a": {"n": ["s"]}, "b": {"n": ["s"]}})
    found = api.call("GET", "/events/1")
    assert found["reach"] == "ALL services, ALL namespaces, cluster a"
    assert found["services"] == [{"cluster": "a", "namespace": "n", "service": "s"}]
    for path in ("/events/2", "/events/x", "/events/99999999999999999999"):
        with pytest.raises(RuntimeError, match="answered 404"):
            api.call("GET", path)
