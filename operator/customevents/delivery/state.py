"""Every decision about a delivery's record, and nothing else. Pure.

An event on its way is an `Attempt`; how it leaves that is an `Ending`: what its status shall say,
and when it is looked at again. Attempts in flight have no state of their own: they live in the
journal, so that no status write is spent on them.

It is long because it is one idea: whoever asks what becomes of a record reads here and nowhere
else. In order: the next step, after an attempt, the verdicts, an attempt that nobody saw the end
of, two accounts of one delivery, what is written and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from customevents.delivery.outcome import Follows, Outcome, row_of
from customevents.eventsapi.refusal import Refusal
from customevents.eventsapi.retry_after import LONGEST_RETRY_AFTER
from customevents.resource.errors import InvalidSpec
from customevents.resource.event import CustomEvent
from customevents.resource.identity import content_hash, content_of, delivery_id, same_content
from customevents.resource.lease import Intent
from customevents.resource.spec import CustomEventSpec, UnknownOutcomePolicy, parse_spec
from customevents.resource.status import (
    Condition,
    DeliveryRecord,
    LastOutcome,
    OutcomeClass,
    Reason,
    ResolvedScope,
    State,
    Status,
    to_seconds,
)
from customevents.resource.times import doubled, later
from customevents.scope.discovery import NotYet
from customevents.scope.fill import Filled, Found
from customevents.scope.resolve import NotAllowed, Unresolved

#: Seconds until an event is looked at again whose scope cannot be told yet, or that is suspended.
LOOK_AGAIN = 60.0

#: Seconds: no event waits longer for its next attempt.
LONGEST_DELAY = LONGEST_RETRY_AFTER

#: Seconds of backoff: doubled from the first with each attempt, up to the longest.
FIRST_BACKOFF, LONGEST_BACKOFF = 2.0, 300.0

#: Characters of a condition's message, as the CRD bounds it.
LONGEST_MESSAGE = 4096

#: Names in a message; of more, the rest are counted.
MOST_NAMES = 5

#: An attempt that is in the journal and on no record.
LOST = Outcome(OutcomeClass.UNKNOWN, detail="found in the journal")

_LOOK = ". Look at the timeline; if it is not there, resend it"

_RESTORED = (
    "Held: a backup brought this event back, and its status does not say whether it was told. "
    "To tell it, resend it; else delete it"
)


class Note(StrEnum):
    """Why a finished object is not deleted, as its author asked; it stands behind the message."""

    OFF = " (ttlSecondsAfterFinished is ignored: the operator's setting ttl.enabled is off)"
    CREATED_AGAIN = (
        " (ttlSecondsAfterFinished is ignored: Argo CD, Flux or Helm would create the object again)"
    )


@dataclass(frozen=True)
class Policy:
    """What the operator's settings decide where the spec says nothing; times in seconds."""

    deadline_seconds: int = 24 * 3600
    on_unknown_outcome: UnknownOutcomePolicy = UnknownOutcomePolicy.RETRY
    paused: bool = False
    ttl: bool = False


