"""What holds over any life of an event, whatever its author, the network and the clock do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from customevents.delivery.outcome import Outcome
from customevents.delivery.state import Attempt, Ending
from customevents.resource.event import CustomEvent
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.resource.status import DeliveryRecord, OutcomeClass, State
from unit.builders import NOW, after, later, raw_spec, recorded, step

DEADLINE = 3600
KINDS = [kind for kind in OutcomeClass if kind is not OutcomeClass.NOT_SENT]


@dataclass(frozen=True)
class Turn:
    """What happens before an event is looked at, and the outcome if it is then attempted."""

    seconds: float
    summary: str | None
    resend: str | None
    suspend: bool | None
    outcome: OutcomeClass


turns = st.builds(
    Turn,
    seconds=st.sampled_from([0.0, 1.0, 10.0, 600.0, 4000.0]),
    summary=st.none() | st.none() | st.none() | st.sampled_from(["A", "B"]),
    resend=st.none() | st.none() | st.none() | st.sampled_from(["", "one", "two"]),
    suspend=st.none() | st.none() | st.booleans(),
    outcome=st.sampled_from(KINDS),
)


@dataclass(frozen=True)
class Look:
    """One look at an event, at so many seconds of its life.

    `touched`: whether another content or a resend was asked for since the look before.
    """

    at: float
    touched: bool
    before: DeliveryRecord
    found: Attempt | Ending
    after: DeliveryRecord


def is_sent(look: Look) -> bool:
    return isinstance(look.found, Attempt) and look.found.dry is None


@dataclass
class Life:
    """An event's object from its creation on."""

    policy: UnknownOutcomePolicy
    clock: float = 0.0
    spec: dict[str, Any] = field(default_factory=lambda: raw_spec(deliveryDeadlineSeconds=DEADLINE))
    resend: str = ""
    record: DeliveryRecord = field(default_factory=DeliveryRecord)
    history: list[Look] = field(default_factory=list)

    @property
    def object(self) -> CustomEvent:
        return recorded(self.record, spec=self.spec, resend=self.resend)

    def take(self, turn: Turn) -> None:
        touched = self._edit(turn)
        self.clock += turn.seconds
        before, found = self.record, step(self.object, at=self.clock)
        match found:
            case Attempt(dry=None):
                outcome = Outcome(turn.outcome, 500)
                self.record = after(
                    found.record, outcome, policy=self.policy, at=self.clock, pause=60.0
                ).record
            case Attempt(dry=verdict) | Ending(verdict=verdict) if verdict is not None:
                self.record = verdict.record
        self.history.append(Look(self.clock, touched, before, found, self.record))

    def _edit(self, turn: Turn) -> bool:
        """Change what the turn changes; whether that is another content, or a resend."""
        before = (self.spec["summary"], self.resend)
        self.spec["summary"] = turn.summary or self.spec["summary"]
        if turn.resend is not None:
            self.resend = turn.resend
        if turn.suspend is not None:
            self.spec["suspend"] = turn.suspend
        return before != (self.spec["summary"], self.resend)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    life = Life(draw(st.sampled_from(UnknownOutcomePolicy)))
    for turn in draw(st.lists(turns, max_size=12)):
        life.take(turn)
    return life


@given(lives())
def test_what_is_finished_stays_finished_without_an_edit_or_a_resend(life: Life) -> None:
    for look in life.history:
        if look.before.state.finished and not look.touched:
            assert look.after == look.before


@given(lives())
def test_attempts_never_fall_within_one_delivery(life: Life) -> None:
    for look in life.history:
        if look.after.id == look.before.id:
            assert look.after.attempts >= look.before.attempts


@given(lives())
def test_each_unknown_outcome_is_counted_once_and_never_forgotten(life: Life) -> None:
    for look in life.history:
        last = look.after.last_outcome
        unknown = last is not None and last.outcome_class is OutcomeClass.UNKNOWN
        more = 1 if is_sent(look) and unknown else 0
        assert look.after.unknown_outcomes == look.before.unknown_outcomes + more


@given(lives())
def test_another_delivery_is_always_a_later_one(life: Life) -> None:
    sequences: dict[str, int] = {}
    for look in life.history:
        other = look.after.id != look.before.id
        assert look.after.sequence == look.before.sequence + other
        assert sequences.setdefault(look.after.id, look.after.sequence) == look.after.sequence


@given(lives())
def test_after_a_hold_nothing_is_sent_without_a_person(life: Life) -> None:
    for look in life.history:
        if look.before.state is State.HELD and not look.touched:
            assert not is_sent(look)


@given(lives())
def test_under_hold_no_delivery_is_attempted_after_an_unknown_outcome(life: Life) -> None:
    """At most once, whatever the author edits, suspends and takes back."""
    held: set[str] = set()
    for look in life.history:
        if is_sent(look):
            assert look.after.id not in held
        if look.after.state is State.HELD:
            held.add(look.after.id)


@given(lives())
def test_nothing_is_attempted_before_its_time(life: Life) -> None:
    for look in life.history:
        due = look.before.next_attempt_time
        if is_sent(look) and not look.touched and due is not None:
            assert later(look.at) >= due


@given(lives())
def test_a_time_is_set_for_the_next_attempt_exactly_while_it_is_retried(life: Life) -> None:
    for look in life.history:
        retried = look.after.state is State.RETRYING
        assert (look.after.next_attempt_time is not None) is retried
        assert (look.after.finished_time is not None) is look.after.state.finished


@given(lives())
def test_nothing_is_attempted_past_its_deadline(life: Life) -> None:
    for look in life.history:
        if is_sent(look):
            assert isinstance(look.found, Attempt)
            told_as_of = look.found.record.resend_time or NOW
            assert (later(look.at) - told_as_of).total_seconds() < DEADLINE
