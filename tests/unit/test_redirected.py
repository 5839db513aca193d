"""What sends a request elsewhere is not followed: our credentials are for the API server alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from customevents import kube
from customevents.chosen import Chosen
from customevents.resource.errors import NotTheApi
from kubeconfigs import write
from unit.raw_server import Connection, serving


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.asyncio
async def test_it_is_said_in_one_line_and_nobody_else_is_asked(
    tmp_path: Path, status: int, method: str
) -> None:
    async def login(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlogin")

    async with serving(login) as elsewhere:
        where = f"http://127.0.0.1:{elsewhere.port}/login"

        async def portal(connection: Connection) -> None:
            await connection.reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {status} Go\r\nLocation: {where}?state=secret\r\nContent-Length: 0"
            await connection.send(f"{head}\r\n\r\n".encode())

        async with serving(portal) as between:
            server = f"http://127.0.0.1:{between.port}"
            chosen = Chosen(str(write(tmp_path, {"server": server}, {"token": "mine"})))
            words = re.escape(f"{server} sends elsewhere ({status} {where}); does something")
            async with kube.connect(chosen=chosen) as cluster:
                with pytest.raises(NotTheApi, match=words):
                    await cluster.request(method, "/version", {} if method == "POST" else None)
        assert (between.connections, elsewhere.connections) == (1, 0)