@dataclass(frozen=True)
class Moment:
    """What a decision needs from outside: the settings, the time, and a number from 0 to 1."""

    policy: Policy
    now: datetime
    chance: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What the status shall say."""

    record: DeliveryRecord
    reason: str
    message: str
    resolved: ResolvedScope | None = None
    #: What a person should notice although it was delivered.
    warning: str = ""


@dataclass(frozen=True)
class Ending:
    """How an event leaves its way."""

    #: None: its status stays as it is.
    verdict: Verdict | None = None
    #: When it is looked at again; None: when somebody changes its object.
    again: datetime | None = None
    #: Whether it waits for the endpoint: then it is looked at again already when that works.
    gated: bool = False
    #: Whether an attempt was made: what that ended with is known to this process alone.
    attempted: bool = False
    #: Whether the operator tripped over it.
    tripped: bool = False
    #: An attempt that nobody saw the end of, which must be settled before anything else.
    lost: Intent | None = None


@dataclass(frozen=True)
class Attempt:
    """An event on its way to the next attempt of its record."""

    event: CustomEvent
    spec: CustomEventSpec
    record: DeliveryRecord
    policy: Policy
    #: A dry run: what its status says instead of an attempt, once its scope is filled in.
    dry: Verdict | None = None
    #: Whom it is about, as far as that is known; and names in it that no workload here has.
    scope: ResolvedScope | None = None
    unmatched: tuple[str, ...] = ()

    @property
    def expires(self) -> datetime:
        """When it is no news any more."""
        seconds = self.spec.delivery_deadline_seconds or self.policy.deadline_seconds
        since = self.record.resend_time or self.spec.occurred_at or self.event.changed
        return later(since, seconds)

    @property
    def intent(self) -> Intent:
        """What is written down before it is made."""
        event, record = self.event, self.record
        number = record.attempts + 1
        return Intent(event.uid, record.id, event.namespace, event.name, record.sequence, number)


# The next step.


def plan(event: CustomEvent, at: Moment, open_until: datetime | None = None) -> Attempt | Ending:
    """What to do about an event, whose attempt by the last leader may arrive until `open_until`."""
    if event.deleting:
        return Ending()
    try:
        spec = parse_spec(event.spec)
    except InvalidSpec as error:
        return Ending(invalid(event, str(error), at))
    attempt = _begin(event, spec, at)
    same = attempt.record.id == event.status.delivery.id
    if same and event.status.delivered.reason == Reason.INVALID:
        again = _readable_again(attempt, at.now)
        if isinstance(again, Ending):
            return again
        attempt = again
    record, due = attempt.record, attempt.record.next_attempt_time
    if record.state.finished or (same and event.waits_for_a_person):
        return Ending(_restamped(attempt))
    is_over = at.now >= attempt.expires
    if _restored(event) and (spec.occurred_at is None or not is_over):
        return Ending(_held(attempt, Reason.RESTORED_FROM_BACKUP, _RESTORED))
    if is_over:
        return Ending(_expired(attempt, at.now))
    if spec.suspend or at.policy.paused:
        return replace(attempt, dry=_suspended(attempt, by_author=spec.suspend))
    longest = later(at.now, LONGEST_DELAY)
    # Also what was edited or resent since must not overtake it, and a record of that has no time.
    # One that is further off is none: the clock was set back.
    if open_until is not None and at.now < open_until <= longest:
        return _waiting_until(open_until, attempt)
    if due is None or due <= at.now:
        return attempt
    if due > longest:
        return _waiting_until(longest, attempt, _brought_nearer(attempt, longest))
    return _waiting_until(due, attempt, _restamped(attempt))


def filled(attempt: Attempt, found: Found, at: Moment) -> Attempt | Ending:
    """What to do now that its scope was looked for."""
    soon = later(at.now, LOOK_AGAIN)
    match found:
        case NotYet(until):
            return _waiting_until(until, attempt)
        case Filled(scope, unmatched):
            ready = replace(attempt, scope=scope, unmatched=unmatched)
            return ready if attempt.dry is None else _waiting_until(soon, ready, _shown(ready))
        case Unresolved() | NotAllowed() if attempt.dry is not None:
            words = f"{attempt.dry.message}. {found.message}"
            return _waiting_until(soon, attempt, replace(attempt.dry, message=words))
        case NotAllowed(message):
            failed = _finish(attempt.record, State.FAILED, at.now)
            return Ending(_verdict(attempt, failed, Reason.SCOPE_NOT_ALLOWED, message))
        case Unresolved(reason, message, again):
            held = _held(replace(attempt, scope=None), reason, message)
            return _waiting_until(again or soon, attempt, held)
    assert_never(found)


def kept_back(
    attempt: Attempt, why: str, seconds: float, at: Moment, *, no_key: bool = False
) -> Ending:
    """Nothing may be sent for so long; `why` is what its status says of that, if anything.

    Who found itself that there is no key goes on to say it as that: nothing is news then.
    """
    found_it = no_key and attempt.event.status.delivered.reason == Reason.NOT_SENT
    reason = Reason.NOT_SENT if found_it else Reason.ENDPOINT_PAUSED
    waiting = replace(attempt.record, state=_waits(attempt.record))
    verdict = _verdict(attempt, waiting, reason, why) if why else None
    return replace(_waiting_until(later(at.now, seconds), attempt, verdict), gated=True)


def stumbled(event: CustomEvent, kind: str, seconds: float, at: Moment) -> Ending:
    """The operator tripped over it, with an error of this kind; empty: one of ours, told already.

    A record that is finished may be of other content, and is the proof that this was told. And by
    its reason alone one is known that waits for a person.
    """
    record, again = event.status.delivery, later(at.now, seconds)
    if not kind or record.state.finished or event.waits_for_a_person:
        return Ending(again=again, tripped=True)
    words = (
        f"The operator could not handle this event ({kind}), and looks at it again. Its log says "
        "more: please report it"
    )
    verdict = Verdict(record, Reason.INTERNAL_ERROR, words, event.status.resolved)
    return Ending(verdict, again, tripped=True)


def current_record(event: CustomEvent, spec: CustomEventSpec, now: datetime) -> DeliveryRecord:
    """The record of the event's content as it is now; a new one when content or resend changed.

    A resend is asked for by a new value of the annotation; its removal asks for nothing.
    """
    record = event.status.delivery
    if record.id and _is_of(event, spec) and event.resend in ("", record.resend):
        return record
    return _next_record(event, spec, record.sequence, now)


def _is_of(event: CustomEvent, spec: CustomEventSpec) -> bool:
    """Whether the record is of this content."""
    record, content = event.status.delivery, content_hash(spec)
    if record.content_hash:
        return same_content(record.content_hash, content)
    # An older schema has dropped it. Nobody has edited since, or the id tells: it was made of it.
    # Of what could not be read, the id alone does.
    said = event.status.delivered
    is_seen = said.observed_generation == event.generation and said.reason != Reason.INVALID
    return is_seen or record.id == delivery_id(event.uid, content, record.resend, record.sequence)


def _begin(event: CustomEvent, spec: CustomEventSpec, at: Moment) -> Attempt:
    record = current_record(event, spec, at.now)
    known = event.status.resolved if record.id == event.status.delivery.id else None
    return Attempt(event, spec, record, at.policy, scope=known)


def _next_record(
    event: CustomEvent, spec: CustomEventSpec, sequence: int, now: datetime
) -> DeliveryRecord:
    """Of a new telling, behind this sequence."""
    before = event.status.delivery
    content, resend = content_hash(spec), event.resend or before.resend
    return DeliveryRecord(
        id=delivery_id(event.uid, content, resend, sequence + 1),
        sequence=sequence + 1,
        content_hash=content,
        resend=resend,
        # What was never sent is not sent again: the annotation may be as old as the object.
        resend_time=now if sequence and resend != before.resend else _unread_since(before),
        unknown_outcomes=before.unknown_outcomes,
    )


def _unread_since(before: DeliveryRecord) -> datetime | None:
    """When a resend was seen under a spec that could not be read, if that is what it was."""
    return None if before.id else before.resend_time


def _restored(event: CustomEvent) -> bool:
    """Whether a backup brought it back without its record, which may be on its way behind it."""
    return event.restored and event.status.delivery.sequence == 0


# After an attempt.


def after_attempt(attempt: Attempt, outcome: Outcome, at: Moment) -> Ending:
    """What becomes of an event whose attempt ended so."""
    verdict = judged(attempt, outcome, at)
    sent = outcome.row.follows is not Follows.WAIT
    ending = _waiting_until(verdict.record.next_attempt_time, attempt, verdict)
    return replace(ending, gated=not sent, attempted=sent)


def judged(attempt: Attempt, outcome: Outcome, at: Moment) -> Verdict:
    """What its status shall say after an attempt that ended so."""
    row, before = outcome.row, attempt.record
    words = row.words(outcome)
    delay = max(backoff(before.attempts + 1, at.chance), outcome.pause)
    retry_at = later(at.now, delay)
    tried = replace(
        before,
        attempts=before.attempts + 1,
        last_attempt_time=at.now,
        last_outcome=_last(outcome),
        unknown_outcomes=before.unknown_outcomes + (row.follows is Follows.COUNT),
    )
    retrying = replace(tried, state=State.RETRYING, next_attempt_time=retry_at)
    match row.follows:
        case Follows.WAIT:  # no attempt: nothing of it is counted
            waiting = replace(before, state=_waits(before), next_attempt_time=retry_at)
            return _verdict(attempt, waiting, row.reason, words)
        case Follows.DELIVERED:
            return _delivered(replace(attempt, record=tried), at.now)
        case Follows.FAILED:
            failed = _finish(tried, State.FAILED, at.now)
            return _verdict(attempt, failed, row.reason, words + row.then)
        case Follows.COUNT if _policy(attempt) is UnknownOutcomePolicy.HOLD:
            return _held(replace(attempt, record=tried), row.reason, words + _LOOK)
        case Follows.RETRY | Follows.COUNT:
            return _verdict(attempt, retrying, row.reason, words + row.then)
    assert_never(row.follows)


def backoff(attempts: int, chance: float) -> float:
    """Seconds to wait after this many attempts: random(0, min(5 min, 2 s x 2^attempts))."""
    return chance * doubled(FIRST_BACKOFF, attempts, LONGEST_BACKOFF)


def _policy(attempt: Attempt) -> UnknownOutcomePolicy:
    return attempt.spec.on_unknown_outcome or attempt.policy.on_unknown_outcome


def _last(outcome: Outcome) -> LastOutcome:
    refusal = outcome.refusal if outcome.row.follows is Follows.FAILED else Refusal()
    return LastOutcome(
        outcome_class=outcome.kind,
        code=outcome.code,
        fields=refusal.fields or None,
        request_id=refusal.request_id or None,
    )


# The verdicts.


def _verdict(attempt: Attempt, record: DeliveryRecord, reason: str, words: str) -> Verdict:
    note = _note(attempt.event, attempt.policy) if record.state.finished else ""
    return Verdict(record, reason, words + note, attempt.scope)


def invalid(event: CustomEvent, message: str, at: Moment) -> Verdict:
    """The spec cannot be read, so it has no content; the receipt of what may be told stays."""
    # Nothing was told of it: whoever takes such an edit back has not asked to tell the same again.
    before = event.status.delivery
    told = _may_be_told(event) and event.resend in ("", before.resend)
    record = before if told else _unread(event, before.sequence, at.now)
    return _failed(event, record, message, at)


def _may_be_told(event: CustomEvent) -> bool:
    """Whether its record is the receipt of something that may be on the timeline."""
    record = event.status.delivery
    if record.last_outcome is not None:
        return _maybe_applied(record)
    # Only the essence was taken: it says nothing of the last outcome, and is kept if in doubt.
    is_kept = event.status.delivered.reason == Reason.INVALID
    known = record.state is State.DELIVERED or record.unknown_outcomes > 0 or is_kept
    return record.attempts > 0 and known


def _unread(event: CustomEvent, sequence: int, now: datetime) -> DeliveryRecord:
    """Of a spec that cannot be read, at this sequence: what is readable again is new."""
    before = event.status.delivery
    resend = event.resend or before.resend
    return DeliveryRecord(
        sequence=sequence,
        resend=resend,
        resend_time=now if sequence and resend != before.resend else _unread_since(before),
        unknown_outcomes=before.unknown_outcomes,
    )


def _failed(event: CustomEvent, record: DeliveryRecord, message: str, at: Moment) -> Verdict:
    words = f"{message}. Is the CRD in the cluster the operator's own version?"
    known = event.status.resolved if record.id == event.status.delivery.id else None
    failed = _finish(record, State.FAILED, at.now)
    return Verdict(failed, Reason.INVALID, words + _note(event, at.policy), known)


def _readable_again(attempt: Attempt, now: datetime) -> Attempt | Ending:
    """What an edit that nobody could read has left untold: all stands as it did before that."""
    # The receipt of a lost attempt has no hash; that it is of this content, its id has told.
    content = attempt.record.content_hash or content_hash(attempt.spec)
    attempt = replace(attempt, record=replace(attempt.record, content_hash=content))
    record = attempt.record
    last = record.last_outcome or _outcome_of_the_essence(record)
    if last.outcome_class is OutcomeClass.SUCCESS:
        return Ending(_delivered(attempt, record.last_attempt_time or now))
    retried = replace(attempt, record=replace(record, state=_waits(record), finished_time=None))
    if record.last_outcome is None and not _is_all_counted(record):  # it may have been told
        unknown = record.unknown_outcomes + 1
        retried = replace(retried, record=replace(retried.record, unknown_outcomes=unknown))
    if _policy(attempt) is UnknownOutcomePolicy.HOLD:
        words = f"Nobody can say whether the last attempt arrived ({_describe(last)}){_LOOK}"
        return Ending(_held(retried, Reason.UNKNOWN_OUTCOME, words))
    return retried


def _is_all_counted(record: DeliveryRecord) -> bool:
    """Whether each attempt is among the unknown outcomes; those of earlier tellings are as well."""
    return record.sequence == 1 and record.unknown_outcomes >= record.attempts


def _outcome_of_the_essence(record: DeliveryRecord) -> LastOutcome:
    """What the last attempt ended with, where only the essence of its record was taken."""
    # It may have been told, or no id would stand here; and each unknown outcome is counted.
    told = record.unknown_outcomes == 0
    return LastOutcome(outcome_class=OutcomeClass.SUCCESS if told else OutcomeClass.UNKNOWN)


def _delivered(attempt: Attempt, now: datetime) -> Verdict:
    record, misspelt = attempt.record, _misspelt(attempt)
    how = "at the first attempt" if record.attempts == 1 else f"after {record.attempts} attempts"
    maybe = ""
    if record.unknown_outcomes and record.attempts > 1:
        # They are counted over the object's life.
        is_first = record.sequence == 1
        more = "it may be there twice" if is_first else "this or earlier content may be there"
        maybe = f"; {record.unknown_outcomes} earlier with an unknown outcome, so {more}"
    words = f"Delivered {how}{maybe}." + (f" {misspelt}" if misspelt else "")
    done = _finish(record, State.DELIVERED, now)
    return replace(_verdict(attempt, done, Reason.DELIVERED, words), warning=misspelt)


def _expired(attempt: Attempt, now: datetime) -> Verdict:
    """The deadline passed; the last outcome, or else the last reason, stays readable."""
    words = (
        f"Not delivered within its deadline; {_was_tried(attempt)}. "
        "Edit the event or resend it to tell it still"
    )
    done = _finish(attempt.record, State.EXPIRED, now)
    return _verdict(attempt, done, Reason.DEADLINE_EXCEEDED, words)


def _was_tried(attempt: Attempt) -> str:
    record, before = attempt.record, attempt.event.status
    if record.last_outcome is not None:
        return f"the last attempt: {_describe(record.last_outcome)}"
    if _restored(attempt.event):
        return "a backup brought it back, and nobody knows whether it was told before"
    if record.attempts:
        return "what became of the last attempt is not known"
    known = before.delivered.reason if record.id == before.delivery.id else Reason.PENDING
    why = "" if known == Reason.PENDING else f" ({known})"
    return f"it was never tried{why}"


def _held(attempt: Attempt, reason: str, words: str) -> Verdict:
    """Something is missing that may turn up by itself, or that a person must say."""
    waiting = replace(attempt.record, state=State.HELD, next_attempt_time=None)
    return _verdict(attempt, waiting, reason, words)


def _suspended(attempt: Attempt, *, by_author: bool) -> Verdict:
    shown = replace(attempt.record, state=State.SUSPENDED, next_attempt_time=None)
    kept = "Not sent again" if shown.attempts else "Not sent"
    if by_author:
        return Verdict(
            shown, Reason.SUSPENDED, f"{kept}: spec.suspend is true. See status.resolved"
        )
    return Verdict(shown, Reason.OPERATOR_PAUSED, f"{kept}: the operator is paused by its setting")


def _shown(attempt: Attempt) -> Verdict:
    """A dry run ends: with whom it would be about."""
    assert attempt.dry is not None
    misspelt = _misspelt(attempt)
    words = f"{attempt.dry.message}. {misspelt}" if misspelt else attempt.dry.message
    return replace(attempt.dry, message=words, resolved=attempt.scope, warning=misspelt)


def _brought_nearer(attempt: Attempt, time: datetime) -> Verdict:
    """Its next attempt is further off than any delay: another node's clock said when.

    It is put on record, or each look would count the longest delay anew, and never send.
    """
    said = attempt.event.status.delivered
    waiting = replace(attempt.record, next_attempt_time=time)
    return _verdict(attempt, waiting, said.reason, said.message)


def _restamped(attempt: Attempt) -> Verdict | None:
    """Say that this generation was seen, if it was not said: `kubectl wait` hangs without it."""
    status, said = attempt.event.status, attempt.event.status.delivered
    if said.observed_generation == attempt.event.generation:
        return None
    return _verdict(attempt, status.delivery, said.reason, _without_note(said.message))


def _waiting_until(
    time: datetime | None, attempt: Attempt, verdict: Verdict | None = None
) -> Ending:
    """Looked at again then, but not after its deadline."""
    return Ending(verdict, None if time is None else min(time, attempt.expires))


def _finish(record: DeliveryRecord, state: State, now: datetime) -> DeliveryRecord:
    return replace(record, state=state, finished_time=now, next_attempt_time=None)


def _waits(record: DeliveryRecord) -> State:
    """The state of what nothing on the object keeps from being sent; it may have been suspended."""
    return State.RETRYING if record.attempts else State.PENDING


def _misspelt(attempt: Attempt) -> str:
    """Names of the author's that are probably misspelt: the API takes them without a word."""
    if not attempt.unmatched:
        return ""
    names = ", ".join(attempt.unmatched[:MOST_NAMES])
    more = len(attempt.unmatched) - MOST_NAMES
    named = f"{names} and {more} more" if more > 0 else names
    return f"No workload here is named {named}; misspelt?"


