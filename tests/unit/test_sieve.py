"""What is no work is shown past kopf; what one object is shown as keeps its order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest

from customevents.sieve import Sieve, Sifted
from unit.builders import raw_event

Shown = list[tuple[str | None, str]]

FINISHED: dict[str, Any] = {
    "conditions": [{"type": "Delivered", "observedGeneration": 1}],
    "delivery": {"state": "Delivered"},
}


@pytest.fixture
def shown() -> Shown:
    return []


@pytest.fixture
def sieve(shown: Shown) -> Sieve:
    return Sieve(lambda change, raw: shown.append((change, raw["metadata"]["resourceVersion"])))


def line(change: str, raw: dict[str, Any]) -> bytes:
    return json.dumps({"type": change, "object": raw}).encode()


def waiting(version: int = 10, **metadata: Any) -> dict[str, Any]:
    return raw_event(resourceVersion=str(version), **metadata)


def finished(version: int = 10, **metadata: Any) -> dict[str, Any]:
    return raw_event(status=FINISHED, resourceVersion=str(version), **metadata)


def test_a_list_is_shown_as_it_is_read_and_kopf_gets_it_empty(sieve: Sieve, shown: Shown) -> None:
    page = {
        "kind": "CustomEventList",
        "metadata": {"resourceVersion": "20", "continue": "token"},
        "items": [waiting(10), finished(11)],
    }
    left = json.loads(sieve.page(json.dumps(page).encode()))
    assert shown == [(None, "10"), (None, "11")]
    assert left == {**page, "items": []}


def test_the_empty_list_of_an_api_server_written_in_go_is_a_list(sieve: Sieve) -> None:
    page = {"kind": "CustomEventList", "metadata": {"resourceVersion": "20"}, "items": None}
    assert json.loads(sieve.page(json.dumps(page).encode()))["items"] == []


@pytest.mark.parametrize(
    "page",
    [b"<html>", b"", b"[]", b'{"items": [{"metadata": 1}]}', b'{"metadata": {}, "items": [1]}'],
)
def test_a_page_that_is_no_list_is_left_for_kopf_to_trip_over(
    sieve: Sieve, shown: Shown, page: bytes
) -> None:
    assert sieve.page(page) == page
    assert shown == []


@pytest.mark.parametrize("change", ["ADDED", "MODIFIED"])
def test_what_is_finished_is_shown_and_kopf_resumes_behind_it(
    sieve: Sieve, shown: Shown, change: str
) -> None:
    left = json.loads(sieve.line(line(change, finished(11))))
    assert shown == [(change, "11")]
    assert left == {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "11"}}}


@pytest.mark.parametrize(
    ("change", "raw"),
    [
        ("ADDED", waiting()),
        ("MODIFIED", waiting()),
        ("MODIFIED", finished(generation=2)),
        ("MODIFIED", finished(annotations={"customevents.dev/resend": "again"})),
        ("MODIFIED", finished(deletionTimestamp="2026-05-01T12:00:00Z")),
        ("DELETED", finished()),
        ("DELETED", waiting()),
    ],
    ids=["new", "waiting", "edited", "resent", "being deleted", "deleted", "deleted and waiting"],
)
def test_what_may_be_work_is_for_kopf(
    sieve: Sieve, shown: Shown, change: str, raw: dict[str, Any]
) -> None:
    assert sieve.line(line(change, raw)) == line(change, raw)
    assert shown == []


def test_what_follows_on_a_change_that_kopf_has_not_shown_yet_goes_the_same_way(
    sieve: Sieve, shown: Shown
) -> None:
    """Shown first, what came last would be taken for the newest, and what came before for news."""
    sieve.line(line("MODIFIED", waiting(10)))
    sieve.line(line("MODIFIED", waiting(11)))
    sieve.show("MODIFIED", waiting(10))
    assert sieve.line(line("MODIFIED", finished(12))) == line("MODIFIED", finished(12))
    sieve.show("MODIFIED", waiting(11))
    sieve.show("MODIFIED", finished(12))
    sieve.line(line("MODIFIED", finished(13)))
    assert shown == [
        ("MODIFIED", "10"),
        ("MODIFIED", "11"),
        ("MODIFIED", "12"),
        ("MODIFIED", "13"),
    ]


def test_a_list_does_not_overtake_a_change_that_kopf_has_not_shown_yet(
    sieve: Sieve, shown: Shown
) -> None:
    """A stream may break off while kopf is at work, and the list comes from the same kopf."""
    sieve.line(line("MODIFIED", waiting(10, uid="one")))
    page = {
        "kind": "CustomEventList",
        "metadata": {},
        "items": [finished(20, uid="one"), finished(21, uid="two")],
    }
    left = json.loads(sieve.page(json.dumps(page).encode()))
    assert (left["items"], shown) == ([finished(20, uid="one")], [(None, "21")])
    sieve.show("MODIFIED", waiting(10, uid="one"))
    sieve.show(None, finished(20, uid="one"))
    sieve.line(line("MODIFIED", finished(22, uid="one")))
    assert shown == [(None, "21"), ("MODIFIED", "10"), (None, "20"), ("MODIFIED", "22")]


def test_another_object_is_not_held_up_by_that(sieve: Sieve, shown: Shown) -> None:
    sieve.line(line("ADDED", waiting(10, uid="one")))
    sieve.line(line("MODIFIED", finished(11, uid="two")))
    assert shown == [("MODIFIED", "11")]


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"no json",
        b"[]",
        b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}',
        b'{"type": "ERROR", "object": {"kind": "Status", "code": 410}}',
        b'{"type": "ADDED", "object": {"metadata": null}}',
        b'{"type": "ADDED", "object": {"metadata": {"uid": [], "resourceVersion": "1"}}}',
        b'{"type": [], "object": {"metadata": {"uid": "a", "resourceVersion": "1"}}}',
    ],
)
def test_every_other_line_is_for_kopf_as_it_is(sieve: Sieve, shown: Shown, odd: bytes) -> None:
    assert sieve.line(odd) == odd
    assert shown == []


class Content:
    """As much of a response's content as is read."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.other = "seen through"

    async def read(self) -> bytes:
        return b"".join(self._chunks)

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


def sifted(sieve: Sieve, *chunks: bytes) -> Sifted:
    return Sifted(cast("aiohttp.StreamReader", Content(*chunks)), sieve)


def test_a_line_that_comes_in_pieces_is_one_line(sieve: Sieve, shown: Shown) -> None:
    whole = line("MODIFIED", finished(11)) + b"\n" + line("ADDED", waiting(12)) + b"\n"

    async def lines() -> list[bytes]:
        content = sifted(sieve, whole[:7], whole[7:-5], whole[-5:])
        return [each async for each in content.iter_chunked(1)]

    first, second = asyncio.run(lines())
    assert (json.loads(first)["type"], second) == ("BOOKMARK", line("ADDED", waiting(12)) + b"\n")
    assert shown == [("MODIFIED", "11")]


def test_a_page_is_read_through_it_and_all_else_of_the_content_seen_through_it(
    sieve: Sieve, shown: Shown
) -> None:
    page = json.dumps({"kind": "L", "metadata": {}, "items": [waiting(10)]}).encode()
    content = sifted(sieve, page)
    assert json.loads(asyncio.run(content.read()))["items"] == []
    assert (shown, content.other) == ([(None, "10")], "seen through")
