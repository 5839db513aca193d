"""What is known after a request, on real sockets.

A wrong "it never arrived" would send an event twice without a word about it, and a wrong "nobody
knows" would only count one too many: where the two cannot be told apart, it is the second.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certificates import serving_context
from customevents import sandbox
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import LOOK_EVERY, KeyFile
from customevents.resource.errors import KeyFileError
from unit.poster import BODY, CANARY, CREATED, client, post
from unit.raw_server import Connection, answering, hanging, serving


def no_answer(result: Answer | NoAnswer) -> Stage:
    assert isinstance(result, NoAnswer), result
    return result.stage


# --- Nothing was sent


@pytest.mark.asyncio
async def test_a_refused_connection_never_arrived(key: KeyFile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert no_answer(await post(f"http://127.0.0.1:{port}", key)) is Stage.CONNECT


@pytest.mark.asyncio
async def test_a_name_that_does_not_exist_never_arrived(key: KeyFile) -> None:
    assert no_answer(await post("https://events.invalid", key)) is Stage.CONNECT


@pytest.mark.asyncio
async def test_a_connection_that_times_out_never_arrived(key: KeyFile) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        api = EventsClient(f"http://127.0.0.1:{address[1]}", key, connect_timeout=0.1)
        async with api:
            result = await api.post(BODY, "5e0c")
        for one in waiting:
            one.close()
    assert no_answer(result) is Stage.CONNECT


@pytest.mark.asyncio
async def test_a_name_that_nobody_answers_for_never_arrived(
    key: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a network policy drops the requests to the cluster's DNS."""

    async def silence(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60.0)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", silence)
    async with client("https://events.example.com", key, timeout=1.0) as api:
        result = await api.post(BODY, "5e0c")
    assert no_answer(result) is Stage.CONNECT


@pytest.mark.asyncio
async def test_a_proxy_that_does_not_answer_lets_nothing_arrive(key: KeyFile) -> None:
    async with serving(hanging) as proxy:
        through = f"http://127.0.0.1:{proxy.port}"
        api = EventsClient("https://events.example.com", key, timeout=1.0, proxy=through)
        async with api:
            result = await api.post(BODY, "5e0c")
    assert no_answer(result) is Stage.CONNECT


@pytest.mark.asyncio
async def test_a_tls_handshake_that_fails_never_arrived(key: KeyFile) -> None:
    async def speak_no_tls(connection: Connection) -> None:
        await connection.reader.read(5)
        await connection.send(b"220 mail.example ESMTP\r\n")

    async with serving(speak_no_tls) as server:
        result = await post(f"https://127.0.0.1:{server.port}", key)
    assert no_answer(result) is Stage.CONNECT


@pytest.mark.asyncio
async def test_a_tls_handshake_that_hangs_never_arrived(key: KeyFile) -> None:
    async with serving(hanging) as server:
        api = EventsClient(f"https://127.0.0.1:{server.port}", key, connect_timeout=0.1)
        async with api:
            result = await api.post(BODY, "5e0c")
    assert no_answer(result) is Stage.CONNECT


@pytest.mark.asyncio
async def test_a_certificate_that_is_not_trusted_is_told_apart(
    key: KeyFile, tmp_path: Path
) -> None:
    tls, _ = serving_context(tmp_path)
    async with serving(hanging, tls=tls) as server:
        result = await post(f"https://127.0.0.1:{server.port}", key)
    assert no_answer(result) is Stage.CERTIFICATE


@pytest.mark.asyncio
async def test_without_a_usable_key_there_is_not_even_a_connection(tmp_path: Path) -> None:
    async with serving(hanging) as server:
        with pytest.raises(KeyFileError):
            await post(server, KeyFile(tmp_path / "missing"))
    assert server.connections == 0


# --- Nobody knows


async def reset_before_reading(connection: Connection) -> None:
    connection.reset()


