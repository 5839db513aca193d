"""The streams of watches while they are open, so that a rule can act on what began before it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from proxy.rules import DropFrames, EndAtOnce, Handle, InsertEvent, Rulebook, Silence
from proxy.wire import END_OF_CHUNKS, Request, chunk


class EventStream:
    """What comes in one watch, on its way to the client.

    Between two writes of it stands no `await`, so that no event comes within another.
    """

    def __init__(self, request: Request, client: asyncio.StreamWriter) -> None:
        self._request = request
        self._client = client
        #: Set when nothing more may come of the API server's.
        self.over = asyncio.Event()
        #: Whether the client is not even told that.
        self.silent = False
        self._dropping: list[Handle] = []
        self._met: set[Handle] = set()

    def is_for(self, path: str) -> bool:
        """Whether its path matches, and it goes on."""
        return not self.over.is_set() and re.search(path, self._request.path) is not None

    def meet(self, handle: Handle) -> None:
        """Let a rule act, if it is for this stream; a second time changes nothing."""
        if handle in self._met or self.over.is_set():
            return
        self._met.add(handle)
        if handle.takes(self._request):
            self._suffer(handle)

    def _suffer(self, handle: Handle) -> None:
        if isinstance(handle.rule.action, DropFrames):
            self._dropping.append(handle)  # it bites with each event that it swallows
            return
        handle.bite()  # before the client can see that it did
        match handle.rule.action:
            case InsertEvent(event, then_end):
                self._client.write(chunk(json.dumps(event).encode() + b"\n"))
                if then_end:
                    self.end()
            case EndAtOnce():
                self.end()
            case Silence():
                self.silent = True
                self.over.set()

    def end(self) -> None:
        """Tell the client that nothing more comes."""
        self._client.write(END_OF_CHUNKS)
        self.over.set()

    async def take(self, line: bytes) -> None:
        """Hand on one event, unless it is to be swallowed or comes too late."""
        if self.over.is_set():
            return
        for handle in self._dropping:
            if not handle.over and _swallows(handle, line):
                handle.bite()
                return
        self._client.write(chunk(line))
        await self._client.drain()


def _swallows(handle: Handle, line: bytes) -> bool:
    action = handle.rule.action
    return isinstance(action, DropFrames) and bool(re.search(action.matching.encode(), line))


class Streams:
    """All that are open; for the proxy's thread alone."""

    def __init__(self, rules: Rulebook) -> None:
        self._rules = rules
        self._open: list[EventStream] = []

    @contextmanager
    def opened(self, stream: EventStream) -> Iterator[None]:
        """Let the rules act on a stream, those in force and those to come."""
        self._open.append(stream)
        try:
            for handle in self._rules.for_streams():
                stream.meet(handle)
            yield
        finally:
            self._open.remove(stream)

    def count(self, path: str) -> int:
        """How many of those are open whose path matches, and not silent."""
        return sum(stream.is_for(path) for stream in self._open)

    def meet(self, handle: Handle) -> None:
        """Let a new rule act on what is open already, the oldest first."""
        for stream in tuple(self._open):
            stream.meet(handle)
