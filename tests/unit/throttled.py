"""A gate, and the remote side behind it as the gate's tests need them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from customevents.delivery.outcome import Outcome
from customevents.delivery.throttle import Breaker, Closed, Tellings, Throttle, TokenBucket
from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.resource.errors import KeyFileError
from customevents.resource.status import OutcomeClass
from unit.instant import at_once

CREATED = Outcome(OutcomeClass.SUCCESS, 201)
NO_KEY = Outcome(OutcomeClass.NOT_SENT, detail="there is no key")
BAD_GATEWAY = Outcome(OutcomeClass.UNKNOWN, 502)
SLOW_DOWN = Outcome(OutcomeClass.REFUSED_FOR_NOW, 429)
KEY_REFUSED = Outcome(OutcomeClass.ENDPOINT_LEVEL, 401)
NO_SUCH_PATH = Outcome(OutcomeClass.ENDPOINT_LEVEL, 404)
BAD_CERTIFICATE = Outcome(OutcomeClass.ENDPOINT_LEVEL, None, "ClientConnectorCertificateError")


@dataclass
class Remote:
    """What probes are answered: the last answer again and again; and when they were made."""

    answers: list[Answer | NoAnswer | KeyFileError] = field(default_factory=lambda: [Answer(200)])
    probes: list[float] = field(default_factory=list)
    changed: bool = False

    async def validate(self) -> Answer | NoAnswer:
        self.probes.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, KeyFileError):
            raise answer
        return answer

    async def key_changed(self) -> bool:
        return self.changed


@dataclass
class Place:
    """A gate, the remote side behind it, and how often it opened."""

    remote: Remote = field(default_factory=Remote)
    bucket: TokenBucket = field(default_factory=lambda: TokenBucket(rate=0.0, burst=1))
    breaker: Breaker = field(default_factory=lambda: Breaker(closed=True))
    opened: int = 0
    warnings: list[tuple[str, str]] = field(default_factory=list)
    throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self.throttle = Throttle(
            self.bucket,
            self.remote,
            uptime=self.uptime,
            opened=self._open,
            warn=self._warn,
            breaker=self.breaker,
            tellings=Tellings(every=0.0),
        )

    def _warn(self, reason: str, why: str) -> None:
        self.warnings.append((reason, why))

    def _open(self) -> None:
        self.opened += 1

    def uptime(self) -> float:
        return asyncio.get_running_loop().time()

    async def enter(self) -> Closed | None:
        return await self.throttle.enter("uid")

    async def attempt(self, outcome: Outcome | None, pause: float = 0.0) -> None:
        """One attempt that may be made at once, and ends like this."""
        assert await self.enter() is None
        self.throttle.decided()
        self.throttle.leave(outcome and replace(outcome, pause=pause))


def play(place: Place, story: Callable[[], Awaitable[None]]) -> None:
    """Let something happen at a gate that probes."""

    async def played() -> None:
        probing = asyncio.create_task(place.throttle.run())
        await story()
        probing.cancel()

    at_once(played())


async def probed_after(place: Place, outcome: Outcome, *, patience: float = 600.0) -> list[float]:
    """The seconds between the trouble and each probe."""
    await place.attempt(outcome)
    begun = place.uptime()
    await asyncio.sleep(patience)
    return [probe - begun for probe in place.remote.probes]
