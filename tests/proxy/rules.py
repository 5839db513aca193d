"""What is to happen to which requests: told by a test, looked up by the connections.

A request that is forwarded counts as answered as soon as the API server's status line is read: a
write is in etcd by then. So `reached` of an action that comes after says that the write is done.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from proxy.wire import Request


@dataclass(frozen=True)
class Delay:
    """Forward it so many seconds later."""

    seconds: float
    after: ClassVar[bool] = False


@dataclass(frozen=True)
class CutBefore:
    """Reset the client's connection; the API server never hears of the request."""

    after: ClassVar[bool] = False


@dataclass(frozen=True)
class CutAfter:
    """Forward it, throw the answer away, and reset the client's connection."""

    after: ClassVar[bool] = True


@dataclass(frozen=True)
class HangBefore:
    """Neither forward nor answer it, until the client goes away."""

    after: ClassVar[bool] = False


@dataclass(frozen=True)
class HangAfter:
    """Forward it, and keep the answer back until the client goes away."""

    after: ClassVar[bool] = True


@dataclass(frozen=True)
class Answer:
    """Answer with a Status object as an API server does; `after`: forward it nevertheless."""

    status: int
    retry_after: int | None = None
    message: str = ""
    after: bool = False


@dataclass(frozen=True)
class RawAnswer:
    """Answer with this and nothing of an API server's, as what stands in between does.

    `after`: forward the request nevertheless.
    """

    status: int
    content_type: str
    body: str
    headers: tuple[tuple[str, str], ...] = ()
    after: bool = False


@dataclass(frozen=True)
class CutWithin:
    """Forward it, pass so many bytes of the answer's body on, and reset the connection."""

    length: int
    after: ClassVar[bool] = True


@dataclass(frozen=True)
class ShiftDate:
    """Forward it, and let the answer's Date be so many seconds later."""

    seconds: float
    after: ClassVar[bool] = True


@dataclass(frozen=True)
class InsertEvent:
    """Let this event come in the stream of a watch, and no other after it if `then_end`."""

    event: dict[str, Any]
    then_end: bool = False


@dataclass(frozen=True)
class EndAtOnce:
    """End the stream of a watch in good order, before anything has come in it."""


@dataclass(frozen=True)
class Silence:
    """Let nothing come in the stream of a watch any more, and leave it open.

    It stays so when the rule ends, as a connection does that a firewall forgot.
    """


@dataclass(frozen=True)
class DropFrames:
    """Swallow the events of a watch in which this regular expression is found, each alone."""

    matching: str


@dataclass(frozen=True)
class Hold:
    """Stop until `Handle.release`, before it is forwarded or after it is answered; then go on.

    What is held before arrives even if its client is killed meanwhile, as a packet on its way
    would. HangBefore is for a request that must never arrive.
    """

    after: bool = False


#: What happens to a request, or to its answer.
RequestAction = (
    Delay
    | CutBefore
    | CutAfter
    | CutWithin
    | HangBefore
    | HangAfter
    | Answer
    | RawAnswer
    | ShiftDate
    | Hold
)

#: What happens to the stream of a watch once it has begun, also to one that is open already.
StreamAction = InsertEvent | EndAtOnce | Silence | DropFrames

Action = RequestAction | StreamAction


@dataclass(frozen=True)
class Rule:
    """Which requests something happens to: `count` of those that match, from the `nth` on.

    `path` and `body` are regular expressions, searched for; the path has the query with it. No
    method or body: any. A count of None: until the rule is removed.
    """

    method: str | None
    path: str
    action: Action
    nth: int = 1
    count: int | None = 1
    body: str | None = None

    def matches(self, request: Request) -> bool:
        """Whether the request is one of those that are counted."""
        return (
            self.method in (None, request.method)
            and re.search(self.path, request.path) is not None
            and (self.body is None or re.search(self.body.encode(), request.body) is not None)
        )

    def affects(self, number: int) -> bool:
        """Whether something happens to the request that matches as this one, counted from 1."""
        return self.nth <= number and (self.count is None or number < self.nth + self.count)


class Handle:
    """A rule in force: what it has done, and the means to end it."""

    def __init__(self, rule: Rule, book: Rulebook) -> None:
        self.rule = rule
        #: How many requests it has happened to.
        self.hits = 0
        #: Set when it first happens; see the module on what that means for the API server.
        self.reached = threading.Event()
        #: Whether the rule was ended.
        self.over = False
        self._book = book
        self._matched = 0
        self._released = asyncio.Event()

    @property
    def is_for_streams(self) -> bool:
        """Whether it is for the streams of watches, and not for requests."""
        return isinstance(self.rule.action, StreamAction)

    def release(self) -> None:
        """Let go what a Hold holds, now and later."""
        self._book.on_loop(self._released.set)

    def remove(self) -> None:
        """End the rule; what it holds goes on, what it made hang goes on hanging."""
        self._book.discard(self)

    def takes(self, request: Request) -> bool:
        """Count the request if it matches; whether the rule is for it."""
        if not self.rule.matches(request):
            return False
        self._matched += 1
        return self.rule.affects(self._matched)

    def bite(self) -> None:
        """Note that it happens now."""
        self.hits += 1
        self.reached.set()

    async def released(self) -> None:
        """Wait for `release`."""
        await self._released.wait()


class Rulebook:
    """The rules in force. Written by the test's thread, read by the proxy's."""

    def __init__(self, on_loop: Callable[[Callable[[], object]], object]) -> None:
        """`on_loop` runs a function on the proxy's thread."""
        self.on_loop = on_loop
        self._handles: tuple[Handle, ...] = ()
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> Handle:
        """Put a rule in force, behind the others."""
        handle = Handle(rule, self)
        with self._lock:
            self._handles += (handle,)
        return handle

    def discard(self, *handles: Handle) -> None:
        """End these rules."""
        with self._lock:
            self._handles = tuple(each for each in self._handles if each not in handles)
        for handle in handles:
            handle.over = True
            handle.release()

    def clear(self) -> None:
        """End all rules."""
        self.discard(*self._handles)

    def find(self, request: Request) -> Handle | None:
        """The first rule that is for this request; every rule counts it, whichever takes it.

        Those for streams are not asked: see `for_streams`.
        """
        with self._lock:
            asked = [each for each in self._handles if not each.is_for_streams]
            takers = [handle for handle in asked if handle.takes(request)]
        return takers[0] if takers else None

    def for_streams(self) -> list[Handle]:
        """The rules for the streams of watches, of which each one acts."""
        return [handle for handle in self._handles if handle.is_for_streams]
