"""Stand-ins for API servers and proxies, which note who asked them, as whom and for what.

They are started in a network of their own (`world.py`), and so their ports are fixed. A note is a
line; each is written before what it is about is answered.

    a/version, Bearer of-a, acting as jane, in group readers
    tls/version, certificate jane, named near.example
    proxy CONNECT near.example:6443, Basic u:p
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

#: Name and port of what speaks http.
PLAIN = {"plain": 8003, "default": 8080, "port-80": 80}

#: Name, port and certificate of what speaks https.
SECURED = {
    "a": (8001, "server"),
    "b": (8002, "server"),
    "tls": (6443, "server"),
    "port-443": (443, "server"),
    "hidden": (6444, "hidden"),
    "unknown": (6445, "unknown"),
    "expired": (6446, "expired"),
}

#: Name and port of proxies; the last of them is spoken to by https.
PROXIES = {"proxy": 3128, "other-proxy": 3129}
SECURED_PROXY, SOCKS = 3130, 1080

#: The first byte of TLS.
HANDSHAKE = b"\x16"

ANSWER = b'{"kind":"Status","apiVersion":"v1","major":"1","minor":"37","items":[]}'


class StandIns:
    """All of them, from `start` on."""

    def __init__(self, pki: Path, notes: Path) -> None:
        self._pki = pki
        self._notes = notes.open("a", buffering=1)

    async def start(self) -> None:
        """Listen."""
        for name, port in PLAIN.items():
            await self._listen(port, self._server(name))
        for name, (port, certificate) in SECURED.items():
            await self._listen(port, self._server(name), self._tls(certificate))
        for name, port in PROXIES.items():
            await self._listen(port, self._proxy(name))
        await self._listen(SECURED_PROXY, self._proxy("tls-proxy"), self._tls("server"))
        await self._listen(SOCKS, self._socks)

    async def _listen(
        self,
        port: int,
        serve: Callable[[Streams], Coroutine[Any, Any, None]],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await serve((reader, writer))
            writer.close()

        await asyncio.start_server(connected, ["0.0.0.0", "::"], port, ssl=tls)

    def _tls(self, certificate: str) -> ssl.SSLContext:
        """A server's side, which takes a client's certificate if there is one."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self._pki / f"{certificate}.crt", self._pki / f"{certificate}.key")
        tls.load_verify_locations(self._pki / "ca.crt")
        tls.verify_mode = ssl.CERT_OPTIONAL
        tls.sni_callback = _remember_name
        return tls

    def _note(self, *parts: str) -> None:
        self._notes.write(", ".join(part for part in parts if part) + "\n")

    def _server(self, name: str) -> Callable[[Streams], Coroutine[Any, Any, None]]:
        async def serve(streams: Streams) -> None:
            reader, writer = streams
            while True:
                _, path, headers = await _request(reader)
                who = (_credentials(headers.get("authorization", "")), *_acting(headers))
                self._note(f"{name}{path.partition('?')[0]}", *who, *_of_tls(writer))
                await _answer(writer, ANSWER)

        return serve

    def _proxy(self, name: str) -> Callable[[Streams], Coroutine[Any, Any, None]]:
        async def serve(streams: Streams) -> None:
            reader, writer = streams
            method, target, headers = await _request(reader)
            who = _credentials(headers.get("proxy-authorization", ""))
            self._note(f"{name} {method} {target.partition('?')[0]}", who)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _tunnel(streams, int(target.rpartition(":")[2]))
            else:
                await _forward(streams, target, headers)

        return serve

    async def _socks(self, streams: Streams) -> None:
        """SOCKS version 5 (RFC 1928), without a password."""
        reader, writer = streams
        version, methods = await reader.readexactly(2)
        if version != 5:
            self._note("socks, but in another language")
            return
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        *_, kind = await reader.readexactly(4)
        host = await _socks_host(reader, kind)
        port = int.from_bytes(await reader.readexactly(2))
        self._note(f"socks {host}:{port}")
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await _tunnel(streams, port)


def _remember_name(tls: Any, name: str | None, _: ssl.SSLContext) -> None:
    tls.name_asked_for = name and name.lower()


def _of_tls(writer: asyncio.StreamWriter) -> list[str]:
    """The subject of the client's certificate, and the name that the client asked for."""
    if not (tls := writer.get_extra_info("ssl_object")):
        return []
    subject = dict(part[0] for part in (tls.getpeercert() or {}).get("subject", ()))
    certificate = f"certificate {subject['commonName']}" if subject else ""
    name = getattr(tls, "name_asked_for", None)
    return [certificate, f"named {name}" if name else ""]


def _acting(headers: Mapping[str, str]) -> list[str]:
    said = {"impersonate-user": "acting as", "impersonate-uid": "of uid"}
    one = [f"{words} {headers[name]}" for name, words in said.items() if name in headers]
    groups = (
        headers.get("impersonate-group", "").split("\n") if "impersonate-group" in headers else []
    )
    extra = [
        f"with {name.removeprefix('impersonate-extra-')} {value}"
        for name, values in sorted(headers.items())
        if name.startswith("impersonate-extra-")
        for value in values.split("\n")
    ]
    return [*one, *(f"in group {group}" for group in groups), *extra]


def _credentials(header: str) -> str:
    """As they were sent, but that a password can be read."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return header
    return f"{scheme} {base64.b64decode(value).decode()}"


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    """Method, target, and headers, of which the repeated are joined by newlines."""
    if (first := await reader.readexactly(1)) == HANDSHAKE:
        raise ConnectionError  # TLS is spoken where it is not understood
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers: dict[str, str] = {}
    for line in filter(None, head[1:]):
        name, _, value = line.partition(":")
        before = f"{headers[name.lower()]}\n" if name.lower() in headers else ""
        headers[name.lower()] = before + value.strip()
    await reader.readexactly(int(headers.get("content-length", "0")))
    return method, target, headers


async def _answer(writer: asyncio.StreamWriter, body: bytes) -> None:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


async def _socks_host(reader: asyncio.StreamReader, kind: int) -> str:
    if kind == 3:
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    family, length = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
    return socket.inet_ntop(family, await reader.readexactly(length))


async def _tunnel(streams: Streams, port: int) -> None:
    reader, writer = streams
    onward = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_pour(reader, onward[1]), _pour(onward[0], writer))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _forward(streams: Streams, target: str, headers: Mapping[str, str]) -> None:
    """One request, whose Authorization is all that the server behind is shown of it."""
    url = urlsplit(target)
    reader, writer = await asyncio.open_connection("127.0.0.1", url.port or 80)
    shown = {name: value for name, value in headers.items() if not name.startswith("proxy-")}
    lines = [f"{name}: {part}" for name, value in shown.items() for part in value.split("\n")]
    writer.write("\r\n".join([f"GET {url.path} HTTP/1.1", *lines, "", ""]).encode())
    body = await _body(reader)
    writer.close()
    await _answer(streams[1], body)


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    return await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
