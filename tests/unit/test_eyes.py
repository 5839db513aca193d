"""What is told of kopf's requests: each list but the first begins with everything in doubt."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import aiohttp
import pytest
from yarl import URL

from customevents import watch
from customevents.resource.errors import WatchFailed
from customevents.sight import SHORT_STREAMS, Eyes, Sight
from unit.instant import at_once

LIST = "/apis/customevents.dev/v1alpha1/customevents?limit=500"
NEXT = f"{LIST}&continue=token"
STREAM = "/apis/customevents.dev/v1alpha1/customevents?watch=true"


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def shown(self, change: str | None, raw: dict[str, Any]) -> None:
        raise AssertionError(change, raw)

    def lists(self, namespace: str) -> None:
        self.calls.append(f"lists {namespace}")

    def lost(self, namespace: str) -> None:
        self.calls.append(f"lost {namespace}")

    def sees(self, namespace: str) -> None:
        self.calls.append(f"sees {namespace}")


class Response:
    """As much of a response as is looked at."""

    def __init__(self, url: URL, status: int, content_type: str, body: bytes | None) -> None:
        self.url, self.status, self.content_type, self._body = url, status, content_type, body
        self.headers: dict[str, str] = {}
        self.content = aiohttp.StreamReader.__new__(aiohttp.StreamReader)

    async def read(self) -> bytes:
        if self._body is None:
            raise aiohttp.ClientPayloadError("it broke off")
        return self._body


class Asked:
    def __init__(self, path: str) -> None:
        self.url = URL(f"https://127.0.0.1{path}")


def ask(
    eyes: Eyes,
    path: str,
    status: int = 200,
    content_type: str = "application/json",
    body: bytes | None = b"{}",
) -> None:
    async def answer(request: Asked) -> Response:
        return Response(request.url, status, content_type, body)

    request: Any = Asked(path)
    asyncio.run(cast("Any", eyes(request, cast("aiohttp.ClientHandlerType", answer))))


def eyes(told: Told, *, first: bool = True) -> Eyes:
    return Eyes(Sight("shop"), told, first=first)


def test_the_first_list_of_all_puts_in_doubt_only_what_is_not_in_it() -> None:
    told = Told()
    looking = eyes(told)
    for path in (LIST, NEXT, STREAM):
        ask(looking, path)
    assert told.calls == ["lists shop", "sees shop"]


def test_a_second_list_does() -> None:
    told = Told()
    looking = eyes(told)
    for path in (LIST, STREAM, LIST, NEXT, STREAM):
        ask(looking, path)
    assert told.calls == ["lists shop", "sees shop", "lost shop", "sees shop"]


def test_so_does_the_first_list_of_a_kopf_that_was_begun_anew() -> None:
    """What was taken in since the one before has ended may be gone, too."""
    told = Told()
    ask(eyes(told, first=False), LIST)
    assert told.calls == ["lost shop"]


def test_streams_that_end_at_once_are_ended() -> None:
    looking = eyes(Told())
    for _ in range(SHORT_STREAMS):
        ask(looking, STREAM)
    with pytest.raises(WatchFailed, match="end as soon as they begin"):
        ask(looking, STREAM)


@pytest.mark.parametrize("asked", [(LIST, LIST), (LIST, NEXT, LIST), (LIST, NEXT, NEXT)])
def test_a_list_that_is_asked_for_again_although_it_was_answered_broke_off(
    asked: tuple[str, ...],
) -> None:
    """Kopf would begin it anew at once and for ever, and tell nobody."""
    looking = eyes(Told())
    for path in asked[:-1]:
        ask(looking, path)
    with pytest.raises(WatchFailed, match="broke off"):
        ask(looking, asked[-1])


def test_a_list_that_is_asked_for_again_as_it_was_refused_goes_on() -> None:
    looking = eyes(Told())
    for path in (LIST, NEXT):
        ask(looking, path, 503)
        ask(looking, path)
    ask(looking, STREAM)
    ask(looking, LIST)


def test_a_refusal_that_breaks_off_is_not_asked_for_again_at_once() -> None:
    looking = eyes(Told())
    with pytest.raises(WatchFailed, match="answered 503, and the answer broke off"):
        ask(looking, STREAM, 503, body=None)


def test_nobody_makes_kopf_wait_for_an_hour() -> None:
    asked = b'{"kind": "Status", "message": "later", "details": {"retryAfterSeconds": %d}}'
    looking = eyes(Told())
    ask(looking, STREAM, 429, body=asked % 5)
    with pytest.raises(WatchFailed, match="answered 429: later"):
        ask(looking, STREAM, 429, body=asked % 3600)


def test_a_kopf_that_asks_for_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ASKS_WITHIN", 0.01)

    async def wait() -> None:
        kopf = asyncio.create_task(asyncio.sleep(3600.0))
        looking = eyes(Told())
        looking.answered = True  # what it asked for before
        await watch._ended([kopf], looking)
        assert not kopf.done()
        assert (looking.reason, looking.answered) == ("kopf has asked for nothing for 0 s", False)
        kopf.cancel()

    asyncio.run(asyncio.wait_for(wait(), 10.0))


def test_a_stream_whose_answer_never_begins_is_lost() -> None:
    looking = eyes(Told())
    ask(looking, STREAM)
    sight = looking._sight
    assert sight.watched_for

    async def never(_: Asked) -> Response:
        await asyncio.sleep(3600.0)
        raise AssertionError

    request: Any = Asked(STREAM)
    with pytest.raises(TimeoutError):
        at_once(cast("Any", looking(request, cast("aiohttp.ClientHandlerType", never))))
    assert not sight.watched_for


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/apis", 200, b'{"groups": []}'),
        ("/apis/customevents.dev/v1alpha1", 404, b"404 page not found"),
        ("/apis/customevents.dev/v1alpha1", 200, b'{"resources": []}'),
    ],
)
def test_a_resource_that_is_not_there_is_not_waited_for(
    path: str, status: int, body: bytes
) -> None:
    looking = eyes(Told())
    with pytest.raises(WatchFailed, match="apply the CustomResourceDefinition"):
        ask(looking, path, status, body=body)


def test_a_page_where_json_should_be_is_no_watch() -> None:
    with pytest.raises(WatchFailed, match="text/html was answered"):
        ask(eyes(Told()), STREAM, content_type="text/html")


def test_a_refusal_is_told_in_the_api_servers_words_alone() -> None:
    looking = eyes(Told())
    said = b'{"kind": "Status", "message": "events are\\n forbidden", "reason": "Forbidden"}'
    ask(looking, STREAM, 403, body=said)
    assert looking.reason == "the Kubernetes API answered 403: events are forbidden"
    ask(looking, STREAM, 502, "text/html", b"<h1>Bad\x1b[31m gateway</h1>")
    assert "502 in words that are not its own" in looking.reason
    assert looking.reason.isprintable()