def _note(event: CustomEvent, policy: Policy) -> str:
    if event.spec.get("ttlSecondsAfterFinished") is None:
        return ""
    if not policy.ttl:
        return Note.OFF
    return Note.CREATED_AGAIN if event.is_created_again else ""


def _without_note(message: str) -> str:
    """A stored message as it was before its note: the status has no other place for that."""
    for note in Note:
        message = message.removesuffix(note)
    return message


def _describe(last: LastOutcome) -> str:
    return last.outcome_class + (f" (HTTP {last.code})" if last.code is not None else "")


# An attempt that nobody saw the end of.


def lost(event: CustomEvent, intent: Intent, open_until: datetime, at: Moment) -> Verdict | None:
    """What it makes of the record; None if it counts there. It may still arrive until then."""
    record = event.status.delivery
    if record.sequence > intent.sequence:
        return None
    if record.id == intent.delivery_id and record.attempts >= intent.attempt:
        return None
    verdict = _lost(event, intent, open_until, at)
    # The scope of the recorded attempts under this id; the lost one's own is not known.
    frozen = record.id == verdict.record.id and record.attempts > 0
    return replace(verdict, resolved=event.status.resolved if frozen else None)


def _lost(event: CustomEvent, intent: Intent, open_until: datetime, at: Moment) -> Verdict:
    try:
        spec = parse_spec(event.spec)
    except InvalidSpec as error:
        return counted(_failed(event, _receipt(event, intent, at.now), str(error), at))
    attempt = _begin(event, spec, at)
    if attempt.record.id != intent.delivery_id:
        return superseded(event, spec, intent.sequence, open_until, at)
    if attempt.record.state is State.DELIVERED:
        # Of a leader before the last one, whose result came late: it is told, and perhaps twice.
        told = replace(attempt, record=replace(attempt.record, attempts=intent.attempt))
        return counted(_delivered(told, attempt.record.finished_time or at.now))
    return not_before(judged(attempt, LOST, at), open_until)


