"""Whether an attempt may be made now: rate, breaker, and pauses of the endpoint.

Trouble with the key or the endpoint is no event's fault: it stops all sending, is probed until it
is over, and fails no event before its deadline. All of it is taken before an attempt is committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from customevents.clocks import happened
from customevents.delivery.outcome import OF_THE_KEY, Outcome
from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.resource.errors import KeyFileError
from customevents.resource.operator_state import BreakerState, Key
from customevents.resource.status import OutcomeClass, Reason

logger = logging.getLogger(__name__)

#: Outages in a row that open the breaker, and the seconds for which it stays open.
FAILURES = 5
OPEN_SECONDS = 30.0

#: Seconds between two probes of an endpoint that refused the key.
PROBE_SECONDS = 60.0

#: Different events that went first and met trouble of the endpoint: it is no event's own then.
SEVERAL = 2

#: Seconds between two looks at the key's file while sending is paused.
LOOK_AT_THE_KEY = 1.0

#: Seconds that an event waits here for the end of trouble; for longer it goes back to the inbox.
PATIENCE = 1.0

#: Seconds by which the namespace that met the trouble stands back when one event goes first: its
#: events go back to the inbox for that, and keep no others from the line.
STANDS_BACK = 2.0

_DOWN = "The events API does not answer; nothing is sent until it is tried again"


@dataclass
class TokenBucket:
    """`rate` tokens a second, at most `burst` of them; a rate of 0 is no limit.

    It starts empty: a new leader knows nothing of what the last one sent.
    """

    rate: float
    burst: int
    _tokens: float = 0.0
    _at: float | None = None
    #: Whoever has a token and has not gone yet: all of them may go at once.
    _held: int = 0

    def wait(self, now: float) -> float:
        """Seconds until a token is there; 0 = now."""
        if self.rate <= 0:
            return 0.0
        self._tokens = self.tokens(now)
        self._at = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self.rate

    def tokens(self, now: float) -> float:
        """How many there are; until `wait` is first called, none."""
        since = now if self._at is None else self._at
        most = float(self.burst - self._held)
        return min(most, self._tokens + (now - since) * self.rate)

    def spend(self) -> None:
        """Use the token that `wait` found."""
        if self.rate > 0:
            self._tokens -= 1.0
            self._held += 1

    def gone(self, now: float) -> None:
        """Whoever spent a token goes with it now, or never; what had no room meanwhile is lost."""
        if self.rate > 0:
            self._tokens, self._at = self.tokens(now), now
            self._held -= 1


@dataclass
class Breaker:
    """Opens after outages in a row; half-open, it lets one event go at a time.

    A new leader is half-open: it knows nothing of the endpoint yet.
    """

    closed: bool = False
    _failures: int = 0
    _open_until: float = float("-inf")
    _under_way: int = 0
    #: The namespace that met trouble last, and nothing better since: what others meet tells more.
    _blamed: str | None = None

    def state(self, now: float) -> BreakerState:
        """The state at this time."""
        if self.closed:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._open_until else BreakerState.HALF_OPEN

    def wait(self, now: float, namespace: str | None = None) -> float | None:
        """Seconds until an attempt may be made; None: until the one under way ends."""
        state = self.state(now)
        # Else the namespace whose events all fail would go first again and again.
        others_first = STANDS_BACK if namespace and namespace == self._blamed else 0.0
        match state:
            case BreakerState.CLOSED:
                return 0.0
            case BreakerState.OPEN:
                return self._open_until + others_first - now
            case BreakerState.HALF_OPEN:
                return None if self._under_way else max(0.0, self._open_until + others_first - now)
        assert_never(state)

    def half_open(self, now: float) -> None:
        """Let one event go first."""
        self.closed = False
        self._open_until = now

    def begin(self) -> None:
        """An attempt is made."""
        self._under_way += 1

    def end(self, outcome: Outcome | None, now: float, namespace: str | None = None) -> None:
        """An attempt ended like this; None, or not sent: it says nothing of the endpoint."""
        self._under_way -= 1
        if outcome is None or outcome.kind is OutcomeClass.NOT_SENT:
            return
        in_trouble = outcome.is_outage or outcome.row.of_the_endpoint
        self._blamed = namespace if in_trouble else None
        if not outcome.is_outage:
            self._failures = 0
            self.closed = True
            return
        self._failures += 1
        if self._failures >= FAILURES:
            self.closed = False
            self._open_until = now + OPEN_SECONDS


@dataclass
class EndpointPause:
    """Why the whole endpoint is left alone: trouble, until a probe succeeds, or a Retry-After."""

    #: The trouble; empty while there is none.
    why: str = ""
    about_the_key: bool = False
    #: Whether there is no usable key, so that nothing was even sent.
    no_key: bool = False
    _asked_until: float = float("-inf")

    def asked(self, seconds: float, now: float) -> None:
        """The endpoint asked to be left alone for so long."""
        self._asked_until = max(self._asked_until, now + seconds)

    def left(self, now: float) -> float:
        """Seconds for which it still asks that."""
        return max(0.0, self._asked_until - now)


@dataclass
class Suspicion:
    """Whether trouble of the endpoint may be one event's own, refused on the way for what is in it.

    Those tell who go first, one at a time: several that fail in a row are no accident.
    """

    #: Whether any event was taken yet: until then the settings are as likely to be wrong.
    _taken: bool = False
    _failed: set[str] = field(default_factory=set)
    _first: str | None = None

    def goes_first(self, uid: str) -> None:
        """Let in alone, it is the next that ends."""
        self._first = uid

    def ended(self, outcome: Outcome | None) -> None:
        """An attempt ended like this; None: it was not made."""
        first, self._first = self._first, None
        if outcome is None:
            return
        if outcome.kind is OutcomeClass.SUCCESS:
            self._taken = True
            self._failed.clear()
        elif outcome.row.of_the_endpoint and first is not None and len(self._failed) < SEVERAL:
            self._failed.add(first)

    def of_one(self, *, about_the_key: bool) -> bool:
        """Whether others may go on as soon as a probe succeeds; the key may be another one then."""
        return len(self._failed) < SEVERAL and (self._taken or about_the_key)


@dataclass
class Tellings:
    """Which waiting events say in their status why they wait: the oldest, a few a second."""

    most: int = 100
    every: float = 0.1
    _due: dict[str, float] = field(default_factory=dict)
    _last: float = float("-inf")

    def turn(self, uid: str, now: float) -> float | None:
        """Seconds until it is this event's turn to say so; 0 = now; None: it stays silent."""
        if uid not in self._due:
            if len(self._due) >= self.most:
                return None
            self._last = self._due[uid] = max(now, self._last + self.every)
        return max(0.0, self._due[uid] - now)

    def reset(self) -> None:
        """Nobody waits any more."""
        self._due.clear()


