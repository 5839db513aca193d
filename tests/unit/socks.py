"""A SOCKS5 proxy on loopback (RFC 1928), for the tests of what goes through one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from unit.raw_server import Connection


def socks(asked: list[str], port: int) -> Callable[[Connection], Any]:
    """One that notes whom it is asked for, and leads to this port whoever that is."""

    async def behave(connection: Connection) -> None:
        _, methods = await connection.reader.readexactly(2)
        await connection.reader.readexactly(methods)
        await connection.send(b"\x05\x00")
        *_, kind, length = await connection.reader.readexactly(5)
        host = await connection.reader.readexactly(length if kind == 3 else 3)
        wanted = int.from_bytes(await connection.reader.readexactly(2), "big")
        asked.append(f"{host.decode()}:{wanted}")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await connection.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x01")
        await asyncio.gather(passing(connection.reader, writer), passing(reader, connection.writer))

    return behave


async def passing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, to its end."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
