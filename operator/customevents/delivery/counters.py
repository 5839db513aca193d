"""What delivery counts: only what no part's state tells."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Protocol

from customevents.delivery.outcome import Outcome
from customevents.delivery.state import cancels
from customevents.resource.event import CustomEvent
from customevents.resource.status import OutcomeClass

logger = logging.getLogger(__name__)


class Counters(Protocol):
    """Where it is counted; times are in seconds."""

    def attempted(self, namespace: str, outcome_class: str, took: float) -> None:
        """An attempt ended in this class, so long after its request began."""

    def delivered(self, age: float) -> None:
        """A 2xx was read, so long after the event's last change."""

    def unusual_success(self, namespace: str) -> None:
        """It was another 2xx than the documented one."""

    def unknown_outcome(self, namespace: str) -> None:
        """Nobody can say whether an attempt arrived."""

    def cancelled(self, namespace: str) -> None:
        """An event was deleted or edited before it was delivered."""


def count_attempt(
    counters: Counters, event: CustomEvent, outcome: Outcome, *, took: float, now: datetime
) -> None:
    """Count one attempt that left this process; `took` is in seconds."""
    counters.attempted(event.namespace, outcome.kind, took)
    if outcome.kind is OutcomeClass.UNKNOWN:
        counters.unknown_outcome(event.namespace)
    if outcome.kind is OutcomeClass.SUCCESS:
        counters.delivered((now - event.changed).total_seconds())
        if not outcome.usual:
            counters.unusual_success(event.namespace)


def count_edit(counters: Counters, before: CustomEvent | None, after: CustomEvent) -> None:
    """Count and log an edit, if it cancels what was to be told; `before`: what waited."""
    if cancels(before, after):
        logger.info("%s was edited before it was delivered", after.path)
        counters.cancelled(after.namespace)


def count_deletion(counters: Counters, event: CustomEvent) -> None:
    """Count and log that an object was deleted, if something of it was still to be told."""
    if not event.answered or event.waits_for_a_person:
        logger.info("%s was deleted before it was delivered", event.path)
        counters.cancelled(event.namespace)
