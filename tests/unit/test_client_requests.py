"""What is sent and to whom, and who learns of the key: on real sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from customevents import sandbox
from customevents.eventsapi.client import Answer
from customevents.eventsapi.key import LOOK_EVERY, KeyFile
from unit.poster import BODY, CANARY, CREATED, client, post
from unit.raw_server import Connection, answering, hanging, serving


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
