"""What the object says after an attempt, and after one that was not made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from customevents.delivery.outcome import Outcome
from customevents.delivery.state import Ending, Policy, Verdict, filled, invalid
from customevents.resource.event import CustomEvent
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.resource.status import (
    DeliveryRecord,
    LastOutcome,
    OutcomeClass,
    Reason,
    State,
)
from customevents.scope.resolve import Unresolved
from unit.builders import (
    NOW,
    after,
    attempt,
    event,
    later,
    moment,
    raw_spec,
    record,
    recorded,
    sent,
    step,
)

RETRY, HOLD = UnknownOutcomePolicy.RETRY, UnknownOutcomePolicy.HOLD
UNKNOWN = LastOutcome(outcome_class=OutcomeClass.UNKNOWN, code=502)
NEVER_ARRIVED = LastOutcome(outcome_class=OutcomeClass.NEVER_ARRIVED)
WAITING = record(next_attempt_time=later(30), last_outcome=NEVER_ARRIVED)


def tried(
    kind: OutcomeClass,
    code: int | None = None,
    *,
    before: DeliveryRecord | None = None,
    policy: UnknownOutcomePolicy = RETRY,
) -> Verdict:
    first = before or record(state=State.PENDING, attempts=0)
    outcome = Outcome(kind, code, detail="" if code else "SomeError")
    return after(first, outcome, policy=policy)


OUTCOMES: list[tuple[OutcomeClass, int | None, UnknownOutcomePolicy, State, Reason]] = [
    (OutcomeClass.SUCCESS, 201, RETRY, State.DELIVERED, Reason.DELIVERED),
    (OutcomeClass.SUCCESS, 201, HOLD, State.DELIVERED, Reason.DELIVERED),
    (OutcomeClass.NEVER_ARRIVED, None, RETRY, State.RETRYING, Reason.NEVER_ARRIVED),
    (OutcomeClass.NEVER_ARRIVED, None, HOLD, State.RETRYING, Reason.NEVER_ARRIVED),
    (OutcomeClass.REFUSED_FOR_NOW, 429, RETRY, State.RETRYING, Reason.REFUSED_FOR_NOW),
    (OutcomeClass.REFUSED_FOR_NOW, 429, HOLD, State.RETRYING, Reason.REFUSED_FOR_NOW),
    (OutcomeClass.ENDPOINT_LEVEL, 403, RETRY, State.RETRYING, Reason.ENDPOINT_LEVEL),
    (OutcomeClass.ENDPOINT_LEVEL, 307, HOLD, State.RETRYING, Reason.ENDPOINT_LEVEL),
    (OutcomeClass.REFUSED, 400, RETRY, State.FAILED, Reason.REFUSED),
    (OutcomeClass.REFUSED, 400, HOLD, State.FAILED, Reason.REFUSED),
    (OutcomeClass.UNKNOWN, 502, RETRY, State.RETRYING, Reason.UNKNOWN_OUTCOME),
    (OutcomeClass.UNKNOWN, None, HOLD, State.HELD, Reason.UNKNOWN_OUTCOME),
]


@pytest.mark.parametrize(("kind", "code", "policy", "state", "reason"), OUTCOMES)
def test_each_outcome_leads_to_its_state(
    kind: OutcomeClass,
    code: int | None,
    policy: UnknownOutcomePolicy,
    state: State,
    reason: Reason,
) -> None:
    verdict = tried(kind, code, policy=policy)
    assert (verdict.record.state, verdict.reason) == (state, reason)
    assert verdict.record.attempts == 1
    assert verdict.record.last_attempt_time == NOW
    assert verdict.record.last_outcome == LastOutcome(outcome_class=kind, code=code)
    assert verdict.record.next_attempt_time == (later(9) if state is State.RETRYING else None)
    assert verdict.record.finished_time == (NOW if state.finished else None)
    assert verdict.record.unknown_outcomes == (1 if kind is OutcomeClass.UNKNOWN else 0)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (tried(OutcomeClass.SUCCESS, 201), "Delivered at the first attempt."),
        (
            tried(OutcomeClass.SUCCESS, 201, before=record(attempts=2)),
            "Delivered after 3 attempts.",
        ),
        (
            tried(OutcomeClass.SUCCESS, 201, before=record(attempts=2, unknown_outcomes=1)),
            "it may be there twice",
        ),
        (
            tried(
                OutcomeClass.SUCCESS,
                201,
                before=record(sequence=2, attempts=2, unknown_outcomes=1),
            ),
            "1 earlier with an unknown outcome, so this or earlier content may be there",
        ),
        (tried(OutcomeClass.REFUSED, 422), "refused this event for good (HTTP 422)"),
        (tried(OutcomeClass.NEVER_ARRIVED), "could not be reached (SomeError)"),
        (tried(OutcomeClass.REFUSED_FOR_NOW, 429), "come back later (HTTP 429)"),
        (tried(OutcomeClass.ENDPOINT_LEVEL, 401), "a user's API key, not the agent's"),
        (tried(OutcomeClass.ENDPOINT_LEVEL, 403), "a user's API key, not the agent's"),
        (tried(OutcomeClass.ENDPOINT_LEVEL, 404), "check the settings site and endpoint"),
        (tried(OutcomeClass.UNKNOWN, 502), "(HTTP 502); it is tried again"),
        (tried(OutcomeClass.UNKNOWN, policy=HOLD), "Look at the timeline"),
    ],
    ids=lambda part: part[:30] if isinstance(part, str) else "",
)
def test_the_message_says_what_happened_and_what_to_do(verdict: Verdict, words: str) -> None:
    assert words in verdict.message


UNDELIVERED = sorted({kind for kind, *_ in OUTCOMES} - {OutcomeClass.SUCCESS})


@pytest.mark.parametrize("kind", UNDELIVERED, ids=str)
def test_the_message_stays_the_same_while_nothing_changes(kind: OutcomeClass) -> None:
    """A text with a time or a number of attempts in it would be written again and again."""
    again = tried(kind, 500, before=record(attempts=7, unknown_outcomes=3))
    assert again.message == tried(kind, 500).message


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (record(state=State.PENDING, attempts=0), State.PENDING),
        (record(attempts=2, last_outcome=NEVER_ARRIVED), State.RETRYING),
    ],
    ids=["never tried: still pending", "tried before: still retrying"],
)
def test_what_was_not_sent_counts_no_attempt(before: DeliveryRecord, state: State) -> None:
    waiting = after(before, Outcome(OutcomeClass.NOT_SENT, detail="no key"))
    assert waiting.reason == Reason.NOT_SENT
    assert waiting.record == replace(before, state=state, next_attempt_time=later(9))


def test_an_event_whose_scope_cannot_be_told_is_held_without_a_time() -> None:
    unresolved = Unresolved(Reason.CLUSTER_NAME_UNKNOWN, "no name")
    waiting = filled(attempt(WAITING), unresolved, moment())
    assert isinstance(waiting, Ending)
    assert waiting.verdict is not None
    assert waiting.verdict.record == replace(WAITING, state=State.HELD, next_attempt_time=None)


def test_a_spec_that_cannot_be_read_fails_and_says_so() -> None:
    verdict = invalid(event(), "spec.severity: no such word", moment())
    assert (verdict.record.state, verdict.reason) == (State.FAILED, Reason.INVALID)
    assert verdict.message.startswith("spec.severity: no such word. ")
    assert verdict.record.finished_time == NOW


def unreadable(before: DeliveryRecord) -> CustomEvent:
    """An object on which this record stood as its spec became unreadable; now it is as before."""
    failed = invalid(recorded(before), "unreadable", moment()).record
    return recorded(failed, reason="Invalid", generation=3)


def test_what_was_delivered_stays_delivered_when_an_unreadable_edit_is_taken_back() -> None:
    success = LastOutcome(outcome_class=OutcomeClass.SUCCESS, code=201)
    before = record(
        state=State.DELIVERED,
        attempts=2,
        last_outcome=success,
        last_attempt_time=later(-9),
        finished_time=later(-9),
    )
    again = step(unreadable(before))
    assert isinstance(again, Ending)
    assert again.verdict is not None
    assert again.verdict.record == before
    assert again.verdict.reason == Reason.DELIVERED


def test_what_waits_for_a_person_still_does_when_an_unreadable_edit_is_taken_back() -> None:
    before = record(state=State.HELD, last_outcome=UNKNOWN, unknown_outcomes=1)
    again = step(unreadable(before), policy=Policy(on_unknown_outcome=HOLD))
    assert isinstance(again, Ending)
    assert again.verdict is not None
    assert again.verdict.record == before
    words = "Nobody can say whether the last attempt arrived (Unknown (HTTP 502)). Look"
    assert again.verdict.message.startswith(words)


def test_what_was_lost_is_tried_again_under_its_id_when_an_unreadable_edit_is_taken_back() -> None:
    before = record(state=State.RETRYING, attempts=2, last_outcome=UNKNOWN, unknown_outcomes=1)
    assert sent(unreadable(before)) == before


def test_an_unreadable_edit_of_which_the_essence_was_taken_tells_nothing_twice_uncounted() -> None:
    success = LastOutcome(outcome_class=OutcomeClass.SUCCESS, code=201)
    told = record(state=State.DELIVERED, last_outcome=success)
    for earlier, ends in ((0, State.DELIVERED), (1, State.RETRYING)):
        before = replace(told, attempts=earlier + 1, unknown_outcomes=earlier)
        failed = invalid(recorded(before), "unreadable", moment()).record.essence
        again = step(recorded(failed, reason="Invalid", generation=3))
        found = again.verdict if isinstance(again, Ending) else again
        assert found is not None
        assert found.record.state is ends
        assert found.record.unknown_outcomes == 2 * earlier


def test_what_was_lost_is_counted_once_through_an_unreadable_edit_over_its_essence() -> None:
    lost = record(state=State.RETRYING, attempts=1, unknown_outcomes=1)
    assert sent(unreadable(lost.essence)).unknown_outcomes == 1
    behind_others = record(state=State.RETRYING, attempts=1, unknown_outcomes=1, sequence=2)
    assert sent(unreadable(behind_others.essence)).unknown_outcomes == 2  # which of them was that?


def test_the_receipt_outlives_a_second_unreadable_edit_over_an_essence() -> None:
    success = LastOutcome(outcome_class=OutcomeClass.SUCCESS, code=201)
    told = record(state=State.DELIVERED, attempts=1, last_outcome=success)
    for essence in (told.essence, invalid(recorded(told), "unreadable", moment()).record.essence):
        before = recorded(essence, reason="Invalid" if essence.state is State.FAILED else "")
        once = invalid(before, "unreadable", moment()).record.essence
        twice = invalid(recorded(once, reason="Invalid"), "as much", moment()).record.essence
        again = step(recorded(twice, reason="Invalid", generation=4))
        assert isinstance(again, Ending)
        assert again.verdict is not None
        assert again.verdict.record.state is State.DELIVERED


def test_an_essence_that_never_arrived_is_no_receipt() -> None:
    before = record(state=State.RETRYING, attempts=2)
    again = sent(unreadable(before.essence))
    assert (again.sequence, again.attempts) == (2, 0)


def test_an_essence_that_may_have_arrived_is_a_receipt_and_the_count_of_another_is_none() -> None:
    lost = record(state=State.RETRYING, attempts=1, unknown_outcomes=1)
    assert sent(unreadable(lost.essence)).sequence == 1
    behind_it = record(state=State.RETRYING, attempts=0, unknown_outcomes=1, sequence=2)
    assert sent(unreadable(behind_it.essence)).sequence == 3


def test_what_never_arrived_is_new_once_its_spec_can_be_read_again() -> None:
    before = record(attempts=2, last_outcome=NEVER_ARRIVED, unknown_outcomes=1)
    again = sent(unreadable(before))
    assert (again.sequence, again.attempts, again.unknown_outcomes) == (2, 0, 1)


def test_other_content_is_told_behind_an_edit_that_was_unreadable() -> None:
    success = LastOutcome(outcome_class=OutcomeClass.SUCCESS, code=201)
    failed = unreadable(record(state=State.DELIVERED, last_outcome=success))
    again = sent(replace(failed, spec=raw_spec(summary="other")))
    assert (again.sequence, again.attempts) == (2, 0)


def test_an_unreadable_event_that_is_to_be_resent_is_settled() -> None:
    again = event(annotations={"customevents.dev/resend": "one"})
    failed = invalid(again, "unreadable", moment())
    assert recorded(failed.record, resend="one").needs_nothing
