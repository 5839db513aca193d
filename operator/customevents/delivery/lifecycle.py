"""The state machine of a delivery: state + outcome + clock → next state. Pure.

Attempts in flight have no state of their own: they live in the journal, so that no status write is
spent on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from customevents.delivery.outcome import OF_THE_CONTENT, Outcome, trouble
from customevents.delivery.pacing import LONGEST_RETRY_AFTER
from customevents.resource.event import CustomEvent
from customevents.resource.identity import content_hash, delivery_id
from customevents.resource.spec import CustomEventSpec, UnknownOutcomePolicy
from customevents.resource.status import (
    DeliveryRecord,
    LastOutcome,
    OutcomeClass,
    Reason,
    State,
)
from customevents.resource.times import later

#: Seconds: no event waits longer for its next attempt.
LONGEST_DELAY = LONGEST_RETRY_AFTER

#: An attempt that is in the journal and on no record.
LOST = Outcome(OutcomeClass.UNKNOWN, detail="found in the journal")


@dataclass(frozen=True)
class Policy:
    """What the operator's settings decide where the spec says nothing; times in seconds."""

    deadline_seconds: int = 24 * 3600
    on_unknown_outcome: UnknownOutcomePolicy = UnknownOutcomePolicy.RETRY
    paused: bool = False
    ttl: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the status shall say."""

    record: DeliveryRecord
    reason: str
    message: str
    warning: str = ""  # what a person should notice although it was delivered


@dataclass(frozen=True)
class Send:
    """Make the record's next attempt now."""

    record: DeliveryRecord


@dataclass(frozen=True)
class Show:
    """Resolve and show, but do not send: the dry run."""

    verdict: Verdict


@dataclass(frozen=True)
class Wait:
    """Nothing to do before this time; `restamp` re-writes the generation alone."""

    until: datetime
    restamp: bool


@dataclass(frozen=True)
class Leave:
    """Nothing to do until somebody changes the object; `restamp` re-writes the generation alone."""

    restamp: bool


Step = Send | Show | Wait | Leave | Verdict


def current_record(event: CustomEvent, spec: CustomEventSpec, now: datetime) -> DeliveryRecord:
    """The record of the event's content as it is now; a new one when content or resend changed.

    A resend is asked for by a new value of the annotation; its removal asks for nothing.
    """
    record = event.status.delivery
    content = content_hash(spec)
    resend = event.resend or record.resend
    if record.id and same_content(record.content_hash, content) and resend == record.resend:
        return record
    sequence = record.sequence + 1
    return DeliveryRecord(
        id=delivery_id(event.uid, content, resend, sequence),
        sequence=sequence,
        content_hash=content,
        resend=resend,
        # What was never sent is not sent again: the annotation may be as old as the object.
        resend_time=now if record.sequence and resend != record.resend else None,
        unknown_outcomes=record.unknown_outcomes,
    )


def same_content(recorded: str, content: str) -> bool:
    """Whether a recorded hash is that of this content."""
    # A hash of a version that we do not know is believed: an upgrade must never send again.
    return recorded == content or not recorded.startswith("v1:")


def next_step(event: CustomEvent, spec: CustomEventSpec, policy: Policy, now: datetime) -> Step:
    """What to do about an event, given what its object says."""
    record = current_record(event, spec, now)
    restamp = event.status.delivered.observed_generation != event.generation
    same = record.id == event.status.delivery.id
    if record.state.finished or (same and event.waits_for_a_person):
        return Leave(restamp)
    if _restored(event, spec):
        return restored(record)
    if now >= deadline(event, spec, policy, record):
        return expired(record, now, event.status.delivered.reason if same else Reason.PENDING)
    if spec.suspend or policy.paused:
        return Show(_suspended(record, by_author=spec.suspend))
    if record.next_attempt_time is None or record.next_attempt_time <= now:
        return Send(record)
    longest = later(now, LONGEST_DELAY)
    if record.next_attempt_time > longest:
        return brought_nearer(event, record, longest)
    return Wait(record.next_attempt_time, restamp)


def _restored(event: CustomEvent, spec: CustomEventSpec) -> bool:
    """Whether a backup brought it back without the record that would say what was told."""
    unrecorded = event.status.delivery.sequence == 0
    return event.restored and unrecorded and spec.occurred_at is None


