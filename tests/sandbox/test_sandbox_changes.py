"""The stream of what happens: told at once, once, in order, and from where one was."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from customevents.sandbox import Running, Setup, changes, running
from customevents.sandbox.contract import Event
from customevents.sandbox.server import listening
from customevents.sandbox.store import Arrival, Store
from sandbox.reader import PATH, following, summaries
from sandbox.sandbox_client import EVENT, address, connect, fault, head, post, send

#: Seconds; half of a beat, which is when a reader would be missed at the latest.
AT_ONCE = changes.BEAT / 2


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as started:
        yield started


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


def test_a_sandbox_that_is_followed_stops_at_once_and_ends_what_it_says() -> None:
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(contextlib.ExitStack())
        api = sandbox.enter_context(running())
        reader = stack.enter_context(following(api))
        reader.until("state")
        began = time.monotonic()
        sandbox.close()
        assert time.monotonic() - began < AT_ONCE
        assert reader.ends(), "it was not cut off, or this would raise"


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


def test_only_events_have_an_id_so_that_one_goes_on_behind_the_last_of_them(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BEAT", 0.05)
    post(api)
    epoch = api.call("GET", "/events")["epoch"]
    ids: dict[str, str] = {}
    with following(api) as reader:
        while "reset" not in ids:
            kind, _, ids[kind] = reader.next()
            if kind == "beat":
                api.call("DELETE", "/events")
    assert ids == {"state": "", "events": f"{epoch}:1", "beat": "", "reset": ""}


def test_an_event_whose_answer_is_late_is_told_once_and_in_its_place(api: Running) -> None:
    fault(api, match={"summary": "late"}, delaySeconds=0.5)
    with following(api) as reader:
        reader.until("state")
        late = threading.Thread(target=post, args=(api, {**EVENT, "summary": "late"}))
        late.start()
        assert summaries(reader.until("events")[0]) == ["late"]
        post(api, {**EVENT, "summary": "quick"})
        assert summaries(reader.until("events")[0]) == ["quick"]
        late.join()
        post(api, {**EVENT, "summary": "last"})
        assert summaries(reader.until("events")[0]) == ["last"]


def test_each_sandbox_tells_its_own_readers_alone_and_all_of_them() -> None:
    with running() as one, running() as other, following(other) as elsewhere:
        elsewhere.until("state")
        with following(one) as first, following(one) as second:
            post(one, {**EVENT, "summary": "one"})
            assert summaries(first.until("events")[0]) == ["one"]
            assert summaries(second.until("events")[0]) == ["one"]
        post(other, {**EVENT, "summary": "other"})
        assert summaries(elsewhere.until("events")[0]) == ["other"]


def test_a_record_that_is_opened_again_is_told_from_its_beginning(tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    with running(database=database) as api:
        post(api, {**EVENT, "summary": "before"})
    with running(database=database) as api, following(api) as reader:
        assert summaries(reader.until("events")[0]) == ["before"]
        post(api, {**EVENT, "summary": "after"})
        told, place = reader.until("events")
        assert (summaries(told), place[-2:]) == (["after"], ":2")


def test_more_than_one_message_holds_is_told_without_a_pause(tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    _fill(database, 2 * changes.BATCH + 1)
    with running(database=database) as api, following(api) as reader:
        assert reader.next()[0] == "state"
        told = [reader.next() for _ in range(3)]
    assert [kind for kind, *_ in told] == ["events"] * 3
    assert [len(said) for _, said, _ in told] == [changes.BATCH, changes.BATCH, 1]


def test_of_a_record_that_was_begun_anew_nothing_is_told_under_the_name_of_the_old(
    tmp_path: Path,
) -> None:
    """More than the sockets hold is waiting for a reader when the events are cleared."""
    database = str(tmp_path / "events.db")
    _fill(database, 5000)
    with running(database=database) as api, following(api) as reader:
        reader.until("state")
        api.call("DELETE", "/events")
        post(api, {**EVENT, "summary": "new"})
        told: list[str] = []
        while (message := reader.next())[0] != "reset":
            told += summaries(message[1]) if message[0] == "events" else []
    assert len(told) < 5000
    assert "new" not in told


def _fill(database: str, many: int) -> None:
    store = Store(database)
    event = Event.model_validate({**EVENT, "summary": "s" * 4000})
    for _ in range(many):
        store.record(Arrival("events", 0, (), None, ""), answered=201, event=event)
    store.close()


def test_a_reader_who_leaves_leaves_nothing_running() -> None:
    async def main() -> None:
        async with listening("127.0.0.1", 0, Setup()) as url, asyncio.timeout(AT_ONCE):
            idle = len(asyncio.all_tasks())
            for _ in range(10):
                reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
                writer.write(f"GET {PATH} HTTP/1.1\r\nHost: sandbox\r\n\r\n".encode())
                await reader.readuntil(b"event: state")
                assert len(asyncio.all_tasks()) > idle
                writer.close()
            while len(asyncio.all_tasks()) > idle:  # noqa: ASYNC110 - nobody tells of their end
                await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_reader_who_reads_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    _fill(database, 5000)
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(running(database=database))
        stack.enter_context(following(api)).until("state")
        began = time.monotonic()
        stack.pop_all().close()
    assert time.monotonic() - began < AT_ONCE


def test_a_stream_is_there_to_be_read_alone(api: Running) -> None:
    for method in ("HEAD", "POST", "PUT", "DELETE"):
        assert send(api, method, PATH).status == 405
