"""Answers, and how they are spoilt: the part that carries out a fault on a real connection.

`faults` says what is to happen; here it happens, with the means of TCP: a reset is a reset, and a
truncated body is a Content-Length that is not kept.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from customevents.sandbox.behaviour import ErrorShape
from customevents.sandbox.contract import Rejection
from customevents.sandbox.faults import Fault
from customevents.sandbox.store import Answered

_GARBAGE = "SANDBOX 999 this is not HTTP"
_BODILESS = (204, 304)
_SLOW_PIECES = 10


@dataclass(frozen=True)
class Reply:
    """A response as it is meant, before anything happens to it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: object, status: int = 200, **headers: str) -> "Reply":
        """Return an answer with a JSON body."""
        json_headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        return cls(status, json.dumps(document).encode(), json_headers)

    @classmethod
    def refusing(cls, refusal: Rejection, shape: ErrorShape = "first") -> "Reply":
        """Return an answer in one of the API's shapes of an error."""
        document = refusal.document(shape)
        return cls(refusal.status) if document is None else cls.of(document, refusal.status)

    def response(self) -> web.Response:
        """Return it as aiohttp sends it."""
        return web.Response(status=self.status, body=self.body, headers=self.headers)


def altered(answer: Reply, fault: Fault, shape: ErrorShape = "first") -> Reply:
    """Return the answer that a fault puts in this one's place."""
    status = fault.status or (307 if fault.redirect else answer.status)
    if status != answer.status:
        answer = _standard(status, shape)
    body = answer.body if fault.body is None else _encoded(fault.body)
    headers = {**answer.headers, **fault.headers}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.redirect:
        headers["Location"] = fault.redirect
    if status in _BODILESS:
        return Reply(status, b"", headers)
    return Reply(status, body.ljust(fault.oversize_body), headers)


def _standard(status: int, shape: ErrorShape) -> Reply:
    if status < 300:
        return Reply.of({"message": "Custom event sent successfully"}, status)
    refusal = Rejection.because(status, f"the sandbox was told to answer {status}")
    return Reply.refusing(refusal, shape)


def _encoded(body: object) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@dataclass(frozen=True)
class Spoiler:
    """Answers one request as a fault says. `closing` ends every wait when the sandbox stops.

    `ended` is told what became of the request, before a client can see it.
    """

    request: web.Request
    fault: Fault
    closing: asyncio.Event
    ended: Callable[[Answered], None]
    shape: ErrorShape = "first"

    async def answer(self, answer: Reply) -> web.StreamResponse:
        """Do to the connection what the fault says, or send the altered answer."""
        try:
            await self._wait(None if self.fault.hang else self.fault.delay_seconds)
        except asyncio.CancelledError:
            self.ended("abandoned")  # aiohttp cancels a handler when its client goes away
            raise
        if self.fault.drop or self.closing.is_set():
            return self._reset()
        if self.fault.garbage:
            return self._garbage(self.fault.garbage)
        return await self._send(altered(answer, self.fault, self.shape))

    async def _wait(self, seconds: float | None) -> None:
        if seconds == 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            pass

    def _reset(self) -> web.Response:
        self.ended("dropped")
        if (transport := self.request.transport) is not None:
            # Lingering for no time at all makes closing send RST instead of FIN.
            no_linger = struct.pack("ii", 1, 0)
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            transport.abort()
        return _nothing()

    def _garbage(self, line: str | bool) -> web.Response:
        self.ended("garbage")
        text = line if isinstance(line, str) else _GARBAGE
        if (transport := self.request.transport) is not None:
            transport.write(f"{text}\r\n\r\n".encode())
            transport.close()
        return _nothing()

    async def _send(self, answer: Reply) -> web.StreamResponse:
        self.ended(answer.status)
        if not self.fault.slow_body and not self.fault.truncate_body:
            return answer.response()
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        await response.prepare(self.request)
        sent = answer.body
        if self.fault.truncate_body:
            sent = sent[: len(sent) // 2]
        pieces = _pieces(sent)
        for piece in pieces:
            await self._wait(self.fault.slow_body / len(pieces))
            await response.write(piece)
        if self.fault.truncate_body and self.request.transport is not None:
            self.request.transport.close()
        return response


def _nothing() -> web.Response:
    """Return what aiohttp wants returned, and drops, when the connection is gone."""
    return web.Response()


def _pieces(body: bytes) -> list[bytes]:
    size = max(1, len(body) // _SLOW_PIECES)
    return [body[start : start + size] for start in range(0, len(body), size)]
