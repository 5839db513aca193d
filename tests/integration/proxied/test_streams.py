"""The proxy does to a watch what it is told to, whether or not it is open already."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

import pytest

from integration.conftest import Events
from integration.proxied.conftest import SPEC, Client
from proxy import (
    ApiProxy,
    DropFrames,
    EndAtOnce,
    Handle,
    InsertEvent,
    Rule,
    Silence,
)
from proxy.rules import StreamAction

GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410}}


@dataclass(frozen=True)
class Watch:
    """A watch that a client has open."""

    answer: HTTPResponse

    def next(self) -> dict[str, Any]:
        """The next event."""
        found: dict[str, Any] = json.loads(self.answer.readline())
        return found

    def next_name(self) -> str:
        """The name of the object in the next event."""
        name: str = self.next()["object"]["metadata"]["name"]
        return name


@contextmanager
def watching(client: Client) -> Iterator[Watch]:
    client.send("GET", "?watch=1")
    with closing(client.connection.getresponse()) as answer:
        yield Watch(answer)


def on_watches(proxy: ApiProxy, action: StreamAction, count: int | None = 1) -> Handle:
    return proxy.add(Rule("GET", "watch=1", action, count=count))


def test_an_event_is_inserted_into_the_next_watch_and_the_others_follow(
    proxy: ApiProxy, client: Client
) -> None:
    inserted = on_watches(proxy, InsertEvent(GONE))
    with watching(client) as watch:
        assert watch.next() == GONE
        assert watch.next_name() == "a"
    assert inserted.hits == 1


def test_an_event_is_inserted_into_a_watch_that_is_open_and_may_be_its_last(
    proxy: ApiProxy, client: Client
) -> None:
    with watching(client) as watch:
        assert watch.next_name() == "a"
        on_watches(proxy, InsertEvent(GONE, then_end=True))
        assert watch.next() == GONE
        assert watch.answer.readline() == b""
    with watching(client) as watch:
        assert watch.next_name() == "a"


def test_a_watch_can_end_at_once_for_as_long_as_the_rule_is_in_force(
    proxy: ApiProxy, client: Client
) -> None:
    with watching(client) as watch:
        assert watch.next_name() == "a"
        ended = on_watches(proxy, EndAtOnce(), count=None)
        assert watch.answer.readline() == b""
    for _ in range(2):
        with watching(client) as watch:
            assert watch.answer.status == 200
            assert watch.answer.readline() == b""
    assert ended.hits == 3

    ended.remove()
    with watching(client) as watch:
        assert watch.next_name() == "a"


@pytest.mark.parametrize("already_open", [False, True])
def test_a_silent_watch_stays_open_and_nothing_comes(
    proxy: ApiProxy, client: Client, events: Events, already_open: bool
) -> None:
    impatient = Client(proxy.kubeconfig, events.namespace, timeout=0.5)
    if not already_open:
        silence = on_watches(proxy, Silence())
    with closing(impatient.connection), watching(impatient) as watch:
        if already_open:
            assert watch.next_name() == "a"
            silence = on_watches(proxy, Silence())
            assert silence.reached.wait(10)
        events.create("b", SPEC)
        silence.remove()
        with pytest.raises(TimeoutError):
            watch.answer.readline()
    with watching(client) as watch:
        assert {watch.next_name(), watch.next_name()} == {"a", "b"}


def test_single_events_are_swallowed_until_the_rule_ends(
    proxy: ApiProxy, client: Client, events: Events
) -> None:
    with watching(client) as watch:
        assert watch.next_name() == "a"
        dropped = on_watches(proxy, DropFrames('"name":"(b|c)"'), count=None)
        for name in ("b", "c", "d"):
            events.create(name, SPEC)
        assert watch.next_name() == "d"
        assert dropped.hits == 2

        dropped.remove()
        events.kubectl("delete", "cev", "b")
        assert watch.next()["type"] == "DELETED"


def test_a_long_event_comes_as_one(client: Client, events: Events) -> None:
    details = {f"key-{i:03}": "x" * 200 for i in range(40)}
    with watching(client) as watch:
        assert watch.next_name() == "a"
        events.create("long", {**SPEC, "details": details})
        assert watch.next()["object"]["spec"]["details"] == details
