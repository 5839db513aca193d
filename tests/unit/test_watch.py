"""kopf is begun anew however it ends: soon where it watched for a while, and told of once."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Collection
from typing import Any

import aiohttp
import pytest

from customevents import trigger, watch
from customevents.sight import GOOD_FOR, Sight
from unit.instant import at_once
from unit.test_sight import Time

REFUSED = "the Kubernetes API answered 403: forbidden"


class Nobody:
    """An observer that does nothing with what it is told."""

    def shown(self, change: str | None, raw: dict[str, Any]) -> None:
        raise AssertionError(change, raw)

    def lists(self, namespace: str) -> None:
        raise AssertionError(namespace)

    def lost(self, namespace: str) -> None:
        assert namespace == "shop"

    def sees(self, namespace: str) -> None:
        raise AssertionError(namespace)


class Nowhere:
    """A way to an API server that nothing is asked of."""

    server = "https://127.0.0.1"

    def session(self, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(middlewares=middlewares)


class Refused(watch._Watcher):
    """Its kopf watches for so many seconds each time, is then refused, and ends."""

    def __init__(self, time: Time, watched: list[float]) -> None:
        super().__init__(Sight("shop"))
        self.time, self.watched = time, watched
        self.reasons = itertools.cycle([REFUSED])

    async def _spawn(self, *_: Any) -> Collection[asyncio.Task[Any]]:
        self.reason = next(self.reasons)
        self.sight.sees()
        self.time.now += self.watched.pop(0)
        self.sight.lost(self.reason, answered=True)
        self.stopping = not self.watched
        return [asyncio.create_task(self._end())]

    async def _end(self) -> None:
        raise PermissionError(self.reason)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr("customevents.sight.time.monotonic", clock)
    return clock


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The failures in a row of which each pause was made."""
    made: list[int] = []

    def pause(failures: int, **_: Any) -> float:
        made.append(failures)
        return 0.0

    monkeypatch.setattr(watch, "pause", pause)
    return made


def test_a_kopf_that_watched_for_a_while_and_is_then_refused_is_begun_anew_soon(
    time: Time, paused: list[int]
) -> None:
    at_once(Refused(time, [0.0, 0.0, GOOD_FOR, 0.0, GOOD_FOR, 0.0]).run(Nowhere(), Nobody()))
    assert paused == [1, 2, 1, 2, 1]


def test_a_trouble_that_comes_back_is_told_again_and_one_that_stays_is_not(
    time: Time, paused: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "customevents"):
        at_once(Refused(time, [GOOD_FOR, 0.0, 0.0, GOOD_FOR, 0.0]).run(Nowhere(), Nobody()))
    assert paused == [1, 2, 3, 1]
    assert caplog.text.count("not watching in namespace shop: ") == 2


def test_two_troubles_that_take_turns_are_told_once_each(
    time: Time, paused: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Refused(time, [0.0] * 9)
    watcher.reasons = itertools.cycle([REFUSED, "the Kubernetes API answered 502"])
    with caplog.at_level(logging.WARNING, "customevents"):
        at_once(watcher.run(Nowhere(), Nobody()))
    assert len(paused) == 8
    assert caplog.text.count("not watching in namespace shop: ") == 2


def test_kopf_begins_as_a_user_without_a_name_and_asks_no_name_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the users of pods: nothing names them, and a name server may be far away, or none."""

    def unknown(*_: Any) -> str:
        raise OSError("no such name")

    for asked in ("getpass.getuser", "socket.gethostname", "socket.gethostbyaddr"):
        monkeypatch.setattr(asked, unknown)

    async def begin() -> int:
        async with Nowhere().session() as session:
            tasks = await trigger.spawn(Nowhere.server, session, Nobody().shown, "shop")
            await watch._end(tasks)
        return len(tasks)

    assert asyncio.run(begin())
