"""One connection of a client, and the one to the API server that goes with it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from proxy.rules import (
    Answer,
    CutAfter,
    CutBefore,
    CutWithin,
    Delay,
    Handle,
    HangAfter,
    HangBefore,
    Hold,
    RawAnswer,
    Rulebook,
    ShiftDate,
    StreamAction,
)
from proxy.streams import EventStream, Streams
from proxy.wire import (
    Head,
    Request,
    Seen,
    Sink,
    copy_body,
    copy_lines,
    has_body,
    later,
    raw_answer,
    read_head,
    read_request,
    status_answer,
    status_of,
)

#: Seconds for a client to take its last answer and hear that the connection is closed.
_PATIENCE = 1.0

#: Lingering for no time at all makes closing send RST instead of FIN.
_NO_LINGER = struct.pack("ii", 1, 0)


class Cut(Exception):
    """The client's connection is to be reset."""


@dataclass(frozen=True)
class Stream:
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def alive(self) -> bool:
        """Whether neither side has ended it, as far as is known here."""
        return not self.writer.transport.is_closing() and not self.reader.at_eof()

    async def send(self, data: bytes) -> None:
        """Write, and wait while too much is on its way."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End it with RST, whatever is still on its way."""
        if not self.writer.transport.is_closing():
            connection = self.writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # it may have ended by itself
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.writer.transport.abort()


@dataclass(frozen=True)
class Upstream:
    """The server behind the proxy; without TLS it is plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    async def connect(self) -> Stream:
        """Open a connection. Raises OSError."""
        return Stream(*await asyncio.open_connection(self.host, self.port, ssl=self.tls))


@dataclass(frozen=True)
class Surroundings:
    """What all connections share."""

    upstream: Upstream
    rules: Rulebook
    streams: Streams
    requests: list[Seen]
    #: Whether what goes to this path is kept whole.
    keeps: Callable[[str], bool]
    #: Runs something beyond the end of a connection.
    spawn: Callable[[Coroutine[Any, Any, None]], object]


class Connection:
    """Carries the requests of one client, one after the other, until either side ends."""

    def __init__(self, client: Stream, around: Surroundings) -> None:
        self._client = client
        self._around = around
        self._server: Stream | None = None

    async def serve(self) -> None:
        """Work until the end; a client that leaves ends what is done for it, watches above all."""
        work = asyncio.create_task(self._exchanges())
        gone = asyncio.create_task(self._client.writer.wait_closed())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            gone.cancel()
            ended, _ = await asyncio.gather(work, gone, return_exceptions=True)
            self._client.reset()
            self._drop_server()
        if isinstance(ended, Exception):
            raise ended

    async def _exchanges(self) -> None:
        # A connection that breaks on one side breaks on the other: `serve` sees to it.
        with contextlib.suppress(Cut, EOFError, OSError):
            while request := await read_request(self._client.reader):
                if not await self._exchange(request):
                    break
            self._client.writer.close()
            async with asyncio.timeout(_PATIENCE):
                await self._client.writer.wait_closed()

    async def _exchange(self, request: Request) -> bool:
        """Answer one request; whether another may follow."""
        seen = Seen(time.monotonic(), request.method, request.path)
        seen.request = request if self._around.keeps(request.path) else None
        self._around.requests.append(seen)
        handle = self._around.rules.find(request)
        if handle and not _comes_after(handle) and await self._act(handle, request, seen):
            return request.head.keeps_alive
        head = await self._forward(request)
        seen.status, seen.answered = status_of(head), time.monotonic()
        if handle and _comes_after(handle) and await self._act(handle, request, seen):
            self._drop_server()  # with the answer on it
            return request.head.keeps_alive
        is_cut = handle is not None and isinstance(handle.rule.action, CutWithin)
        if request.watches and seen.status == 200 and head.chunked and not is_cut:
            return await self._stream(request, head)
        return await self._pass_on(request, head, handle)

    async def _forward(self, request: Request) -> Head:
        if self._server is None or not self._server.alive:
            self._drop_server()
            self._server = await self._around.upstream.connect()
        await self._server.send(request.head.raw + request.body)
        return await read_head(self._server.reader)

    async def _pass_on(self, request: Request, head: Head, handle: Handle | None) -> bool:
        assert self._server is not None
        sink: Sink = self._client.send
        match handle and handle.rule.action:
            case ShiftDate(seconds):
                head = later(head, seconds)
            case CutWithin(length):
                sink = _cutting(sink, length)
        await self._client.send(head.raw)
        if not has_body(request, head):
            return request.head.keeps_alive and head.keeps_alive
        await copy_body(head, self._server.reader, sink)
        ends = head.chunked or head.length is not None
        return ends and request.head.keeps_alive and head.keeps_alive

    async def _stream(self, request: Request, head: Head) -> bool:
        """Pass a watch on, event by event; whether another request may follow."""
        assert self._server is not None
        await self._client.send(head.raw)
        stream = EventStream(request, self._client.writer)
        with self._around.streams.opened(stream):
            copying = asyncio.create_task(copy_lines(self._server.reader, stream.take))
            over = asyncio.create_task(stream.over.wait())
            try:
                await asyncio.wait({copying, over}, return_when=asyncio.FIRST_COMPLETED)
                if not stream.over.is_set():
                    await copying
                    stream.end()
            finally:
                copying.cancel()
                over.cancel()
                await asyncio.gather(copying, over, return_exceptions=True)
        self._drop_server()
        if stream.silent:
            await asyncio.Event().wait()
        return request.head.keeps_alive

    async def _act(self, handle: Handle, request: Request, seen: Seen) -> bool:
        """Do what the rule says before the answer is passed on; whether that was the answer."""
        handle.bite()
        match handle.rule.action:
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case CutBefore() | CutAfter():
                raise Cut
            case HangBefore() | HangAfter():
                await asyncio.Event().wait()
            case Answer(status, retry_after, message):
                seen.status = status
                await self._client.send(status_answer(status, retry_after, message))
                return True
            case RawAnswer(status, content_type, body, headers):
                seen.status = status
                await self._client.send(raw_answer(status, content_type, body, headers))
                return True
            case Hold(after):
                await self._hold(handle, None if after else request, seen)
        return False

    async def _hold(self, handle: Handle, unsent: Request | None, seen: Seen) -> None:
        try:
            await handle.released()
        except asyncio.CancelledError:
            if unsent and not self._client.alive:
                self._around.spawn(_arrive_late(self._around.upstream, handle, unsent, seen))
            raise

    def _drop_server(self) -> None:
        if self._server:
            self._server.reset()
            self._server = None


def _comes_after(handle: Handle) -> bool:
    """Whether the request is forwarded first."""
    action = handle.rule.action
    return not isinstance(action, StreamAction) and action.after


def _cutting(sink: Sink, length: int) -> Sink:
    """A sink that takes so many bytes and then resets the connection."""
    left = length

    async def take(piece: bytes) -> None:
        nonlocal left
        await sink(piece[:left])
        left -= len(piece)
        if left <= 0:
            raise Cut

    return take


async def _arrive_late(upstream: Upstream, handle: Handle, request: Request, seen: Seen) -> None:
    """Forward what was held, after its client has gone."""
    await handle.released()
    with contextlib.suppress(EOFError, OSError):  # the API server may be away, too
        server = await upstream.connect()
        try:
            await server.send(request.head.raw + request.body)
            seen.status = status_of(await read_head(server.reader))
            seen.answered = time.monotonic()
        finally:
            server.reset()
