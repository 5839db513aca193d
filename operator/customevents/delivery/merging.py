"""What shall stand where two accounts of one delivery meet. Pure.

They meet at a take-over, which finds attempts that no record counts; and where a deposed leader and
its successor write the same record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from customevents.delivery.lease import Intent
from customevents.delivery.lifecycle import Verdict, current_record, invalid
from customevents.resource.errors import InvalidSpec
from customevents.resource.event import CustomEvent
from customevents.resource.identity import delivery_id
from customevents.resource.spec import CustomEventSpec, parse_spec
from customevents.resource.status import DeliveryRecord, OutcomeClass, Reason, ResolvedScope, State

#: What an attempt with this record makes of it, if nobody knows how that ended.
Judge = Callable[[CustomEventSpec, DeliveryRecord], Verdict]


def lost(
    event: CustomEvent, entry: Intent, judge: Judge, *, now: datetime, open_until: datetime
) -> Verdict | None:
    """What an attempt that nobody saw the end of makes of the record; None if it counts there.

    Until `open_until`, that attempt may still arrive.
    """
    record = event.status.delivery
    if record.sequence > entry.sequence:
        return None
    if record.id == entry.delivery_id and record.attempts >= entry.attempt:
        return None
    try:
        spec = parse_spec(event.spec)
    except InvalidSpec as error:
        failed = counted(invalid(event, str(error), now))
        # Past the lost attempt: it is counted once, and its id never used for another telling.
        record = failed.record.model_copy(update={"sequence": entry.sequence + 1})
        return replace(failed, record=record)
    current = current_record(event, spec, now)
    if current.id != entry.delivery_id:
        told = superseded(event, spec, entry.sequence, now)
        # Not before what was lost, or the older content would stand behind the newer.
        due = told.record.model_copy(update={"next_attempt_time": open_until})
        return replace(told, record=due)
    return not_before(judge(spec, current), open_until)


def frozen(event: CustomEvent, verdict: Verdict) -> ResolvedScope | None:
    """The scope of the recorded attempts under this id; a lost one's own is not known."""
    before = event.status.delivery
    same = before.id == verdict.record.id and before.attempts > 0
    return event.status.resolved if same else None


def superseded(
    event: CustomEvent, spec: CustomEventSpec, lost_sequence: int, now: datetime
) -> Verdict:
    """An attempt of other content was lost: it is counted, and the content as it is now is told.

    Also when the record says that this very content was delivered: what was lost may be on the
    timeline behind it.
    """
    before = event.status.delivery.model_copy(update={"sequence": lost_sequence, "id": ""})
    stale = replace(event, status=event.status.model_copy(update={"delivery": before}))
    told = Verdict(current_record(stale, spec, now), Reason.PENDING, "Not tried yet")
    return counted(told)


def counted(verdict: Verdict) -> Verdict:
    """The verdict, with one more attempt whose outcome nobody knows."""
    unknown = verdict.record.unknown_outcomes + 1
    return replace(verdict, record=verdict.record.model_copy(update={"unknown_outcomes": unknown}))


def not_before(verdict: Verdict, time: datetime) -> Verdict:
    """The verdict, with its next attempt no sooner than `time`."""
    due = verdict.record.next_attempt_time
    if due is None or due >= time:
        return verdict
    return replace(verdict, record=verdict.record.model_copy(update={"next_attempt_time": time}))


def merge(before: DeliveryRecord, ours: DeliveryRecord, theirs: DeliveryRecord) -> DeliveryRecord:
    """What shall stand where `theirs` stands, and we know of an attempt that made `before` `ours`.

    The higher sequence wins whole. At the same id Delivered wins, attempts keep their maximum, and
    unknown outcomes never fall: they count our attempt too, unless whoever wrote `theirs` has.
    """
    if _is_ours(theirs, ours):
        return theirs
    if theirs.sequence < ours.sequence:
        unknown = max(ours.unknown_outcomes, theirs.unknown_outcomes)
        return ours.model_copy(update={"unknown_outcomes": unknown})
    tried = ours.attempts > (before.attempts if before.id == ours.id else 0)
    counted = theirs.unknown_outcomes > before.unknown_outcomes
    unknown = max(before.unknown_outcomes, theirs.unknown_outcomes)
    unknown += int(tried and _maybe_applied(ours) and not counted)
    unknown = max(ours.unknown_outcomes, unknown)
    if theirs.sequence > ours.sequence:
        return theirs.model_copy(update={"unknown_outcomes": unknown})
    ours_wins = ours.state is State.DELIVERED and theirs.state is not State.DELIVERED
    winner = ours if ours_wins else theirs
    attempts = max(ours.attempts, theirs.attempts) if ours.id == theirs.id else winner.attempts
    return winner.model_copy(update={"attempts": attempts, "unknown_outcomes": unknown})


def is_foreign(event: CustomEvent, found: CustomEvent, ours: DeliveryRecord) -> bool:
    """Whether an object counts an attempt under an id of its own that is not among ours.

    A record that a backup brought back has the ids of another object.
    """
    before, theirs = event.status.delivery, found.status.delivery
    own = delivery_id(found.uid, theirs.content_hash, theirs.resend, theirs.sequence)
    counts_more = (theirs.sequence, theirs.attempts) > (before.sequence, before.attempts)
    is_ours = _is_ours(theirs, ours)
    return not is_ours and theirs.attempts > 0 and counts_more and theirs.id == own


def _is_ours(theirs: DeliveryRecord, ours: DeliveryRecord) -> bool:
    """Whether a record is ours as it stands: less what the schema does not know, or refused.

    The answer to its write was lost, or there would be no question. Of another operator's, the time
    of its attempt is another.
    """
    if theirs.essence != ours.essence:
        return False
    return _is_part(
        theirs.model_dump(exclude_defaults=True), ours.model_dump(exclude_defaults=True)
    )


def _is_part(part: dict[str, Any], whole: dict[str, Any]) -> bool:
    return all(
        _is_part(value, whole.get(name) or {})
        if isinstance(value, dict)
        else value == whole.get(name)
        for name, value in part.items()
    )


def _maybe_applied(record: DeliveryRecord) -> bool:
    last = record.last_outcome
    return last is not None and last.outcome_class in (OutcomeClass.UNKNOWN, OutcomeClass.SUCCESS)