def deadline(
    event: CustomEvent, spec: CustomEventSpec, policy: Policy, record: DeliveryRecord
) -> datetime:
    """When an undelivered event is no news any more."""
    seconds = spec.delivery_deadline_seconds or policy.deadline_seconds
    since = record.resend_time or spec.occurred_at or event.changed
    return later(since, seconds)


def expired(record: DeliveryRecord, now: datetime, reason: str) -> Verdict:
    """The deadline passed; the last outcome, or else the last reason, stays readable."""
    last = record.last_outcome
    why = "" if reason == Reason.PENDING else f" ({reason})"
    tried = f"the last attempt: {_describe(last)}" if last else f"it was never tried{why}"
    return Verdict(
        _finish(record, State.EXPIRED, now),
        Reason.DEADLINE_EXCEEDED,
        f"Not delivered within its deadline; {tried}. Edit the event or resend it to tell it still",
    )


def brought_nearer(event: CustomEvent, record: DeliveryRecord, time: datetime) -> Verdict:
    """Its next attempt is further off than any delay: another node's clock said when.

    It is put on record, or each look would count the longest delay anew, and never send.
    """
    waiting = record.model_copy(update={"next_attempt_time": time})
    return Verdict(waiting, event.status.delivered.reason, event.status.delivered.message)


def held(record: DeliveryRecord, reason: Reason, message: str) -> Verdict:
    """Something is missing that may turn up by itself."""
    waiting = record.model_copy(update={"state": State.HELD, "next_attempt_time": None})
    return Verdict(waiting, reason, message)


def restored(record: DeliveryRecord) -> Verdict:
    """Nobody knows whether it was told before the backup, so a person must say."""
    return held(
        record,
        Reason.RESTORED_FROM_BACKUP,
        "Held: a backup brought this event back without its status, so it may have been told "
        "before. To tell it, resend it; else delete it",
    )


def not_allowed(record: DeliveryRecord, message: str, now: datetime) -> Verdict:
    """The scope reaches further than it may."""
    return Verdict(_finish(record, State.FAILED, now), Reason.SCOPE_NOT_ALLOWED, message)


def paused(record: DeliveryRecord, message: str) -> Verdict:
    """The endpoint takes nothing for now; the event keeps its place."""
    waiting = record.model_copy(update={"state": _waits(record)})
    return Verdict(waiting, Reason.ENDPOINT_PAUSED, message)


def not_sent(record: DeliveryRecord, message: str, retry_at: datetime) -> Verdict:
    """Nothing left this process, so no attempt is counted."""
    waiting = record.model_copy(update={"state": _waits(record), "next_attempt_time": retry_at})
    return Verdict(waiting, Reason.NOT_SENT, message)


def invalid(event: CustomEvent, message: str, now: datetime) -> Verdict:
    """The spec cannot be read, so it has no content and no id: what is readable again is new."""
    before = event.status.delivery
    record = DeliveryRecord(
        sequence=before.sequence,
        resend=event.resend or before.resend,
        unknown_outcomes=before.unknown_outcomes,
    )
    return Verdict(
        _finish(record, State.FAILED, now),
        Reason.INVALID,
        f"{message}. Is the CRD in the cluster the operator's own version?",
    )


def stumbled(event: CustomEvent, kind: str) -> Verdict | None:
    """The operator tripped over it, with an error of this kind; None: its record stays as it is.

    A record that is finished may be of other content, and is the proof that this was told. And by
    its reason alone one is known that waits for a person.
    """
    record = event.status.delivery
    if record.state.finished or event.waits_for_a_person:
        return None
    return Verdict(
        record,
        Reason.INTERNAL_ERROR,
        f"The operator could not handle this event ({kind}), and looks at it again. Its log says "
        "more: please report it",
    )