def _receipt(event: CustomEvent, intent: Intent, now: datetime) -> DeliveryRecord:
    """Of a lost attempt under a spec that cannot be read: its id tells when that is taken back."""
    before = event.status.delivery
    if before.id != intent.delivery_id:
        unread = _unread(event, intent.sequence, now)
        return replace(
            unread, id=intent.delivery_id, attempts=intent.attempt, last_outcome=_last(LOST)
        )
    last = before.last_outcome
    if before.state is State.DELIVERED:  # of a leader before the last one; it is told
        last = last or LastOutcome(outcome_class=OutcomeClass.SUCCESS)
    elif last is None or last.outcome_class is not OutcomeClass.SUCCESS:
        last = _last(LOST)
    return replace(before, attempts=intent.attempt, last_outcome=last)


def superseded(
    event: CustomEvent, spec: CustomEventSpec, sequence: int, open_until: datetime, at: Moment
) -> Verdict:
    """An attempt of other content was lost: it is counted, and the content as it is now is told.

    Also when the record says that this very content was delivered: what was lost may be on the
    timeline behind it. But not before that can have arrived, or the older would stand behind it.
    """
    record = replace(_next_record(event, spec, sequence, at.now), next_attempt_time=open_until)
    return counted(Verdict(record, Reason.PENDING, "Not tried yet"))


