"""Whether an attempt may be made now: pace, breaker, and a pause while the endpoint is in trouble.

Trouble with the key or the endpoint is no event's fault: it stops all sending, is probed until it
is over, and fails no event before its deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from customevents.clocks import happened
from customevents.delivery.outcome import Outcome, trouble
from customevents.delivery.pacing import PROBE_SECONDS, BreakerState, Pace
from customevents.eventsapi.client import Answer, NoAnswer
from customevents.resource.errors import KeyFileError
from customevents.resource.status import OutcomeClass, Reason

logger = logging.getLogger(__name__)

#: Seconds between two looks at the key's file while sending is paused.
LOOK_AT_THE_KEY = 1.0

#: Seconds that an event waits at the gate itself; for longer it goes back to the inbox.
PATIENCE = 1.0


_DOWN = "The events API does not answer; nothing is sent until it is tried again"


class Key(StrEnum):
    """What is known of the API key."""

    UNKNOWN = "unknown"
    OK = "ok"
    REFUSED = "refused"
    MISSING = "missing"


class Endpoint(Protocol):
    """What the gate needs of the remote side."""

    async def validate(self) -> Answer | NoAnswer:
        """Ask whether the key is good, without sending anything; raises KeyFileError."""

    async def key_changed(self) -> bool:
        """Whether the key's file is another one than at the last request."""


@dataclass(frozen=True)
class Closed:
    """Nothing may be sent for about so many seconds; `why` is a line for the events that wait."""

    seconds: float
    why: str