async def reset_after_reading(connection: Connection) -> None:
    await connection.request()
    connection.reset()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(reset_before_reading, id="reset before reading"),
        pytest.param(reset_after_reading, id="reset after reading"),
        pytest.param(answering(b""), id="closed without an answer"),
        pytest.param(answering(b"SANDBOX 999 this is not HTTP\r\n\r\n"), id="not HTTP"),
        pytest.param(answering(b"\xff\xfe\x00\r\n\r\n"), id="not even text"),
        pytest.param(answering(b"HTTP/1.1 201"), id="half a status line"),
        pytest.param(answering(b"HTTP/1.1 2010 Created\r\n\r\n"), id="four digits"),
        pytest.param(answering(b"HTTP/1.1 042 What\r\n\r\n"), id="no status of HTTP"),
        pytest.param(answering(b"HTTP/1.1 000 What\r\n\r\n"), id="status zero"),
        pytest.param(
            answering(b"HTTP/1.1 201 " + b"O" * 100_000 + b"\r\n\r\n"), id="an endless line"
        ),
    ],
)
async def test_without_a_status_line_nobody_knows(key: KeyFile, behaviour: Any) -> None:
    async with serving(behaviour) as server:
        assert no_answer(await post(server, key)) is Stage.SENT
    assert server.connections == 1  # and nothing below us tried once more


@pytest.mark.asyncio
async def test_without_an_answer_in_time_nobody_knows(key: KeyFile) -> None:
    async with serving(hanging) as server, client(server, key, timeout=1.0) as api:
        result = await asyncio.wait_for(api.post(BODY, "5e0c"), timeout=30)
    assert result == NoAnswer(Stage.SENT, "TimeoutError")


@pytest.mark.asyncio
async def test_a_reset_on_a_connection_that_was_used_before_is_not_tried_again(
    key: KeyFile,
) -> None:
    async def answer_once(connection: Connection) -> None:
        await connection.request()
        await connection.send(CREATED)
        await connection.request()
        connection.reset()

    async with serving(answer_once) as server, client(server, key) as api:
        assert await api.post(BODY, "one") == Answer(201)
        assert no_answer(await api.post(BODY, "two")) is Stage.SENT
        assert server.connections == 1


# --- A status line was read


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [201, 204, 301, 400, 403, 404, 429, 500, 503, 599])
async def test_a_status_line_is_an_answer(key: KeyFile, status: int) -> None:
    said = f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n".encode()
    async with serving(answering(said)) as server:
        assert await post(server, key) == Answer(status)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Content-Length: 100\r\n\r\n{", id="truncated"),
        pytest.param(b"Content-Length: 4\r\nContent-Encoding: gzip\r\n\r\nabcd", id="no gzip"),
        pytest.param(b"\r\n" + b" " * 1_000_000, id="oversize"),
        pytest.param(b"\r\n", id="none"),
    ],
)
async def test_the_status_line_stands_whatever_becomes_of_the_body(
    key: KeyFile, body: bytes
) -> None:
    async with serving(answering(b"HTTP/1.1 201 Created\r\n" + body)) as server:
        assert await post(server, key) == Answer(201)


