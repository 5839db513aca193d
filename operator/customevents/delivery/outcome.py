"""What is known after an attempt: one table from the HTTP result to a class.

The remote API offers no idempotency key and no read-back, so the one question that matters is
whether the event may have been applied. Where that cannot be told, the class is Unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from customevents.delivery.pacing import retry_after
from customevents.eventsapi.client import Answer, NoAnswer, Stage
from customevents.eventsapi.refusal import Refusal
from customevents.resource.status import OutcomeClass

#: The key or the endpoint is wrong, and every other event would meet the same answer.
ENDPOINT_LEVEL = frozenset({401, 403, 404, 405, 407, 410, 421, 451})

#: The API asks to come back later, and has applied nothing.
REFUSED_FOR_NOW = frozenset({408, 425, 429})

#: What was written is refused, and not how it was sent.
OF_THE_CONTENT = frozenset({400, 422})

#: The documented answer to a POST.
CREATED = 201

#: With these the Retry-After holds for the whole endpoint.
PAUSING = frozenset({429, 503})

_STAGES = {
    Stage.CERTIFICATE: OutcomeClass.ENDPOINT_LEVEL,
    Stage.CONNECT: OutcomeClass.NEVER_ARRIVED,
    Stage.SENT: OutcomeClass.UNKNOWN,
}


@dataclass(frozen=True)
class Outcome:
    """The class of one attempt; `code` is the HTTP status, if an answer was read.

    What it says beside that is shown, and decides nothing.
    """

    kind: OutcomeClass
    code: int | None = None
    detail: str = ""
    refusal: Refusal = field(default=Refusal(), compare=False)

    @property
    def usual(self) -> bool:
        """Whether it is the answer that the API's documentation promises."""
        return self.code == CREATED

    @property
    def words(self) -> str:
        """The outcome in words that are the same each time: no times, no text of the server."""
        return f"HTTP {self.code}" if self.code is not None else self.detail


def classify(result: Answer | NoAnswer) -> Outcome:
    """The class of an attempt's result."""
    if isinstance(result, NoAnswer):
        return Outcome(_STAGES[result.stage], detail=result.detail)
    return Outcome(_class_of(result), code=result.status, refusal=result.refusal)


def asked_pause(result: Answer | NoAnswer, now: datetime) -> float:
    """The seconds for which an answer asks that the whole endpoint be left alone."""
    if isinstance(result, NoAnswer) or result.status not in PAUSING:
        return 0.0
    return retry_after(result.retry_after, now)


def trouble(outcome: Outcome) -> str:
    """What to say of an outcome that every event would have now."""
    if outcome.code in (401, 403):
        return (
            f"The events API refused the key ({outcome.words}); it must be a user's API key, not "
            "the agent's"
        )
    return (
        f"The endpoint does not take events ({outcome.words}); check the settings site and endpoint"
    )


def _class_of(answer: Answer) -> OutcomeClass:
    status = answer.status
    if 200 <= status < 300:
        return OutcomeClass.SUCCESS
    if 300 <= status < 400 or status in ENDPOINT_LEVEL:
        return OutcomeClass.ENDPOINT_LEVEL
    if status in REFUSED_FOR_NOW or (status == 503 and answer.retry_after is not None):
        return OutcomeClass.REFUSED_FOR_NOW
    if 400 <= status < 500 and status != 409:
        return OutcomeClass.REFUSED
    return OutcomeClass.UNKNOWN
