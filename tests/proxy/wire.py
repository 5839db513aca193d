"""HTTP/1.1 as far as the proxy needs it: where a message ends. The bytes stay as they came.

A connection that ends within a message raises EOFError, as asyncio's streams do.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

#: The end of a body that comes in chunks.
END_OF_CHUNKS = b"0\r\n\r\n"

#: Takes a piece of a body.
Sink = Callable[[bytes], Awaitable[None]]

_PIECE = 64 * 1024

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True)
class Head:
    """The first line and the header fields, their names in lower case."""

    raw: bytes
    first_line: str
    fields: Mapping[str, str]

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self.fields.get("transfer-encoding", "").lower() == "chunked"

    @property
    def length(self) -> int | None:
        """The body's length, if it is stated."""
        stated = self.fields.get("content-length")
        return None if stated is None else int(stated)

    @property
    def keeps_alive(self) -> bool:
        """Whether another message may follow on the connection."""
        return self.fields.get("connection", "").lower() != "close"


@dataclass(frozen=True)
class Request:
    """A request, read to its end. The body is as it was sent, chunk sizes and all."""

    head: Head
    body: bytes
    method: str
    path: str

    @property
    def watches(self) -> bool:
        """Whether it asks for a stream of events."""
        return re.search(r"[?&]watch=(1|true)", self.path) is not None


@dataclass(slots=True)
class Seen:
    """One request that came, at `time.monotonic()`.

    `status` is the server's, or that of an (Raw)Answer in its place; None as long as there is
    neither. With CutAfter and HangAfter the client never gets to read it.
    """

    at: float
    method: str
    path: str
    status: int | None = None
    #: When the server's status line was read: what it answered was done by then.
    answered: float | None = None
    #: As it came, if the proxy keeps what goes to this path.
    request: Request | None = None


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read up to the empty line."""
    raw = await reader.readuntil(b"\r\n\r\n")
    first_line, *lines = raw.decode("latin-1").split("\r\n")[:-2]
    pairs = (line.partition(":") for line in lines)
    return Head(raw, first_line, {name.lower(): value.strip() for name, _, value in pairs})


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read a request with its body; None if the client has no more."""
    try:
        head = await read_head(reader)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    body = bytearray()

    async def keep(piece: bytes) -> None:
        body.extend(piece)

    if head.chunked or head.length:
        await copy_body(head, reader, keep)
    method, path, _ = head.first_line.split(" ", 2)
    return Request(head, bytes(body), method, path)


def status_of(head: Head) -> int:
    """The status that the head of an answer states."""
    return int(head.first_line.split(" ", 2)[1])


def has_body(request: Request, answer: Head) -> bool:
    """Whether a body follows the head of an answer (RFC 9112, 6.3)."""
    return request.method != "HEAD" and status_of(answer) not in (204, 304)


async def copy_body(head: Head, reader: asyncio.StreamReader, sink: Sink) -> None:
    """Hand on the body that follows a head, piece by piece as it comes.

    One without a stated end lasts until the connection is closed.
    """
    if head.chunked:
        await _copy_chunks(reader, sink)
    elif head.length is not None:
        await _copy(reader, head.length, sink)
    else:
        while piece := await reader.read(_PIECE):
            await sink(piece)


async def copy_lines(reader: asyncio.StreamReader, sink: Sink) -> None:
    """Hand on a body that comes in chunks, line by line and without their sizes."""
    begun = b""

    async def take(piece: bytes) -> None:
        nonlocal begun
        _, _, content = piece.partition(b"\r\n")
        *lines, begun = (begun + content.removesuffix(b"\r\n")).split(b"\n")
        for line in lines:
            await sink(line + b"\n")

    await _copy_chunks(reader, take)


def chunk(content: bytes) -> bytes:
    """One chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def later(head: Head, seconds: float) -> Head:
    """The head of an answer that was given so many seconds later, by its Date."""
    date = parsedate_to_datetime(head.fields["date"]) + timedelta(seconds=seconds)
    said = b"\r\nDate: " + format_datetime(date, usegmt=True).encode()
    return replace(head, raw=re.sub(rb"(?i)\r\ndate:[^\r]*", said, head.raw, count=1))


async def _copy(reader: asyncio.StreamReader, length: int, sink: Sink) -> None:
    while length:
        piece = await reader.read(min(length, _PIECE))
        if not piece:
            raise EOFError
        length -= len(piece)
        await sink(piece)


async def _copy_chunks(reader: asyncio.StreamReader, sink: Sink) -> None:
    line = b""
    while (size := int((line := await reader.readuntil(b"\r\n")).partition(b";")[0], 16)) > 0:
        # Whole, and in one piece: an event of a watch is a chunk.
        await sink(line + await reader.readexactly(size + 2))
    await sink(line)
    while line != b"\r\n":  # trailers, if any, and the end
        line = await reader.readuntil(b"\r\n")
        await sink(line)


def status_answer(status: int, retry_after: int | None, message: str) -> bytes:
    """An answer as the API server gives it when it refuses."""
    phrase = HTTPStatus(status).phrase
    document: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message or f"the proxy was told to answer {status} {phrase}",
        "reason": _REASONS.get(status, phrase.replace(" ", "")),
        "code": status,
    }
    headers = []
    if retry_after is not None:
        document["details"] = {"retryAfterSeconds": retry_after}
        headers.append(("Retry-After", str(retry_after)))
    return raw_answer(status, "application/json", json.dumps(document), headers)


def raw_answer(
    status: int, content_type: str, body: str, headers: Iterable[tuple[str, str]]
) -> bytes:
    """An answer with this body."""
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {content_type}",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content