class Gate:
    """Where every attempt passes before it is committed."""

    def __init__(
        self,
        pace: Pace,
        endpoint: Endpoint,
        *,
        uptime: Callable[[], float],
        opened: Callable[[], None],
        warn: Callable[[str, str], None],
        probe_every: float = PROBE_SECONDS,
    ) -> None:
        """`opened` is called when sending may go on after a while in which it might not.

        `warn` gets a reason and a line, once for each trouble that stops all sending.
        """
        self._pace = pace
        self._endpoint = endpoint
        self._uptime = uptime
        self._opened = opened
        self._warn = warn
        self._probe_every = probe_every
        self._changed = asyncio.Event()
        #: First come, first served: else who waits for a token may lose to those behind, again and
        #: again.
        self._line = asyncio.Lock()
        self._trouble = asyncio.Event()
        self._ending = False
        self._down = False
        self._about_the_key = False
        #: Whether somebody was sent back by the breaker or a Retry-After, and not called since.
        self._sent_back = False
        #: What the last answers say of the key.
        self.key = Key.UNKNOWN
        #: Why the endpoint is paused; empty while it is not.
        self.paused = ""
        #: Why nothing is sent until the process is started anew; empty while all is well.
        self.halted = ""

    @property
    def breaker(self) -> BreakerState:
        """The breaker's state now."""
        return self._pace.breaker.state(self._uptime())

    @property
    def is_open(self) -> bool:
        """Whether what has entered may still be sent: others learn of trouble meanwhile."""
        shut = self._ending or self.paused or self.halted
        return not shut and not self._pace.held_back(self._uptime())

    @property
    def tokens(self) -> float | None:
        """Attempts that the rate limit lets go at once; None: there is no limit."""
        bucket = self._pace.bucket
        return bucket.tokens(self._uptime()) if bucket.rate > 0 else None

    @property
    def pauses(self) -> dict[str, bool]:
        """Whether sending is paused, by what it waits for."""
        in_trouble = bool(self.paused)
        return {
            "key": in_trouble and self._about_the_key,
            "endpoint": in_trouble and not self._about_the_key,
            "retry_after": self._pace.paused(self._uptime()),
        }

    async def enter(self) -> Closed | None:
        """None: go, and tell `leave` how it ended. Closed: come again later."""
        async with self._line:
            return await self._enter()

    async def _enter(self) -> Closed | None:
        while True:
            if self._ending or self.halted:
                return Closed(self._probe_every, "")
            if self.paused:
                return Closed(self._probe_every, self.paused)
            wait = self._pace.wait(self._uptime())
            if wait == 0.0:
                self._pace.begin()
                return None
            if wait is not None and wait > PATIENCE:
                why = self._why()
                self._sent_back |= bool(why)
                return Closed(wait, why)
            await self._until_changed(wait)

    def leave(self, outcome: Outcome, pause: float = 0.0) -> None:
        """An attempt that entered has ended like this, and asked for a pause of so many seconds."""
        self._pace.end(outcome.kind, outcome.code, pause, self._uptime())
        self._look_at_the_breaker()
        self._learn_of_the_key(outcome.code)
        if outcome.kind is OutcomeClass.ENDPOINT_LEVEL:
            self.pause(trouble(outcome), about_the_key=outcome.code in (401, 403))
        if self._sent_back and self.is_open and self.breaker is BreakerState.CLOSED:
            self._call_back()
        self._wake()

    def pause(self, why: str, *, about_the_key: bool) -> None:
        """Stop all sending until a probe succeeds."""
        if not self.paused:
            logger.warning("sending is paused: %s", why)
            self._warn(Reason.ENDPOINT_PAUSED, why)
        self.paused = why
        self._about_the_key = about_the_key
        self._trouble.set()

    def halt(self, why: str) -> None:
        """Let nobody in any more: going on could send events twice, until a person mends it."""
        if not self.halted:
            logger.error("nothing is sent any more: %s", why)
            self._warn("SendingStopped", why)
        self.halted = why
        self._wake()

    def close(self) -> None:
        """Let nobody in any more: the operator stops."""
        self._ending = True
        self._wake()

    async def run(self) -> None:
        """Probe the endpoint while it is paused, and open the gate when that is over."""
        while True:
            await self._trouble.wait()
            if not self._about_the_key:
                await self._until_next_probe()  # asked at once, it would not be another endpoint
            while not await self._works_again():
                await self._until_next_probe()
            self._resume()

    def _learn_of_the_key(self, status: int | None) -> None:
        if status in (401, 403):
            self.key = Key.REFUSED
        elif status is not None and (status < 300 or status in (400, 422)):
            self.key = Key.OK  # it was looked at; of other answers nobody knows

    def _look_at_the_breaker(self) -> None:
        if self._pace.breaker.closed:
            self._down = False
        elif self.breaker is BreakerState.OPEN and not self._down:
            self._down = True
            logger.warning("sending is paused: %s", _DOWN)
            self._warn(Reason.ENDPOINT_PAUSED, _DOWN)

    async def _works_again(self) -> bool:
        try:
            answer = await self._endpoint.validate()
        except KeyFileError as error:
            self.paused, self.key = f"Not sent: {error}", Key.MISSING
            return False
        if isinstance(answer, NoAnswer):
            return False
        self._learn_of_the_key(answer.status)
        # Where the probe's path is not known either, one event tells whether the endpoint works.
        return answer.status == 200 or (answer.status == 404 and not self._about_the_key)

    def _resume(self) -> None:
        logger.info("sending goes on")
        self.paused = ""
        self._trouble.clear()
        self._pace.breaker.half_open()
        self._call_back()
        self._wake()

    def _call_back(self) -> None:
        self._sent_back = False
        self._opened()

    async def _until_next_probe(self) -> None:
        """The probe's interval, or less if the key's file changes."""
        end = self._uptime() + self._probe_every
        while (left := end - self._uptime()) > 0:
            await asyncio.sleep(min(LOOK_AT_THE_KEY, left))
            if await self._endpoint.key_changed():  # also while the file holds no key at all
                return

    async def _until_changed(self, seconds: float | None) -> None:
        self._changed.clear()
        await happened(self._changed, seconds)

    def _wake(self) -> None:
        self._changed.set()

    def _why(self) -> str:
        if self.breaker is BreakerState.OPEN:
            return _DOWN
        if self._pace.paused(self._uptime()):
            return "The events API asked for a pause; nothing is sent until that is over"
        return ""  # its turn comes by the rate limit: no trouble to speak of
