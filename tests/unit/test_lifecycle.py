"""What is to be done about an event follows from its object, the settings and the clock."""

from __future__ import annotations

import pytest

from customevents.delivery.lifecycle import Leave, Policy, Send, Show, Verdict, Wait, paused
from customevents.resource.event import CustomEvent
from customevents.resource.identity import content_hash, delivery_id
from customevents.resource.spec import parse_spec
from customevents.resource.status import (
    DeliveryRecord,
    LastOutcome,
    OutcomeClass,
    Reason,
    State,
)
from unit.builders import UID, event, later, raw_spec, record, recorded, sent, spec, step

UNKNOWN = LastOutcome(outcome_class=OutcomeClass.UNKNOWN, code=502)
NEVER_ARRIVED = LastOutcome(outcome_class=OutcomeClass.NEVER_ARRIVED)


def test_a_new_event_is_sent_as_its_first_delivery() -> None:
    content = content_hash(spec())
    assert sent(event()) == DeliveryRecord(
        id=delivery_id(UID, content, "", 1), sequence=1, content_hash=content
    )


WAITING = record(next_attempt_time=later(30), last_outcome=NEVER_ARRIVED)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (recorded(record(state=State.PENDING, attempts=0)), Send),
        (recorded(WAITING), Wait),
        (recorded(record(next_attempt_time=later(0))), Send),
        (recorded(record(next_attempt_time=later(-5))), Send),
        (recorded(record(state=State.DELIVERED)), Leave),
        (recorded(record(state=State.FAILED)), Leave),
        (recorded(record(state=State.EXPIRED)), Leave),
        (recorded(record(state=State.HELD, last_outcome=UNKNOWN)), Leave),
        (recorded(record(state=State.HELD, attempts=0)), Send),
        (recorded(record(state=State.HELD, last_outcome=NEVER_ARRIVED)), Send),
        (recorded(record(state=State.SUSPENDED, attempts=0)), Send),
    ],
    ids=[
        "pending: sent",
        "retrying, too early: waits",
        "retrying, due: sent",
        "retrying, overdue: sent",
        "delivered: left",
        "failed: left",
        "expired: left",
        "held for a person: left",
        "held for a cause: tried again",
        "held for a cause after an attempt: tried again",
        "no longer suspended: sent",
    ],
)
def test_each_state_has_its_next_step(of: CustomEvent, expected: type) -> None:
    assert isinstance(step(of), expected)


def test_a_retry_is_the_same_delivery() -> None:
    waiting = record(attempts=3, unknown_outcomes=1)
    assert sent(recorded(waiting)) == waiting


def test_an_event_that_waits_says_until_when() -> None:
    assert step(recorded(WAITING)) == Wait(later(30), restamp=False)


def test_a_time_that_another_nodes_clock_set_is_not_waited_for() -> None:
    """No delay is longer than an hour, which is the most that the endpoint may ask for."""
    found = step(recorded(record(next_attempt_time=later(20 * 3600))))
    assert isinstance(found, Verdict)
    assert found.record.next_attempt_time == later(3600)
    assert (found.reason, found.message) == ("NeverArrived", "as it was")


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED, State.EXPIRED])
def test_an_edit_that_is_not_content_only_restamps_a_finished_event(state: State) -> None:
    knobs = raw_spec(suspend=True, ttlSecondsAfterFinished=60, onUnknownOutcome="Hold")
    edited = recorded(record(state=state), spec=knobs, generation=2)
    assert step(edited) == Leave(restamp=True)
    assert step(recorded(record(state=state), generation=2, observed=2)) == Leave(restamp=False)


def test_an_edit_that_is_not_content_restamps_an_event_that_waits() -> None:
    edited = recorded(WAITING, spec=raw_spec(ttlSecondsAfterFinished=60), generation=2)
    assert step(edited) == Wait(later(30), restamp=True)


def test_an_edit_that_is_not_content_restamps_an_event_held_for_a_person() -> None:
    waiting = record(state=State.HELD, last_outcome=UNKNOWN)
    assert step(recorded(waiting, generation=2)) == Leave(restamp=True)


@pytest.mark.parametrize(
    "of",
    [event(spec=raw_spec(suspend=True)), recorded(WAITING, spec=raw_spec(suspend=True))],
    ids=["new", "retrying"],
)
def test_a_suspended_event_is_shown_and_not_sent(of: CustomEvent) -> None:
    shown = step(of)
    assert isinstance(shown, Show)
    assert shown.verdict.record.state is State.SUSPENDED
    assert shown.verdict.record.next_attempt_time is None
    assert shown.verdict.record.attempts == of.status.delivery.attempts
    assert shown.verdict.reason == Reason.SUSPENDED


def test_an_operator_that_is_paused_shows_and_does_not_send() -> None:
    shown = step(event(), policy=Policy(paused=True))
    assert isinstance(shown, Show)
    assert shown.verdict.record.state is State.SUSPENDED
    assert shown.verdict.reason == Reason.OPERATOR_PAUSED