def after_attempt(
    record: DeliveryRecord,
    outcome: Outcome,
    *,
    policy: UnknownOutcomePolicy,
    now: datetime,
    retry_at: datetime,
) -> Verdict:
    """The record after one more attempt, made at `now`."""
    tried = record.model_copy(
        update={
            "attempts": record.attempts + 1,
            "last_attempt_time": now,
            "last_outcome": _last(outcome),
        }
    )
    match outcome.kind:
        case OutcomeClass.SUCCESS:
            return _delivered(tried, now)
        case OutcomeClass.REFUSED:
            return _refused(tried, outcome, now)
        case OutcomeClass.UNKNOWN:
            return _unknown(tried, outcome, policy, retry_at)
        case _:
            words = _TROUBLE[outcome.kind](outcome)
            return _retrying(tried, retry_at, Reason(outcome.kind.value), words)


def _last(outcome: Outcome) -> LastOutcome:
    refusal = outcome.refusal if outcome.kind is OutcomeClass.REFUSED else None
    return LastOutcome(
        outcome_class=outcome.kind,
        code=outcome.code,
        fields=(refusal.fields or None) if refusal else None,
        request_id=(refusal.request_id or None) if refusal else None,
    )


def _delivered(record: DeliveryRecord, now: datetime) -> Verdict:
    how = "at the first attempt" if record.attempts == 1 else f"after {record.attempts} attempts"
    maybe = (
        f"; {record.unknown_outcomes} earlier with an unknown outcome, so it may be there twice"
        if record.unknown_outcomes and record.attempts > 1
        else ""
    )
    return Verdict(
        _finish(record, State.DELIVERED, now), Reason.DELIVERED, f"Delivered {how}{maybe}."
    )


def _refused(record: DeliveryRecord, outcome: Outcome, now: datetime) -> Verdict:
    hint = outcome.refusal.hint if outcome.code in OF_THE_CONTENT else ""
    return Verdict(
        _finish(record, State.FAILED, now),
        Reason.REFUSED,
        f"The events API refused this event for good ({outcome.words}{outcome.refusal.words})"
        f"{hint}; edit it, or resend it",
    )


def _unknown(
    record: DeliveryRecord, outcome: Outcome, policy: UnknownOutcomePolicy, retry_at: datetime
) -> Verdict:
    counted = record.model_copy(update={"unknown_outcomes": record.unknown_outcomes + 1})
    lost = f"Nobody can say whether the last attempt arrived ({outcome.words})"
    if policy is UnknownOutcomePolicy.HOLD:
        return held(
            counted,
            Reason.UNKNOWN_OUTCOME,
            f"{lost}. Look at the timeline; if it is not there, resend it",
        )
    return _retrying(counted, retry_at, Reason.UNKNOWN_OUTCOME, f"{lost}; it is tried again")


def _retrying(record: DeliveryRecord, at: datetime, reason: Reason, message: str) -> Verdict:
    waiting = record.model_copy(update={"state": State.RETRYING, "next_attempt_time": at})
    return Verdict(waiting, reason, message)


def _suspended(record: DeliveryRecord, *, by_author: bool) -> Verdict:
    shown = record.model_copy(update={"state": State.SUSPENDED, "next_attempt_time": None})
    if by_author:
        return Verdict(
            shown, Reason.SUSPENDED, "Not sent: spec.suspend is true. See status.resolved"
        )
    return Verdict(shown, Reason.OPERATOR_PAUSED, "Not sent: the operator is paused by its setting")


def _waits(record: DeliveryRecord) -> State:
    """The state of what nothing on the object keeps from being sent; it may have been suspended."""
    return State.RETRYING if record.attempts else State.PENDING


def _finish(record: DeliveryRecord, state: State, now: datetime) -> DeliveryRecord:
    return record.model_copy(
        update={"state": state, "finished_time": now, "next_attempt_time": None}
    )


def _describe(last: LastOutcome) -> str:
    return last.outcome_class + (f" (HTTP {last.code})" if last.code is not None else "")


_TROUBLE = {
    OutcomeClass.NEVER_ARRIVED: lambda outcome: (
        f"The events API could not be reached ({outcome.words}); it is tried again"
    ),
    OutcomeClass.REFUSED_FOR_NOW: lambda outcome: (
        f"The events API asked to come back later ({outcome.words}); it is tried again"
    ),
    OutcomeClass.ENDPOINT_LEVEL: lambda outcome: f"{trouble(outcome)}. It is tried again",
}