@pytest.mark.asyncio
async def test_the_status_line_stands_when_the_connection_is_reset_behind_it(
    key: KeyFile,
) -> None:
    async def reset_in_the_body(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{")
        await asyncio.sleep(0.05)  # a reset overtakes what was not yet read
        connection.reset()

    async with serving(reset_in_the_body) as server:
        assert await post(server, key) == Answer(201)


@pytest.mark.asyncio
async def test_an_endless_body_is_not_read_to_its_end(key: KeyFile) -> None:
    async def flood(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 201 Created\r\n\r\n")
        while True:
            await connection.send(b" " * 65536)

    async with serving(flood) as server, client(server, key, timeout=600) as api:
        async with asyncio.timeout(20):
            assert await api.post(BODY, "5e0c") == Answer(201)


@pytest.mark.asyncio
async def test_status_and_body_share_one_timeout(key: KeyFile) -> None:
    async def dawdle(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(1.0)
        await connection.send(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{")
        await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    async with serving(dawdle) as server, client(server, key, timeout=2.0) as api:
        begun = loop.time()
        assert await api.post(BODY, "5e0c") == Answer(201)
        assert loop.time() - begun < 1.0 + 2.0


@pytest.mark.asyncio
async def test_the_wish_to_wait_is_part_of_the_answer(key: KeyFile) -> None:
    said = b"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(said)) as server:
        assert await post(server, key) == Answer(429, retry_after="7")


@pytest.mark.asyncio
async def test_a_redirect_is_an_answer_and_is_not_followed(key: KeyFile) -> None:
    async with serving(answering(CREATED)) as elsewhere:
        said = (
            f"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        async with serving(answering(said.encode())) as server:
            assert await post(server, key) == Answer(307)
    assert elsewhere.connections == 0


# --- What goes over the wire


@pytest.mark.asyncio
async def test_a_connection_is_used_again(key: KeyFile) -> None:
    async def answer_all(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(CREATED)

    async with serving(answer_all) as server, client(server, key) as api:
        for number in range(3):
            assert await api.post(BODY, str(number)) == Answer(201)
        assert server.connections == 1


@pytest.mark.asyncio
async def test_proxies_of_the_environment_are_left_alone(
    key: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(hanging) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with serving(answering(CREATED)) as server:
            assert await post(server, key) == Answer(201)
    assert proxy.connections == 0


@pytest.mark.asyncio
async def test_the_key_is_told_to_the_endpoint_alone(
    key: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    """The endpoint says it back wherever an error could quote it."""
    caplog.set_level(logging.DEBUG)
    echoes = [
        f"{CANARY}\r\n\r\n",
        f"HTTP/1.1 {CANARY}\r\n\r\n",
        f"HTTP/1.1 201 OK\r\n{CANARY}\r\n\r\n",
        f"HTTP/1.1 403 {CANARY}\r\nContent-Length: 99\r\n\r\n{CANARY}",
    ]
    results = []
    for echo in echoes:
        async with serving(answering(echo.encode())) as server:
            results.append(await post(server, key))
    assert CANARY not in repr(results) + caplog.text


@pytest.mark.asyncio
async def test_being_cancelled_is_not_an_outcome(key: KeyFile) -> None:
    asked = asyncio.Event()

    async def hang(connection: Connection) -> None:
        await connection.request()
        asked.set()
        await hanging(connection)

    async with serving(hang) as server:
        posting = asyncio.create_task(post(server, key))
        await asked.wait()
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting


@pytest.fixture(scope="module")
def events_api() -> Iterator[sandbox.Running]:
    with sandbox.running(key=CANARY) as running:
        yield running


@pytest.mark.asyncio
async def test_a_documented_event_is_accepted_under_its_delivery_id(
    key: KeyFile, events_api: sandbox.Running
) -> None:
    assert await post(events_api.url, key) == Answer(201)
    (request,) = events_api.call("GET", "/sandbox/requests")["requests"]
    assert request["idempotencyKey"] == "5e0c"
    assert request["problems"] == []
    names = {name.lower() for name in request["headers"]}
    assert {"x-api-key", "idempotency-key", "content-type", "user-agent"} <= names


@pytest.mark.asyncio
async def test_a_key_that_changes_is_used_within_a_second(
    key: KeyFile, events_api: sandbox.Running
) -> None:
    async with client(events_api.url, key) as api:
        assert await api.post(BODY, "1") == Answer(201)
        key.path.write_text("another-key")
        await asyncio.sleep(LOOK_EVERY)
        assert await api.post(BODY, "2") == Answer(403)


@pytest.mark.asyncio
async def test_a_probe_reads_the_key_at_once(key: KeyFile, events_api: sandbox.Running) -> None:
    async with client(events_api.url, key) as api:
        key.path.write_text("another-key")
        assert await api.post(BODY, "1") == Answer(403)
        key.path.write_text(CANARY)
        assert await api.validate() == Answer(200)
        assert await api.post(BODY, "2") == Answer(201)