def counted(verdict: Verdict) -> Verdict:
    """The verdict, with one more attempt whose outcome nobody knows."""
    unknown = verdict.record.unknown_outcomes + 1
    return replace(verdict, record=replace(verdict.record, unknown_outcomes=unknown))


def not_before(verdict: Verdict, time: datetime) -> Verdict:
    """The verdict, with its next attempt no sooner than `time`."""
    due = verdict.record.next_attempt_time
    if due is None or due >= time:
        return verdict
    return replace(verdict, record=replace(verdict.record, next_attempt_time=time))


# Two accounts of one delivery: where a deposed leader and its successor write the same record.


def merged(event: CustomEvent, found: CustomEvent, verdict: Verdict) -> tuple[Verdict, bool]:
    """What shall stand where another record does, and whether its words are ours."""
    ours = verdict.record
    record = merge(event.status.delivery, ours, found.status.delivery)
    # By the id as well: where a list was lost, two tellings may have the same number.
    if (record.id, record.sequence, record.state) == (ours.id, ours.sequence, ours.state):
        return replace(verdict, record=record, warning=""), True
    said = found.status.delivered
    return Verdict(record, said.reason, said.message, found.status.resolved), False


def merge(before: DeliveryRecord, ours: DeliveryRecord, theirs: DeliveryRecord) -> DeliveryRecord:
    """What shall stand where `theirs` stands, and we know of an attempt that made `before` `ours`.

    The higher sequence wins whole. At the same id Delivered wins, or what we hold, as they do not
    know of our attempt; attempts keep their maximum, and unknown outcomes never fall: they count
    our attempt too, unless whoever wrote `theirs` has.
    """
    if _is_ours(theirs, ours):
        return theirs
    if theirs.sequence < ours.sequence:
        unknown = max(ours.unknown_outcomes, theirs.unknown_outcomes)
        return replace(ours, unknown_outcomes=unknown)
    tried = ours.attempts > (before.attempts if before.id == ours.id else 0)
    is_counted = theirs.unknown_outcomes > before.unknown_outcomes
    unknown = max(before.unknown_outcomes, theirs.unknown_outcomes)
    unknown += int(tried and _maybe_applied(ours) and not is_counted)
    unknown = max(ours.unknown_outcomes, unknown)
    if theirs.sequence > ours.sequence:
        return replace(theirs, unknown_outcomes=unknown)
    held = ours.state is State.HELD and _maybe_applied(ours) and not theirs.state.finished
    ours_wins = held or (ours.state is State.DELIVERED and theirs.state is not State.DELIVERED)
    winner = ours if ours_wins else theirs
    attempts = max(ours.attempts, theirs.attempts) if ours.id == theirs.id else winner.attempts
    return replace(winner, attempts=attempts, unknown_outcomes=unknown)


