"""The status line decides, whatever stands around it: on real sockets.

What comes before it may not hold up anybody else, and what comes behind it cannot undo it.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource

import pytest

from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from unit.heartbeat import HELD_UP, heartbeat
from unit.poster import BODY, CREATED, client, post
from unit.raw_server import Connection, answering, serving

#: What may follow a status line, and no HTTP library takes.
UNREADABLE = [
    pytest.param(b"X: " + b"x" * 100_000 + b"\r\n\r\n", id="a header that is too long"),
    pytest.param(b"X: x\r\n" * 10_000 + b"\r\n", id="too many headers"),
    pytest.param(b"X\x00Y: z\r\n\r\n", id="a name that is none"),
    pytest.param(b"X: a\x00b\r\n\r\n", id="a value that is none"),
    pytest.param(b"no colon\r\n\r\n", id="a line that is no header"),
    pytest.param(b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two lengths"),
    pytest.param(b"Content-Length: two\r\n\r\n{}", id="a length that is none"),
    pytest.param(b"Content-Length: 99999999999999999999\r\n\r\n{}", id="a length beyond numbers"),
    pytest.param(b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", id="both lengths"),
    pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", id="a chunk that is none"),
    pytest.param(b"Transfer-Encoding: what\r\n\r\n{}", id="an unknown coding"),
    pytest.param(b"Server: x", id="half a header"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [201, 400, 500])
@pytest.mark.parametrize("rest", UNREADABLE)
async def test_a_status_line_stands_whatever_follows(
    key: KeyFile, status: int, rest: bytes
) -> None:
    said = b"HTTP/1.1 %d So\r\n" % status + rest
    async with serving(answering(said)) as server:
        assert await post(server, key) == Answer(status)
    assert server.connections == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("rest", UNREADABLE[:5])
async def test_the_wish_to_wait_is_heard_among_what_cannot_be_read(
    key: KeyFile, status: int, rest: bytes
) -> None:
    said = b"HTTP/1.1 %d So\r\nretry-after:  7\r\n" % status + rest
    async with serving(answering(said)) as server:
        assert await post(server, key) == Answer(status, retry_after="7")


@pytest.mark.asyncio
async def test_the_status_line_stands_when_its_headers_do_not_end_in_time(key: KeyFile) -> None:
    async def dawdle(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 201 Created\r\nServer: ")
        while True:
            await connection.send(b"x")
            await asyncio.sleep(0.02)

    async with serving(dawdle) as server, client(server, key, timeout=1.0) as api:
        assert await api.post(BODY, "5e0c") == Answer(201)


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_status_line_is_heard_in_whatever_pieces_it_comes(key: KeyFile, size: int) -> None:
    said = b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 201 Created\r\nX\x00: b\r\n\r\n"

    async def in_pieces(connection: Connection) -> None:
        await connection.request()
        for start in range(0, len(said), size):
            await connection.send(said[start : start + size])
            await asyncio.sleep(0)

    async with serving(in_pieces) as server:
        assert await post(server, key) == Answer(201)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 2010 So",
        b"HTTP/1.1 20 So",
        b"HTTP/3.1 201 So",
        b"HTTP/1.1 201\x00So",
        b"XHTTP/1.1 201",
    ],
)
async def test_what_is_no_status_line_is_no_answer(key: KeyFile, line: bytes) -> None:
    async with serving(answering(line + b"\r\nX\x00: y\r\n\r\n")) as server:
        result = await post(server, key)
    assert isinstance(result, NoAnswer)
    assert result.stage is Stage.SENT


# --- Before the status line


EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@pytest.mark.asyncio
async def test_informational_answers_are_passed_over(key: KeyFile) -> None:
    async with serving(answering(EARLY * 16 + CREATED)) as server:
        assert await post(server, key) == Answer(201)


@pytest.mark.asyncio
async def test_more_informational_answers_than_anybody_sends_are_no_answer(key: KeyFile) -> None:
    async with serving(answering(EARLY * 17 + CREATED)) as server:
        assert await post(server, key) == NoAnswer(Stage.SENT, "Flooded")


def greatest_memory() -> int:
    """The most that the process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("first", "flood"),
    [
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="informational answers"),
        pytest.param(b"HTTP/1.1 100 Continue\r\nX: ", b"x", id="an informational answer's header"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n", b"X: y\r\n", id="informational headers"),
        pytest.param(b"HTTP/1.1 201 ", b"x", id="a status line"),
        pytest.param(b"", b"\r\n", id="empty lines"),
    ],
)
async def test_a_flood_before_the_status_line_holds_up_nobody(
    key: KeyFile, first: bytes, flood: bytes
) -> None:
    sent = 0

    async def pour(connection: Connection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(first)
        piece = flood * (65536 // len(flood))
        while True:
            await connection.send(piece)
            sent += len(piece)
            await asyncio.sleep(0)

    before = greatest_memory()
    async with serving(pour) as server, client(server, key) as api, heartbeat() as late:
        posts = [api.post(BODY, str(number)) for number in range(16)]
        results = await asyncio.wait_for(asyncio.gather(*posts), timeout=30)
    assert {result.stage for result in results if isinstance(result, NoAnswer)} == {Stage.SENT}
    assert not any(isinstance(result, Answer) for result in results)
    assert max(late) < HELD_UP
    assert greatest_memory() - before < 48 << 20
    assert sent < 64 << 20  # what the buffers of both sides hold, and no more


# --- Behind the answer, and before the endpoint


@pytest.mark.asyncio
async def test_an_answer_that_nobody_asked_for_is_not_the_next_ones(key: KeyFile) -> None:
    """As of a load balancer that says 408 on an idle connection, and closes it."""
    told = asyncio.Event()

    async def answer_twice(connection: Connection) -> None:
        await connection.request()
        await connection.send(CREATED)
        if told.is_set():
            return
        await asyncio.sleep(0.05)
        await connection.send(b"HTTP/1.1 408 Too slow\r\nContent-Length: 0\r\n\r\n")
        told.set()
        with contextlib.suppress(asyncio.IncompleteReadError):
            await connection.request()

    async with serving(answer_twice) as server, client(server, key) as api:
        assert await api.post(BODY, "one") == Answer(201)
        await told.wait()
        await asyncio.sleep(0.05)
        assert await api.post(BODY, "two") == Answer(201)
    assert server.connections == 2


@pytest.mark.asyncio
@pytest.mark.parametrize("then", [b"", b"220 mail.example ESMTP\r\n"], ids=["silence", "no TLS"])
async def test_what_a_proxy_answers_is_not_the_endpoints_answer(key: KeyFile, then: bytes) -> None:
    async def connect_to_nothing(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        await connection.reader.read(5)
        await connection.send(then)
        await connection.reader.read()

    async with serving(connect_to_nothing) as proxy:
        through = f"http://127.0.0.1:{proxy.port}"
        api = EventsClient("https://events.invalid", key, timeout=0.6, proxy=through)
        async with api:
            result = await api.post(BODY, "5e0c")
    assert isinstance(result, NoAnswer)


@pytest.mark.asyncio
@pytest.mark.parametrize("left", [b"", b"HTTP/1.1 201 Cre", b"HTTP/1.1 201 Created\r\n"], ids=repr)
async def test_behind_an_answer_that_is_no_success_the_connection_is_not_used_again(
    key: KeyFile, left: bytes
) -> None:
    """As of who refuses a request before it has read all of it, and then answers the rest."""
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

    async def refusing(connection: Connection) -> None:
        await connection.request()
        await connection.send(refusal + left)
        await connection.request()
        await connection.send(refusal)

    async with serving(refusing) as server, client(server, key) as api:
        results = [await api.post(BODY, "5e0c") for _ in range(2)]
    assert results == [Answer(400), Answer(400)]
    assert server.connections == 2
