"""What is known after an attempt, and what follows: one table from the HTTP result.

The remote API offers no idempotency key and no read-back, so the one question that matters is
whether the event may have been applied. Where that cannot be told, the class is Unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import assert_never

from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.eventsapi.refusal import Refusal
from customevents.eventsapi.retry_after import retry_after
from customevents.resource.status import OutcomeClass, Reason

#: The documented answer to a POST.
CREATED = 201

#: What was written is refused, and not how it was sent.
OF_THE_CONTENT = frozenset({400, 422})

#: The key is refused, or may not do this.
OF_THE_KEY = frozenset({401, 403})

#: With these the Retry-After holds for the whole endpoint.
PAUSING = frozenset({429, 503})

_REDIRECTS = frozenset(range(300, 400))
_ENDPOINT = frozenset({404, 405, 407, 410, 421, 451}) | OF_THE_KEY | _REDIRECTS
_FOR_NOW = frozenset({408, 425, 429})
_FOR_GOOD = frozenset(range(400, 500)) - _ENDPOINT - _FOR_NOW - {409}
_2XX = frozenset(range(200, 300))


class Follows(Enum):
    """What an attempt of this class leads to."""

    #: It waits as before: nothing left this process, so no attempt is counted.
    WAIT = auto()
    #: It is Delivered.
    DELIVERED = auto()
    #: It has Failed: an edit or a resend is needed.
    FAILED = auto()
    #: It is tried again with its backoff.
    RETRY = auto()
    #: It is counted as unknown; then `onUnknownOutcome` says whether it is tried again or Held.
    COUNT = auto()


@dataclass(frozen=True)
class Row:
    """A class of outcomes: which results are in it, and what follows of them."""

    follows: Follows
    #: Why the condition is as it is, what it says of the outcome, and of what follows.
    reason: Reason
    words: Callable[[Outcome], str]
    then: str = "; it is tried again"
    #: HTTP statuses; those of `if_told` only with a Retry-After.
    statuses: frozenset[int] = frozenset()
    if_told: frozenset[int] = frozenset()
    #: How far an attempt came that got no answer.
    stage: Stage | None = None
    #: Whether the event may be on the timeline: then the journal keeps the intent until that is on
    #: record.
    maybe_applied: bool = False
    #: Whether every other event would meet the same now: all sending is paused.
    of_the_endpoint: bool = False


@dataclass(frozen=True)
class Outcome:
    """The class of one attempt; `code` is the HTTP status, if an answer was read.

    What it says beside that is shown, and decides nothing.
    """

    kind: OutcomeClass
    code: int | None = None
    detail: str = ""
    refusal: Refusal = field(default=Refusal(), compare=False)
    #: Seconds for which the endpoint asked to be left alone.
    pause: float = 0.0

    @property
    def row(self) -> Row:
        """What follows."""
        return row_of(self.kind)

    @property
    def usual(self) -> bool:
        """Whether it is the answer that the API's documentation promises."""
        return self.code == CREATED

    @property
    def is_outage(self) -> bool:
        """Whether the endpoint seems to be down: it gave no answer, or one of its own trouble."""
        return self.code >= 500 if self.code is not None else not self.row.of_the_endpoint

    @property
    def of_the_key(self) -> bool:
        """Whether it is the key that is refused, or missing."""
        return self.code in OF_THE_KEY or self.kind is OutcomeClass.NOT_SENT

    @property
    def words(self) -> str:
        """The outcome in words that are the same each time: no times, no text of the server."""
        return f"HTTP {self.code}" if self.code is not None else self.detail


def row_of(kind: OutcomeClass) -> Row:
    """The table. mypy names the class that has no row."""
    match kind:
        case OutcomeClass.NOT_SENT:
            return Row(Follows.WAIT, Reason.NOT_SENT, _not_sent, then="", of_the_endpoint=True)
        case OutcomeClass.NEVER_ARRIVED:
            return Row(Follows.RETRY, Reason.NEVER_ARRIVED, _unreached, stage=Stage.CONNECT)
        case OutcomeClass.REFUSED_FOR_NOW:
            reason, busy = Reason.REFUSED_FOR_NOW, frozenset({503})
            return Row(Follows.RETRY, reason, _for_now, statuses=_FOR_NOW, if_told=busy)
        case OutcomeClass.ENDPOINT_LEVEL:
            return Row(
                Follows.RETRY,
                Reason.ENDPOINT_LEVEL,
                _of_the_endpoint,
                then=". It is tried again",
                statuses=_ENDPOINT,
                stage=Stage.CERTIFICATE,
                of_the_endpoint=True,
            )
        case OutcomeClass.REFUSED:
            then = "; edit it, or resend it"
            return Row(Follows.FAILED, Reason.REFUSED, _refused, then=then, statuses=_FOR_GOOD)
        case OutcomeClass.UNKNOWN:  # also whatever is in no other row
            reason, sent = Reason.UNKNOWN_OUTCOME, Stage.SENT
            return Row(Follows.COUNT, reason, _unknown, stage=sent, maybe_applied=True)
        case OutcomeClass.SUCCESS:
            reason = Reason.DELIVERED
            return Row(Follows.DELIVERED, reason, _success, statuses=_2XX, maybe_applied=True)
    assert_never(kind)


def _not_sent(outcome: Outcome) -> str:
    return f"Not sent: {outcome.words}"


def _unreached(outcome: Outcome) -> str:
    return f"The events API could not be reached ({outcome.words})"


def _for_now(outcome: Outcome) -> str:
    return f"The events API asked to come back later ({outcome.words})"


def _of_the_endpoint(outcome: Outcome) -> str:
    if outcome.of_the_key:
        wrong, wanted = (
            "The events API refused the key",
            "it must be a user's API key, not the agent's",
        )
    else:
        wrong = "The endpoint does not take events"
        wanted = "check the settings site and endpoint"
    return f"{wrong} ({outcome.words}); {wanted}"


def _refused(outcome: Outcome) -> str:
    said = outcome.refusal
    hint = said.hint if outcome.code in OF_THE_CONTENT else ""
    return f"The events API refused this event for good ({outcome.words}{said.words}){hint}"


def _unknown(outcome: Outcome) -> str:
    return f"Nobody can say whether the last attempt arrived ({outcome.words})"


def _success(_: Outcome) -> str:
    return "Delivered"


_BY_STATUS = {status: kind for kind in OutcomeClass for status in row_of(kind).statuses}
_IF_TOLD = {status: kind for kind in OutcomeClass for status in row_of(kind).if_told}
_BY_STAGE = {row_of(kind).stage: kind for kind in OutcomeClass}


def classify(result: Answer | NoAnswer, now: datetime) -> Outcome:
    """The outcome of an attempt whose result arrived at this time."""
    if isinstance(result, NoAnswer):
        return Outcome(_BY_STAGE[result.stage], detail=result.detail)
    kind = _BY_STATUS.get(result.status, OutcomeClass.UNKNOWN)
    if result.retry_after is not None:
        kind = _IF_TOLD.get(result.status, kind)
    pause = retry_after(result.retry_after, now) if result.status in PAUSING else 0.0
    return Outcome(kind, result.status, refusal=result.refusal, pause=pause)