def is_foreign(event: CustomEvent, found: CustomEvent, ours: DeliveryRecord) -> bool:
    """Whether an object counts an attempt under an id of its own that is not among ours.

    A record that a backup brought back has the ids of another object. What arrived nowhere may be
    of who led before, recorded late: the journal keeps none of these.
    """
    before, theirs = event.status.delivery, found.status.delivery
    own = delivery_id(found.uid, theirs.content_hash, theirs.resend, theirs.sequence)
    counts_more = (theirs.sequence, theirs.attempts) > (before.sequence, before.attempts)
    is_another = not _is_ours(theirs, ours) and theirs.id == own
    return is_another and counts_more and _may_have_arrived(theirs, before.unknown_outcomes)


def _may_have_arrived(record: DeliveryRecord, unknown_before: int) -> bool:
    """Whether a record says of its last attempt that the events API may have taken it."""
    if record.attempts == 0:
        return False
    if record.last_outcome is not None:
        return _maybe_applied(record)
    # Only the essence was taken.
    return record.state is State.DELIVERED or record.unknown_outcomes > unknown_before


def _is_ours(theirs: DeliveryRecord, ours: DeliveryRecord) -> bool:
    """Whether a record is ours as it stands: less what the schema does not know, or refused.

    The answer to its write was lost, or there would be no question. Of another operator's, the time
    of its attempt is another.
    """
    return theirs.essence == ours.essence and _is_part(theirs, ours)