def test_of_both_the_authors_own_word_is_the_reason() -> None:
    shown = step(event(spec=raw_spec(suspend=True)), policy=Policy(paused=True))
    assert isinstance(shown, Show)
    assert shown.verdict.reason == Reason.SUSPENDED


@pytest.mark.parametrize("before", [State.SUSPENDED, State.HELD, State.PENDING, State.RETRYING])
@pytest.mark.parametrize(("attempts", "shown"), [(0, State.PENDING), (2, State.RETRYING)])
def test_what_waits_for_the_endpoint_is_in_nobodys_hands(
    before: State, attempts: int, shown: State
) -> None:
    waiting = paused(record(state=before, attempts=attempts), "The events API asked for a pause")
    assert (waiting.record.state, waiting.reason) == (shown, Reason.ENDPOINT_PAUSED)


def test_suspending_does_not_take_an_event_out_of_a_persons_hands() -> None:
    waiting = record(state=State.HELD, last_outcome=UNKNOWN)
    assert isinstance(step(recorded(waiting, spec=raw_spec(suspend=True))), Leave)


def test_other_content_is_a_new_delivery_that_remembers_its_unknown_outcomes() -> None:
    before = record(state=State.DELIVERED, attempts=3, unknown_outcomes=2, sequence=4)
    edited = raw_spec(summary="checkout 1.4.3 is live")
    content = content_hash(parse_spec(edited))
    assert sent(recorded(before, spec=edited, generation=2)) == DeliveryRecord(
        id=delivery_id(UID, content, "", 5), sequence=5, content_hash=content, unknown_outcomes=2
    )


def test_a_rollback_to_earlier_content_is_a_third_delivery() -> None:
    first = sent(event())
    other = raw_spec(summary="checkout 1.4.3 is live")
    second = sent(recorded(first.model_copy(update={"state": State.DELIVERED}), spec=other))
    third = sent(recorded(second.model_copy(update={"state": State.DELIVERED})))
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    assert first.content_hash == third.content_hash
    assert len({first.id, second.id, third.id}) == 3


@pytest.mark.parametrize("state", list(State), ids=str)
def test_a_resend_is_a_new_delivery_whatever_the_state(state: State) -> None:
    before = record(state=state, last_outcome=UNKNOWN, unknown_outcomes=1)
    again = sent(recorded(before, resend="once more"))
    assert again.id == delivery_id(UID, before.content_hash, "once more", 2)
    assert (again.sequence, again.resend, again.attempts) == (2, "once more", 0)
    assert again.unknown_outcomes == 1


def test_a_resend_that_was_answered_is_not_sent_again() -> None:
    answered = record(state=State.DELIVERED, resend="one", sequence=2)
    assert step(recorded(answered, resend="one")) == Leave(restamp=False)


def test_removing_the_resend_annotation_sends_nothing() -> None:
    answered = record(state=State.DELIVERED, resend="one", sequence=2)
    assert step(recorded(answered)) == Leave(restamp=False)


def test_after_the_annotation_was_removed_another_value_sends_again() -> None:
    answered = record(state=State.DELIVERED, resend="one", sequence=2)
    assert sent(recorded(answered, resend="two")).sequence == 3


def test_a_record_of_the_same_content_is_believed_whatever_the_uid() -> None:
    """A backup that was restored with its status is not sent again."""
    restored = recorded(record(state=State.DELIVERED), uid="another-uid")
    assert step(restored) == Leave(restamp=False)


def test_a_record_of_an_unknown_hash_version_is_believed() -> None:
    newer = record(state=State.DELIVERED, content_hash="v2:something else")
    assert step(recorded(newer)) == Leave(restamp=False)


def test_a_resend_is_heard_through_a_record_of_an_unknown_hash_version() -> None:
    newer = record(state=State.DELIVERED, content_hash="v2:something else")
    assert sent(recorded(newer, resend="one")).content_hash == content_hash(spec())


def test_an_event_restored_without_its_record_waits_for_a_person() -> None:
    restored = event(labels={"velero.io/restore-name": "nightly"})
    found = step(restored)
    assert isinstance(found, Verdict)
    assert (found.record.state, found.reason) == (State.HELD, "RestoredFromBackup")


def test_a_restored_event_that_says_when_it_occurred_is_judged_by_its_deadline() -> None:
    told = raw_spec(occurredAt="2026-05-01T11:00:00Z")
    assert isinstance(step(event(spec=told, labels={"velero.io/restore-name": "nightly"})), Send)


@pytest.mark.parametrize("state", [State.PENDING, State.RETRYING, State.DELIVERED])
def test_a_restored_event_with_its_record_goes_on_as_that_says(state: State) -> None:
    before = record(state=state)
    restored = recorded(before, labels={"velero.io/restore-name": "nightly"})
    assert step(restored) == step(recorded(before))


def test_other_content_of_a_restored_event_is_sent() -> None:
    held = record(state=State.HELD, attempts=0)
    other = raw_spec(summary="checkout 1.4.3 is live")
    labels = {"velero.io/restore-name": "nightly"}
    assert isinstance(step(recorded(held, reason="RestoredFromBackup", labels=labels)), Leave)
    assert sent(recorded(held, spec=other, reason="RestoredFromBackup", labels=labels))
