"""What is to be done about an event follows from its object, the settings and the clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from customevents.delivery.state import Attempt, Ending, Policy, Verdict, kept_back
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
from unit.builders import (
    UID,
    attempt,
    event,
    later,
    moment,
    raw_spec,
    record,
    recorded,
    sent,
    spec,
    step,
)

LEFT = Ending()


def kind(found: Attempt | Ending) -> str:
    """What is done about an event, in a word."""
    match found:
        case Attempt(dry=None):
            return "sent"
        case Attempt():
            return "shown"
        case Ending(verdict=None, again=None):
            return "left"
        case _:
            return "waits"


def restamped(of: CustomEvent) -> Ending:
    """Only its generation is written anew, and the note that follows from its spec."""
    found = step(of)
    assert isinstance(found, Ending)
    assert found.verdict is not None
    said = of.status.delivered
    assert (found.verdict.record, found.verdict.reason) == (of.status.delivery, said.reason)
    assert found.verdict.message.startswith(said.message)
    return found


def shown(found: Attempt | Ending) -> Verdict:
    """What a dry run says."""
    assert isinstance(found, Attempt)
    assert found.dry is not None
    return found.dry


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
        (recorded(record(state=State.PENDING, attempts=0)), "sent"),
        (recorded(WAITING), "waits"),
        (recorded(record(next_attempt_time=later(0))), "sent"),
        (recorded(record(next_attempt_time=later(-5))), "sent"),
        (recorded(record(state=State.DELIVERED)), "left"),
        (recorded(record(state=State.FAILED)), "left"),
        (recorded(record(state=State.EXPIRED)), "left"),
        (recorded(record(state=State.HELD, last_outcome=UNKNOWN)), "left"),
        (recorded(record(state=State.HELD, attempts=0)), "sent"),
        (recorded(record(state=State.HELD, last_outcome=NEVER_ARRIVED)), "sent"),
        (recorded(record(state=State.SUSPENDED, attempts=0)), "sent"),
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
def test_each_state_has_its_next_step(of: CustomEvent, expected: str) -> None:
    assert kind(step(of)) == expected


def test_a_retry_is_the_same_delivery() -> None:
    waiting = record(attempts=3, unknown_outcomes=1)
    assert sent(recorded(waiting)) == waiting


def test_an_event_that_waits_says_until_when() -> None:
    assert step(recorded(WAITING)) == Ending(again=later(30))


def test_a_time_that_another_nodes_clock_set_is_not_waited_for() -> None:
    """No delay is longer than an hour, which is the most that the endpoint may ask for."""
    found = step(recorded(record(next_attempt_time=later(20 * 3600))))
    assert isinstance(found, Ending)
    assert found.verdict is not None
    assert found.verdict.record.next_attempt_time == found.again == later(3600)
    assert (found.verdict.reason, found.verdict.message) == ("NeverArrived", "as it was")


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED, State.EXPIRED])
def test_an_edit_that_is_not_content_only_restamps_a_finished_event(state: State) -> None:
    knobs = raw_spec(suspend=True, ttlSecondsAfterFinished=60, onUnknownOutcome="Hold")
    edited = recorded(record(state=state), spec=knobs, generation=2)
    assert restamped(edited).again is None
    assert step(recorded(record(state=state), generation=2, observed=2)) == LEFT


def test_an_edit_that_is_not_content_restamps_an_event_that_waits() -> None:
    edited = recorded(WAITING, spec=raw_spec(ttlSecondsAfterFinished=60), generation=2)
    assert restamped(edited).again == later(30)


def test_an_edit_that_is_not_content_restamps_an_event_held_for_a_person() -> None:
    waiting = record(state=State.HELD, last_outcome=UNKNOWN)
    assert restamped(recorded(waiting, generation=2)).again is None


@pytest.mark.parametrize(
    "of",
    [event(spec=raw_spec(suspend=True)), recorded(WAITING, spec=raw_spec(suspend=True))],
    ids=["new", "retrying"],
)
def test_a_suspended_event_is_shown_and_not_sent(of: CustomEvent) -> None:
    found = shown(step(of))
    assert found.record.state is State.SUSPENDED
    assert found.record.next_attempt_time is None
    assert found.record.attempts == of.status.delivery.attempts
    assert found.reason == Reason.SUSPENDED


def test_an_operator_that_is_paused_shows_and_does_not_send() -> None:
    found = shown(step(event(), policy=Policy(paused=True)))
    assert found.record.state is State.SUSPENDED
    assert found.reason == Reason.OPERATOR_PAUSED


def test_of_both_the_authors_own_word_is_the_reason() -> None:
    found = shown(step(event(spec=raw_spec(suspend=True)), policy=Policy(paused=True)))
    assert found.reason == Reason.SUSPENDED


@pytest.mark.parametrize("before", [State.SUSPENDED, State.HELD, State.PENDING, State.RETRYING])
@pytest.mark.parametrize(("attempts", "shown"), [(0, State.PENDING), (2, State.RETRYING)])
def test_what_waits_for_the_endpoint_is_in_nobodys_hands(
    before: State, attempts: int, shown: State
) -> None:
    made = attempt(record(state=before, attempts=attempts))
    waiting = kept_back(made, "The events API asked for a pause", 60.0, moment()).verdict
    assert waiting is not None
    assert (waiting.record.state, waiting.reason) == (shown, Reason.ENDPOINT_PAUSED)


def test_suspending_does_not_take_an_event_out_of_a_persons_hands() -> None:
    waiting = record(state=State.HELD, last_outcome=UNKNOWN)
    assert kind(step(recorded(waiting, spec=raw_spec(suspend=True)))) == "left"


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
    second = sent(recorded(replace(first, state=State.DELIVERED), spec=other))
    third = sent(recorded(replace(second, state=State.DELIVERED)))
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
    assert step(recorded(answered, resend="one")) == LEFT


def test_removing_the_resend_annotation_sends_nothing() -> None:
    answered = record(state=State.DELIVERED, resend="one", sequence=2)
    assert step(recorded(answered)) == LEFT


def test_after_the_annotation_was_removed_another_value_sends_again() -> None:
    answered = record(state=State.DELIVERED, resend="one", sequence=2)
    assert sent(recorded(answered, resend="two")).sequence == 3


def test_a_record_of_the_same_content_is_believed_whatever_the_uid() -> None:
    """A backup that was restored with its status is not sent again."""
    restored = recorded(record(state=State.DELIVERED), uid="another-uid")
    assert step(restored) == LEFT


def test_an_edit_that_reaches_the_generation_of_a_restored_record_is_told() -> None:
    """A backup brought it back, and its generations are counted anew."""
    label = {"velero.io/restore-name": "nightly"}
    restored = recorded(record(state=State.DELIVERED), uid="another-uid", labels=label)
    edited = replace(restored, spec=raw_spec(summary="other"))
    assert restored.needs_nothing
    assert not edited.needs_nothing
    assert sent(edited).sequence == 2
    unreadable = replace(edited, spec=raw_spec(severity="Fatal"))
    assert unreadable.needs_nothing  # there is nothing to tell
    failed = recorded(record(state=State.FAILED), reason="Invalid", uid="another-uid", labels=label)
    assert not failed.needs_nothing  # it can be read by now


def test_once_it_is_recorded_on_the_restored_object_its_generation_is_believed() -> None:
    """A newer version of the operator may read more of the same spec: that sends nothing again."""
    label = {"velero.io/restore-name": "nightly"}
    told = recorded(record(state=State.DELIVERED), spec=raw_spec(summary="other"), labels=label)
    assert told.needs_nothing
    refused = recorded(record(state=State.FAILED), reason="Invalid", labels=label)
    assert refused.needs_nothing


def test_the_generation_of_what_no_backup_brought_back_is_believed() -> None:
    moved = recorded(
        record(state=State.DELIVERED), uid="another-uid", spec=raw_spec(summary="other")
    )
    assert moved.needs_nothing


def test_a_restored_record_without_its_hash_is_of_the_generation_that_it_has_seen() -> None:
    label = {"velero.io/restore-name": "nightly"}
    dropped = recorded(
        record(state=State.DELIVERED, content_hash=""), uid="another-uid", labels=label
    )
    assert dropped.needs_nothing


def test_what_was_restored_unreadable_waits_for_a_person_once_it_can_be_read() -> None:
    """That it could not be read may have been written here, on what came without its status."""
    label = {"velero.io/restore-name": "nightly"}
    never = record(state=State.FAILED, id="", content_hash="", sequence=0, attempts=0)
    for observed in (0, 1):
        refused = recorded(never, reason="Invalid", observed=observed, uid="other", labels=label)
        found = step(refused)
        assert isinstance(found, Ending)
        assert found.verdict is not None
        assert found.verdict.reason == "RestoredFromBackup"


def test_a_record_of_an_unknown_hash_version_is_believed() -> None:
    newer = record(state=State.DELIVERED, content_hash="v2:something else")
    assert step(recorded(newer)) == LEFT


def test_a_resend_is_heard_through_a_record_of_an_unknown_hash_version() -> None:
    newer = record(state=State.DELIVERED, content_hash="v2:something else")
    assert sent(recorded(newer, resend="one")).content_hash == content_hash(spec())


DROPPED = record(state=State.DELIVERED, content_hash="")


def test_a_record_without_its_hash_is_of_the_generation_that_it_has_seen() -> None:
    other = replace(DROPPED, id="of another version's hash")
    assert kind(step(recorded(other, observed=1))) == "left"
    assert kind(step(recorded(other, observed=0))) == "sent"


def test_a_record_without_its_hash_is_of_the_content_that_made_its_id() -> None:
    restamped(recorded(DROPPED, observed=0))
    edited = recorded(DROPPED, observed=0, spec=raw_spec(summary="Deploy checkout v2"))
    assert kind(step(edited)) == "sent"


def test_an_event_restored_without_its_record_waits_for_a_person() -> None:
    restored = event(labels={"velero.io/restore-name": "nightly"})
    found = step(restored)
    assert isinstance(found, Ending)
    assert found.verdict is not None
    assert (found.verdict.record.state, found.verdict.reason) == (State.HELD, "RestoredFromBackup")


@pytest.mark.parametrize(
    ("occurred", "reason"),
    [
        (None, "RestoredFromBackup"),
        ("2026-05-01T11:00:00Z", "RestoredFromBackup"),
        ("2026-04-01T11:00:00Z", "DeadlineExceeded"),
    ],
)
def test_a_restored_event_that_says_when_it_occurred_waits_as_well_while_it_is_news(
    occurred: str | None, reason: str
) -> None:
    said = {"occurredAt": occurred} if occurred else {}
    told = raw_spec(deliveryDeadlineSeconds=86400, **said)
    labels = {"velero.io/restore-name": "nightly"}
    found = step(event(spec=told, labels=labels, creationTimestamp="2026-04-01T11:00:00Z"))
    assert isinstance(found, Ending)
    assert found.verdict is not None
    assert found.verdict.reason == reason


@pytest.mark.parametrize("state", [State.PENDING, State.RETRYING, State.DELIVERED])
def test_a_restored_event_with_its_record_goes_on_as_that_says(state: State) -> None:
    before = record(state=state)
    restored = recorded(before, labels={"velero.io/restore-name": "nightly"})
    assert kind(step(restored)) == kind(step(recorded(before)))


def test_other_content_of_a_restored_event_is_sent() -> None:
    held = record(state=State.HELD, attempts=0)
    other = raw_spec(summary="checkout 1.4.3 is live")
    labels = {"velero.io/restore-name": "nightly"}
    assert kind(step(recorded(held, reason="RestoredFromBackup", labels=labels))) == "left"
    assert sent(recorded(held, spec=other, reason="RestoredFromBackup", labels=labels))


def test_what_may_have_arrived_is_suspended_as_what_is_not_sent_again() -> None:
    found = step(recorded(record(state=State.RETRYING), spec=raw_spec(suspend=True)))
    assert isinstance(found, Attempt)
    assert found.dry is not None
    assert found.dry.message == "Not sent again: spec.suspend is true. See status.resolved"


def test_what_was_tried_and_has_expired_does_not_say_that_it_never_was() -> None:
    """Of its record the cluster took only the essence, which has no outcome."""
    late = raw_spec(deliveryDeadlineSeconds=60)
    tried = record(parse_spec(late), state=State.RETRYING, attempts=3)
    found = step(recorded(tried, spec=late, creationTimestamp="2026-04-01T11:00:00Z"))
    assert isinstance(found, Ending)
    assert found.verdict is not None
    assert "; what became of the last attempt is not known. " in found.verdict.message