class Endpoint(Protocol):
    """What is asked of the remote side."""

    async def validate(self) -> Answer | NoAnswer:
        """Ask whether the key is good, without sending anything; raises KeyFileError."""

    async def key_changed(self) -> bool:
        """Whether the key's file is another one than at the last request."""


@dataclass(frozen=True)
class Closed:
    """Nothing may be sent for about so many seconds; `why`: what this event is to say of that.

    `no_key`: it is for want of a key, which who met it has said already.
    """

    seconds: float
    why: str = ""
    no_key: bool = False


class Throttle:
    """Where every attempt passes before it is committed.

    Who was let in by `enter` tells when it is `decided` whether it is sent, and must `leave`.
    """

    def __init__(
        self,
        bucket: TokenBucket,
        endpoint: Endpoint,
        *,
        uptime: Callable[[], float],
        opened: Callable[[], None],
        warn: Callable[[str, str], None],
        breaker: Breaker | None = None,
        tellings: Tellings | None = None,
    ) -> None:
        """`opened` is called when sending may go on after a while in which it might not.

        `warn` gets a reason and a line, once for each trouble that stops all sending.
        """
        self._bucket = bucket
        self._breaker = breaker or Breaker()
        self._pause = EndpointPause()
        self._suspicion = Suspicion()
        self._tellings = tellings or Tellings()
        self._endpoint = endpoint
        self._uptime = uptime
        self._opened = opened
        self._warn = warn
        self._changed = asyncio.Event()
        #: First come, first served: else who waits for a token may lose to those behind, again and
        #: again.
        self._line = asyncio.Lock()
        self._trouble = asyncio.Event()
        self._ending = False
        self._down = False
        #: Whether somebody was sent back by the breaker or a Retry-After, and not called since.
        self._sent_back = False
        #: How often what had entered, and was not sent yet, was called off: one goes first then.
        self.called_off = 0
        #: What the last answers say of the key.
        self.key = Key.UNKNOWN
        #: Why nothing is sent until the process is started anew; empty while all is well.
        self.halted = ""

    @property
    def paused(self) -> str:
        """Why the endpoint is paused until a probe succeeds; empty while it is not."""
        return self._pause.why

    @property
    def breaker(self) -> BreakerState:
        """The breaker's state now."""
        return self._breaker.state(self._uptime())

    @property
    def is_open(self) -> bool:
        """Whether what has entered may still be sent: others learn of trouble meanwhile."""
        shut = self._ending or self.paused or self.halted or self.rest
        return not shut and self.breaker is not BreakerState.OPEN

    @property
    def rest(self) -> float:
        """Seconds for which the endpoint asked to be left alone."""
        return self._pause.left(self._uptime())

    @property
    def tokens(self) -> float | None:
        """Attempts that the rate limit lets go at once; None: there is no limit."""
        return self._bucket.tokens(self._uptime()) if self._bucket.rate > 0 else None

    @property
    def pauses(self) -> dict[str, bool]:
        """Whether sending is paused, by what it waits for."""
        in_trouble, about_the_key = bool(self.paused), self._pause.about_the_key
        return {
            "key": in_trouble and about_the_key,
            "endpoint": in_trouble and not about_the_key,
            "retry_after": self.rest > 0.0,
        }

    async def enter(self, uid: str, namespace: str | None = None) -> Closed | None:
        """None: go, and tell `leave` how it ended. Closed: this event shall come again later."""
        async with self._line:
            closed = await self._enter(uid, namespace)
        if closed is None or not closed.why:
            return closed
        turn = self._tellings.turn(uid, self._uptime())
        if turn == 0.0:
            return closed
        return Closed(closed.seconds if turn is None else min(turn, closed.seconds))

    async def _enter(self, uid: str, namespace: str | None) -> Closed | None:
        while True:
            if self._ending or self.halted:
                return Closed(PROBE_SECONDS)
            if self.paused:
                return Closed(PROBE_SECONDS, self.paused, self._pause.no_key)
            now = self._uptime()
            wait = self._wait_for_the_endpoint(now, namespace)
            if wait is not None:
                # Only for this: who went back for want of a token would lose it to those behind.
                if wait > PATIENCE:
                    self._sent_back = True
                    return Closed(wait, self._why())
                wait = max(wait, self._bucket.wait(now))
            if wait == 0.0:
                if self.breaker is BreakerState.HALF_OPEN:
                    self._suspicion.goes_first(uid)
                self._bucket.spend()
                self._breaker.begin()
                return None
            await self._until_changed(wait)

    def _wait_for_the_endpoint(self, now: float, namespace: str | None) -> float | None:
        """Seconds for which it is to be left alone; None: until another attempt ends."""
        trial = self._breaker.wait(now, namespace)
        return None if trial is None else max(self._pause.left(now), trial)

    def decided(self) -> None:
        """What has entered is sent now, or not at all: how many may be at once depends on it."""
        self._bucket.gone(self._uptime())
        self._changed.set()

    def leave(self, outcome: Outcome | None, namespace: str | None = None) -> None:
        """What entered has ended like this; None: no attempt was made."""
        now = self._uptime()
        self._breaker.end(outcome, now, namespace)
        self._suspicion.ended(outcome)
        if outcome is not None:
            self._pause.asked(outcome.pause, now)
            self._learn_of_the_key(outcome.code)
        self._look_at_the_breaker()
        if outcome is not None and outcome.row.of_the_endpoint:
            self._in_trouble(outcome)
        if self._sent_back and self.is_open and self.breaker is BreakerState.CLOSED:
            self._call_back()
        self._changed.set()

    def halt(self, why: str) -> None:
        """Let nobody in any more: going on could send events twice, until a person mends it."""
        if not self.halted:
            logger.error("nothing is sent any more: %s", why)
            self._warn("SendingStopped", why)
        self.halted = why
        self._changed.set()

    def close(self) -> None:
        """Let nobody in any more: the operator stops."""
        self._ending = True
        self._changed.set()

    async def run(self) -> None:
        """Probe the endpoint while it is paused, and go on when that is over."""
        while True:
            await self._trouble.wait()
            if not self._suspicion.of_one(about_the_key=self._pause.about_the_key):
                # The probe may know no better: it is answered also where no event is taken.
                await self._until_next_probe()
            while not await self._works_again():
                await self._until_next_probe()
            self._resume()

    def _in_trouble(self, outcome: Outcome) -> None:
        """Stop all sending until a probe succeeds."""
        why = outcome.row.words(outcome)
        if not self.paused:
            logger.warning("sending is paused: %s", why)
            self._warn(Reason.ENDPOINT_PAUSED, why)
        self.called_off += 1
        self._pause.why, self._pause.about_the_key = why, outcome.of_the_key
        self._pause.no_key = outcome.kind is OutcomeClass.NOT_SENT
        self._trouble.set()

    def _learn_of_the_key(self, status: int | None) -> None:
        if status in OF_THE_KEY:
            self.key = Key.REFUSED
        elif status is not None and (status < 300 or status in (400, 422)):
            self.key = Key.OK  # it was looked at; of other answers nobody knows

    def _look_at_the_breaker(self) -> None:
        if self._breaker.closed:
            self._down = False
        elif self.breaker is BreakerState.OPEN and not self._down:
            self._down = True
            self.called_off += 1
            logger.warning("sending is paused: %s", _DOWN)
            self._warn(Reason.ENDPOINT_PAUSED, _DOWN)

    async def _works_again(self) -> bool:
        try:
            answer = await self._endpoint.validate()
        except KeyFileError as error:
            self._pause.why, self._pause.no_key = f"Not sent: {error}", True
            self.key = Key.MISSING
            return False
        if isinstance(answer, NoAnswer):
            return False
        self._learn_of_the_key(answer.status)
        if answer.status in OF_THE_KEY and self._pause.no_key:  # there is one by now, a wrong one
            self._in_trouble(Outcome(OutcomeClass.ENDPOINT_LEVEL, answer.status))
        # Where the probe's path is not known either, one event tells whether the endpoint works.
        return answer.status == 200 or (answer.status == 404 and not self._pause.about_the_key)

    def _resume(self) -> None:
        logger.info("sending goes on")
        self._pause.why = ""
        self._trouble.clear()
        self._breaker.half_open(self._uptime())
        self._call_back()
        self._changed.set()

    def _call_back(self) -> None:
        self._sent_back = False
        self._tellings.reset()
        self._opened()

    async def _until_next_probe(self) -> None:
        """The probe's interval, or less if the key's file changes."""
        end = self._uptime() + PROBE_SECONDS
        while (left := end - self._uptime()) > 0:
            await asyncio.sleep(min(LOOK_AT_THE_KEY, left))
            if await self._endpoint.key_changed():  # also while the file holds no key at all
                return

    async def _until_changed(self, seconds: float | None) -> None:
        self._changed.clear()
        await happened(self._changed, seconds)

    def _why(self) -> str:
        if self.breaker is BreakerState.OPEN:
            return _DOWN
        if self._pause.left(self._uptime()):
            return "The events API asked for a pause; nothing is sent until that is over"
        return ""  # others go first: no trouble to speak of
