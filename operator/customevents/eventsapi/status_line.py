"""The status line of an answer, as it was heard on the wire.

It alone decides what became of a request, so it must not be lost with what follows it: aiohttp
gives nothing of an answer whose headers it cannot take (too long, too many, not allowed), or that
ends within them. And what comes before it, informational answers (100 to 199), aiohttp would read
for as long as they come, without giving way to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

if TYPE_CHECKING:
    from aiohttp import ClientRequest
    from aiohttp.tracing import Trace

#: Informational answers before the status line that counts.
MOST_INFORMATIONAL = 16

#: Bytes before the end of that line.
MOST_OF_A_HEAD = 64 * 1024

#: 101 ends a conversation in HTTP as any final answer does.
_SWITCHING = 101

_STATUS_LINE = re.compile(rb"[\r\n]*HTTP/1\.[01] ([1-9]\d\d)(?: [^\r\n]*)?\r?\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_RETRY_AFTER = re.compile(rb"(?i)\nretry-after:[ \t]*([\x20-\x7e]*)\r?\n")


class Flooded(aiohttp.ClientError):
    """The other side says more before its status line than anybody would."""


class Head:
    """What was heard of one answer, to the end of its headers."""

    def __init__(self) -> None:
        #: The final status; None until its line was heard to the end.
        self.status: int | None = None
        self._heard = bytearray()
        #: Where the next status line begins, or the final one.
        self._at = 0
        self._informational = 0

    @property
    def flooded(self) -> bool:
        """Whether there was too much without a final status."""
        much = len(self._heard) >= MOST_OF_A_HEAD or self._informational > MOST_INFORMATIONAL
        return much and self.status is None

    @property
    def retry_after(self) -> str | None:
        """The wish to wait, if it was heard."""
        end = _BLANK_LINE.search(self._heard, self._at)
        found = _RETRY_AFTER.search(self._heard, self._at, end.end() if end else len(self._heard))
        return found[1].decode("ascii") if found else None

    def feed(self, data: bytes) -> None:
        """The next bytes of the answer; those of its body do no harm."""
        self._heard += data[: MOST_OF_A_HEAD - len(self._heard)]
        while self.status is None and self._informational <= MOST_INFORMATIONAL:
            line = _STATUS_LINE.match(self._heard, self._at)
            if line is None:
                return
            status = int(line[1])
            if status >= 200 or status == _SWITCHING:
                self.status = status
                return
            end = _BLANK_LINE.search(self._heard, line.end() - 1)
            if end is None:
                return
            self._at = end.end()
            self._informational += 1


#: Who makes a request gives the head into which its answer is to be heard.
_LISTENING: ContextVar[Head] = ContextVar("listening")


@contextmanager
def listening() -> Iterator[Head]:
    """The head of the answer to the one request that is made within."""
    head = Head()
    token = _LISTENING.set(head)
    try:
        yield head
    finally:
        _LISTENING.reset(token)


class Connector(aiohttp.TCPConnector):
    """aiohttp's pool, whose connections also hear for themselves."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        listener: Any = partial(_Listener, loop=self._loop)
        self._factory = listener

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        """A connection to the endpoint itself; what a proxy said on the way there is not heard."""
        connection = await super().connect(req, traces, timeout)
        listener = connection.protocol
        assert isinstance(listener, _Listener)
        listener.head = _LISTENING.get()
        return connection


class _Listener(ResponseHandler):
    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self.head = Head()

    @property
    def should_close(self) -> bool:
        """Also behind what is no success: who answers so may not have read all of the request.

        What is left of it would be taken for another one, and its answer for that to our next.
        """
        return super().should_close or not 200 <= (self.head.status or 0) < 300

    def data_received(self, data: bytes) -> None:
        if data and self._is_answered():
            self.abort()  # nobody asked: it must not be taken for the answer to the next request
            return
        self.head.feed(data)
        if self.head.flooded:
            self.set_exception(Flooded())
            self.abort()
            return
        super().data_received(data)

    def _is_answered(self) -> bool:
        return self.head.status is not None and self._payload is not None and self._payload.is_eof()
