"""An undelivered event is no news any more past its deadline, and says why it was not told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from customevents.delivery.state import Attempt, Ending, Policy, Verdict
from customevents.resource.event import RESTORED_LABEL, CustomEvent
from customevents.resource.status import LastOutcome, OutcomeClass, Reason, State
from unit.builders import NOW, event, later, raw_spec, record, recorded, sent, spec, step

DAY = 24 * 3600
UNKNOWN = LastOutcome(outcome_class=OutcomeClass.UNKNOWN, code=502)
NEVER_ARRIVED = LastOutcome(outcome_class=OutcomeClass.NEVER_ARRIVED)
WAITING = record(next_attempt_time=later(30), last_outcome=NEVER_ARRIVED)


def verdict(of: CustomEvent, *, at: float = 0) -> Verdict:
    found = step(of, at=at)
    assert isinstance(found, Ending), found
    assert found.verdict is not None
    return found.verdict


TOUCHED = [{"manager": "kubectl", "time": "2026-05-01T12:10:00Z"}]
LABELLED = {"managedFields": TOUCHED, "creationTimestamp": "2026-05-01T06:00:00Z"}


@pytest.mark.parametrize(
    ("of", "seconds"),
    [
        (event(), DAY),
        (event(spec=raw_spec(deliveryDeadlineSeconds=60)), 60),
        (event(**LABELLED), DAY + 600),
        (event(spec=raw_spec(occurredAt="2026-05-01T11:00:00Z"), **LABELLED), DAY - 3600),
        (event(spec=raw_spec(occurredAt="2026-05-01T13:00:00Z")), DAY + 3600),
        (recorded(WAITING), DAY),
        (recorded(record(state=State.HELD, attempts=0)), DAY),
        (recorded(record(state=State.SUSPENDED), spec=raw_spec(suspend=True)), DAY),
    ],
    ids=[
        "since its creation",
        "as the author says",
        "since its last change",
        "since it occurred, not since its last change",
        "occurs in the future",
        "retrying",
        "held for a cause",
        "suspended",
    ],
)
def test_an_undelivered_event_expires_at_its_deadline(of: CustomEvent, seconds: float) -> None:
    early = step(of, at=seconds - 0.001)
    assert isinstance(early, Attempt) or early.verdict is None
    expired = verdict(of, at=seconds)
    assert expired.record.state is State.EXPIRED
    assert expired.reason == Reason.DEADLINE_EXCEEDED
    assert expired.record.finished_time == later(seconds)
    assert expired.record.next_attempt_time is None


def test_the_deadline_is_the_operators_where_the_author_says_none() -> None:
    short = Policy(deadline_seconds=60)
    assert isinstance(step(event(), at=59, policy=short), Attempt)
    assert isinstance(step(event(), at=60, policy=short), Ending)


@pytest.mark.parametrize(
    "of",
    [
        recorded(record(state=State.DELIVERED)),
        recorded(record(state=State.FAILED)),
        recorded(record(state=State.HELD, last_outcome=UNKNOWN)),
    ],
    ids=["delivered", "failed", "held for a person"],
)
def test_what_waits_for_nobody_or_for_a_person_does_not_expire(of: CustomEvent) -> None:
    assert step(of, at=100 * DAY) == Ending()


OLD = raw_spec(occurredAt="2026-04-01T00:00:00Z")


def test_a_resend_gives_an_old_event_a_new_deadline() -> None:
    expired = record(spec(**OLD), state=State.EXPIRED)
    again = sent(recorded(expired, spec=OLD, resend="one"))
    assert again.resend_time == NOW
    seen = replace(again, state=State.RETRYING)
    assert isinstance(step(recorded(seen, spec=OLD, resend="one"), at=DAY - 1), Attempt)
    assert verdict(recorded(seen, spec=OLD, resend="one"), at=DAY).record.state is State.EXPIRED


def test_an_edit_after_a_resend_is_as_old_as_the_edited_content() -> None:
    resent = record(state=State.DELIVERED, resend="one", resend_time=NOW)
    assert verdict(recorded(resent, spec=OLD, resend="one")).record.resend_time is None


def test_an_annotation_that_is_as_old_as_its_object_resends_nothing() -> None:
    """Replaying old events with their annotations does not tell them as news."""
    replayed = event(spec=OLD, annotations={"customevents.dev/resend": "one"})
    assert verdict(replayed).record.state is State.EXPIRED


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (event(spec=OLD), "deadline; it was never tried. Edit"),
        (recorded(record(spec(**OLD), last_outcome=UNKNOWN), spec=OLD), "Unknown (HTTP 502)"),
        (recorded(record(spec(**OLD), last_outcome=NEVER_ARRIVED), spec=OLD), "NeverArrived."),
        (
            recorded(
                record(spec(**OLD), state=State.HELD, attempts=0),
                spec=OLD,
                reason="ClusterNameUnknown",
            ),
            "it was never tried (ClusterNameUnknown)",
        ),
        (recorded(record(state=State.DELIVERED), spec=OLD), "it was never tried. Edit"),
        (event(spec=OLD, labels={RESTORED_LABEL: "nightly"}), "nobody knows whether it was told"),
    ],
    ids=["new", "unknown", "never arrived", "for a cause", "edited after delivery", "restored"],
)
def test_an_expired_event_keeps_its_last_reason_readable(of: CustomEvent, words: str) -> None:
    assert words in verdict(of).message
