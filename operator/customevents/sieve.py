"""What kopf need not handle: it is shown past it, at a tenth of the price.

kopf gives each object that it is shown a task, a queue and a chain of handlers, which takes half a
millisecond; and most of what an API server sends is no work. A list tells of all that lies there,
and each status that we write comes back as a change. So lists are shown as they are read, and of a
stream what is finished; there kopf gets a bookmark instead, and would resume behind it.

What is shown of one object keeps its order: while kopf has not shown one change of it, the next
one goes through kopf as well. And kopf is never ahead of what was shown: it is given a line when it
asks for one, so where it resumes, nothing was passed over.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from customevents import answers
from customevents.resource.event import looks_finished

#: Changes that leave an object there.
_LEFT_THERE = frozenset({"ADDED", "MODIFIED"})

#: Bytes that are read of a stream at once.
_CHUNK = 1 << 20


class Sieve:
    """Shows what kopf is answered, and gives kopf the rest; for one kopf, from its start."""

    def __init__(self, shown: Callable[[str | None, dict[str, Any]], None]) -> None:
        self._shown = shown
        #: Changes that were given to kopf and not shown by it yet, by uid.
        self._given: Counter[str] = Counter()

    def show(self, change: str | None, raw: dict[str, Any]) -> None:
        """Take what kopf shows."""
        uid = raw["metadata"].get("uid")
        self._given[uid] -= 1
        if self._given[uid] <= 0:
            del self._given[uid]
        self._shown(change, raw)

    def page(self, body: bytes) -> bytes:
        """One page of a list: kopf gets it without its objects."""
        found = answers.parse(body)
        if found is None or not answers.is_list(found):
            return body  # for kopf to trip over, which is told
        left = [raw for raw in found["items"] or () if not self._is_shown(raw)]
        return json.dumps({**found, "items": left}).encode()

    def _is_shown(self, raw: dict[str, Any]) -> bool:
        """Show an object of a list, but behind a change of it that kopf has not shown yet."""
        uid = raw["metadata"].get("uid")
        if uid in self._given:
            self._given[uid] += 1
            return False
        self._shown(None, raw)
        return True

    def line(self, line: bytes) -> bytes:
        """One line of a stream."""
        try:
            said = json.loads(line)
            change, raw = said["type"], said["object"]
            uid, version = raw["metadata"]["uid"], raw["metadata"]["resourceVersion"]
            is_left, is_given = change in _LEFT_THERE, uid in self._given
        except (ValueError, RecursionError, KeyError, TypeError):
            return line  # a bookmark, an error, or what kopf may trip over
        if is_left and not is_given and _needs_nothing(raw):
            self._shown(change, raw)
            bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}
            return json.dumps(bookmark).encode()
        self._given[uid] += 1
        return line


def _needs_nothing(raw: dict[str, Any]) -> bool:
    return "deletionTimestamp" not in raw["metadata"] and looks_finished(raw)


class Sifted:
    """The content of a response, as kopf reads it: a page at once, a stream in its lines."""

    def __init__(self, content: aiohttp.StreamReader, sieve: Sieve) -> None:
        self._content = content
        self._sieve = sieve

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def read(self) -> bytes:
        """The page."""
        return self._sieve.page(await self._content.read())

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        """The stream, line by line."""
        rest = b""
        async for chunk in self._content.iter_chunked(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield self._sieve.line(line) + b"\n"
        if rest:
            yield self._sieve.line(rest)
