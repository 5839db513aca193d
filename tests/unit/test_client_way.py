"""The way to the endpoint: through a proxy, and behind a certificate of one's own."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certificates import serving_context
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.resource.errors import SettingsError
from unit.poster import BODY, CREATED
from unit.raw_server import Connection, RawServer, answering, serving
from unit.socks import passing


async def post(
    endpoint: str, key: KeyFile, *, proxy: RawServer | None = None, ca_file: Path | None = None
) -> Answer | NoAnswer:
    through = f"http://127.0.0.1:{proxy.port}" if proxy else ""
    async with EventsClient(endpoint, key, timeout=5.0, proxy=through, ca_file=ca_file) as api:
        return await api.post(BODY, "5e0c")


def tunnelling(asked: list[bytes]) -> Callable[[Connection], Any]:
    """A proxy: it connects to whom it is asked for, and passes on what both sides say."""

    async def behave(connection: Connection) -> None:
        asked.append(await connection.reader.readuntil(b"\r\n\r\n"))
        host, _, port = asked[-1].split()[1].decode().partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await connection.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(passing(connection.reader, writer), passing(reader, connection.writer))

    return behave


@pytest.mark.asyncio
async def test_an_event_goes_through_the_proxy_without_the_proxy_reading_it(
    key: KeyFile, tmp_path: Path
) -> None:
    tls, authority = serving_context(tmp_path)
    asked: list[bytes] = []
    async with (
        serving(answering(CREATED), tls=tls) as server,
        serving(tunnelling(asked)) as proxy,
    ):
        endpoint = f"https://localhost:{server.port}"
        result = await post(endpoint, key, proxy=proxy, ca_file=authority)
    assert result == Answer(201)
    assert [line.split(b"\r\n")[0] for line in asked] == [
        f"CONNECT localhost:{server.port} HTTP/1.1".encode()
    ]
    assert key.read().get_secret_value().encode() not in asked[0]


@pytest.mark.asyncio
async def test_a_proxy_that_is_away_took_nothing(key: KeyFile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        away = RawServer(port=free.getsockname()[1])
    result = await post("https://events.invalid", key, proxy=away)
    assert isinstance(result, NoAnswer)
    assert result.stage is Stage.CONNECT


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_proxy_that_refuses_to_connect_passed_nothing_on(key: KeyFile, status: int) -> None:
    async def refuse(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())

    async with serving(refuse) as proxy:
        result = await post("https://events.invalid", key, proxy=proxy)
    assert result == NoAnswer(Stage.CONNECT, f"the proxy answered {status}")


@pytest.mark.asyncio
async def test_a_certificate_of_ones_own_is_trusted_where_it_is_named(
    key: KeyFile, tmp_path: Path
) -> None:
    tls, authority = serving_context(tmp_path)
    async with serving(answering(CREATED), tls=tls) as server:
        result = await post(f"https://localhost:{server.port}", key, ca_file=authority)
    assert result == Answer(201)


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["absent", "empty", "other"])
def test_a_file_without_certificates_is_told_at_the_start(
    key: KeyFile, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.crt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=f"the CA file {file} gives no certificates: "):
        EventsClient("https://events.invalid", key, ca_file=file)


def test_a_pipe_in_the_place_of_the_certificates_is_told_at_the_start(
    key: KeyFile, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "ca.crt")
    with pytest.raises(SettingsError, match="gives no certificates: it is no regular file"):
        EventsClient("https://events.invalid", key, ca_file=tmp_path / "ca.crt")