def _is_part(part: Any, whole: Any) -> bool:
    """Whether each field that is said here is said there, and the same."""
    if not is_dataclass(part) or whole is None:
        return bool(part == whole)
    return all(
        said == each.default or _is_part(said, getattr(whole, each.name))
        for each in fields(part)
        for said in [getattr(part, each.name)]
    )


def _maybe_applied(record: DeliveryRecord) -> bool:
    last = record.last_outcome
    return last is not None and row_of(last.outcome_class).maybe_applied


# What is written, and what is counted.


def to_status(verdict: Verdict, base: CustomEvent, generation: int | None, now: datetime) -> Status:
    """A verdict on this generation of an object, as its status says it instead of what is there."""
    before, record = base.status.delivered, verdict.record
    says = record.state.condition
    # A new telling is a new transition, also from True to True.
    told = says == before.status and record.sequence == base.status.delivery.sequence
    since = before.last_transition_time if told else None
    condition = Condition(
        status=says,
        reason=verdict.reason,
        message=verdict.message[:LONGEST_MESSAGE],
        observed_generation=generation,
        last_transition_time=since or to_seconds(now),
    )
    return Status(conditions=(condition,), delivery=record, resolved=verdict.resolved)


def cancels(before: CustomEvent | None, after: CustomEvent) -> bool:
    """Whether `after` has taken the place of content that was neither delivered nor refused.

    `before` is the version that waited; None: only the record tells what was to be said.
    """
    seen = after.status.delivered.observed_generation if before is None else before.generation
    if seen == after.generation:
        return False
    record = after.status.delivery
    owed = record.content_hash if before is None else content_of(before.spec)
    if not owed or (record.state.finished and record.content_hash == owed):
        return False
    return not same_content(owed, content_of(after.spec))
