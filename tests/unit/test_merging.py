"""Two accounts of one delivery: nothing that may be a duplicate is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.delivery.outcome import Outcome
from customevents.delivery.state import (
    LOST,
    Verdict,
    counted,
    merge,
    not_before,
    superseded,
)
from customevents.resource.identity import content_hash, delivery_id
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.resource.status import DeliveryRecord, LastOutcome, OutcomeClass, State
from unit.builders import UID, after, later, moment, raw_spec, record, recorded, spec

UNKNOWN = LastOutcome(outcome_class=OutcomeClass.UNKNOWN)
NEVER_ARRIVED = LastOutcome(outcome_class=OutcomeClass.NEVER_ARRIVED)
SUCCESS = LastOutcome(outcome_class=OutcomeClass.SUCCESS, code=201)

FRESH = record(state=State.PENDING, attempts=0)
DELIVERED = record(state=State.DELIVERED, last_outcome=SUCCESS)
LOST_ONE = record(last_outcome=UNKNOWN, unknown_outcomes=1)
MISSED = record(last_outcome=NEVER_ARRIVED)


def other(**fields: Any) -> DeliveryRecord:
    """A record of other content."""
    return record(spec(summary="other"), **fields)


# before, ours, theirs → state, sequence, attempts, unknown outcomes
TABLE: dict[str, tuple[DeliveryRecord, DeliveryRecord, DeliveryRecord, tuple[Any, ...]]] = {
    "the same": (FRESH, LOST_ONE, LOST_ONE, (State.RETRYING, 1, 1, 1)),
    "they have nothing": (FRESH, DELIVERED, DeliveryRecord(), (State.DELIVERED, 1, 1, 0)),
    "we have the later telling": (
        other(),
        record(sequence=2, state=State.DELIVERED),
        other(unknown_outcomes=2, attempts=5),
        (State.DELIVERED, 2, 1, 2),
    ),
    "they have the later telling; ours may have arrived": (
        FRESH,
        DELIVERED,
        other(sequence=2),
        (State.RETRYING, 2, 1, 1),
    ),
    "they have the later telling; ours did not arrive": (
        FRESH,
        MISSED,
        other(sequence=2),
        (State.RETRYING, 2, 1, 0),
    ),
    "they have the later telling, and counted ours": (
        FRESH,
        LOST_ONE,
        other(sequence=2, unknown_outcomes=1),
        (State.RETRYING, 2, 1, 1),
    ),
    "they delivered, and ours did not arrive": (
        FRESH,
        MISSED,
        record(state=State.DELIVERED, attempts=2),
        (State.DELIVERED, 1, 2, 0),
    ),
    "they delivered, and ours may have arrived": (
        FRESH,
        LOST_ONE,
        record(state=State.DELIVERED, attempts=2),
        (State.DELIVERED, 1, 2, 1),
    ),
    "they delivered at the first attempt; we know of more": (
        record(attempts=2),
        record(attempts=3, last_outcome=NEVER_ARRIVED),
        DELIVERED,
        (State.DELIVERED, 1, 3, 0),
    ),
    "we delivered, they counted ours as unknown": (
        FRESH,
        DELIVERED,
        LOST_ONE,
        (State.DELIVERED, 1, 1, 1),
    ),
    "we delivered, theirs did not arrive": (
        FRESH,
        DELIVERED,
        record(attempts=2, last_outcome=NEVER_ARRIVED),
        (State.DELIVERED, 1, 2, 1),
    ),
    "neither delivered": (
        FRESH,
        LOST_ONE,
        record(state=State.FAILED, attempts=2),
        (State.FAILED, 1, 2, 1),
    ),
    "we hold what may have arrived, and theirs did not": (
        FRESH,
        record(state=State.HELD, last_outcome=UNKNOWN, unknown_outcomes=1),
        record(last_outcome=NEVER_ARRIVED),
        (State.HELD, 1, 1, 1),
    ),
    "they hold what may have arrived, and ours did not": (
        FRESH,
        MISSED,
        record(state=State.HELD, last_outcome=UNKNOWN, unknown_outcomes=1),
        (State.HELD, 1, 1, 1),
    ),
    "we hold what may have arrived, and it is expired": (
        FRESH,
        record(state=State.HELD, last_outcome=UNKNOWN, unknown_outcomes=1),
        record(state=State.EXPIRED, last_outcome=NEVER_ARRIVED),
        (State.EXPIRED, 1, 1, 1),
    ),
    "theirs was taken back": (
        record(unknown_outcomes=5),
        record(unknown_outcomes=5, attempts=2, last_outcome=NEVER_ARRIVED),
        FRESH,
        (State.PENDING, 1, 2, 5),
    ),
}


@pytest.mark.parametrize(("before", "ours", "theirs", "stands"), TABLE.values(), ids=TABLE)
def test_where_two_records_meet_one_stands(
    before: DeliveryRecord,
    ours: DeliveryRecord,
    theirs: DeliveryRecord,
    stands: tuple[State, int, int, int],
) -> None:
    merged = merge(before, ours, theirs)
    assert (merged.state, merged.sequence, merged.attempts, merged.unknown_outcomes) == stands


def test_a_lost_attempt_that_a_take_over_counted_stays_counted() -> None:
    """It is no attempt of the new telling, so nothing but the count says that it was made."""
    found = recorded(record())
    ours = superseded(found, spec(summary="other"), 1, later(30), moment()).record
    theirs = other(sequence=2, state=State.DELIVERED)
    assert merge(found.status.delivery, ours, theirs).unknown_outcomes == 1


@st.composite
def records(draw: st.DrawFn) -> DeliveryRecord:
    sequence = draw(st.integers(0, 3))
    content = content_hash(spec(summary=draw(st.sampled_from(["one", "two"]))))
    return DeliveryRecord(
        state=draw(st.sampled_from(State)),
        sequence=sequence,
        content_hash=content,
        id=delivery_id(UID, content, "", sequence),
        attempts=draw(st.integers(0, 4)),
        unknown_outcomes=draw(st.integers(0, 4)),
        last_outcome=draw(st.sampled_from([None, UNKNOWN, SUCCESS, NEVER_ARRIVED])),
    )


@st.composite
def accounts(draw: st.DrawFn) -> tuple[DeliveryRecord, DeliveryRecord, DeliveryRecord]:
    """What stood, what an attempt of ours makes of it, and what stands there by now."""
    before = draw(records())
    kind = draw(st.sampled_from(sorted(set(OutcomeClass) - {OutcomeClass.NOT_SENT})))
    policy = draw(st.sampled_from(UnknownOutcomePolicy))
    ours = after(before, Outcome(kind), policy=policy).record
    return before, ours, draw(records())


@given(accounts())
def test_merging_again_changes_nothing(
    known: tuple[DeliveryRecord, DeliveryRecord, DeliveryRecord],
) -> None:
    before, ours, _ = known
    merged = merge(*known)
    assert merge(before, ours, merged) == merged


@given(accounts())
def test_no_count_ever_falls(
    known: tuple[DeliveryRecord, DeliveryRecord, DeliveryRecord],
) -> None:
    merged = merge(*known)
    for one in known:
        assert merged.unknown_outcomes >= one.unknown_outcomes
        if one.id == merged.id and one.sequence == merged.sequence:
            assert merged.attempts >= one.attempts


@given(accounts())
def test_the_later_telling_stands_and_within_one_the_delivered(
    known: tuple[DeliveryRecord, DeliveryRecord, DeliveryRecord],
) -> None:
    _, ours, theirs = known
    merged = merge(*known)
    assert merged.sequence == max(ours.sequence, theirs.sequence)
    latest = [one for one in (ours, theirs) if one.sequence == merged.sequence]
    assert merged.id in [one.id for one in latest]
    if any(one.state is State.DELIVERED for one in latest):
        assert merged.state is State.DELIVERED


@given(accounts())
def test_an_attempt_of_ours_that_may_have_arrived_is_counted_or_told_as_delivered(
    known: tuple[DeliveryRecord, DeliveryRecord, DeliveryRecord],
) -> None:
    before, ours, _ = known
    merged = merge(*known)
    last = ours.last_outcome
    if last is not None and last.outcome_class in (OutcomeClass.UNKNOWN, OutcomeClass.SUCCESS):
        delivered = ours.state is State.DELIVERED and merged.id == ours.id
        assert delivered or merged.unknown_outcomes > before.unknown_outcomes


# --- What a take-over makes of a record


def test_one_more_unknown_outcome_is_counted_and_nothing_else_changed() -> None:
    verdict = Verdict(record(unknown_outcomes=2), "Pending", "words")
    assert counted(verdict) == Verdict(record(unknown_outcomes=3), "Pending", "words")


def test_superseded_content_leaves_its_count_and_the_current_content_is_told_anew() -> None:
    found = recorded(record(state=State.DELIVERED, unknown_outcomes=1), spec=raw_spec())
    told = superseded(found, spec(), 4, later(30), moment()).record
    assert (told.state, told.sequence, told.attempts) == (State.PENDING, 5, 0)
    assert told.unknown_outcomes == 2
    assert told.content_hash == content_hash(spec())
    assert told.id == delivery_id(UID, told.content_hash, "", 5)


@pytest.mark.parametrize(("due", "planned"), [(5, 30), (30, 30), (31, 31), (None, None)])
def test_the_next_attempt_is_put_off_and_never_brought_forward(
    due: float | None, planned: float | None
) -> None:
    first = record(next_attempt_time=None if due is None else later(due))
    put_off = not_before(Verdict(first, "r", "m"), later(30)).record.next_attempt_time
    assert put_off == (None if planned is None else later(planned))


def test_a_lost_attempt_is_one_of_an_unknown_outcome() -> None:
    assert LOST.kind is OutcomeClass.UNKNOWN
