"""What follows of a probe's answers: one finding for each question that the documents leave open.

Where the answers cannot tell, as of what was taken whole or cut, it says where to look. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from customevents.commands.questions import BODIES, END, SUMMARIES, TYPES, Came, Reaction, Topic

#: HTTP statuses: of what stands in a body, and of its length.
OF_THE_CONTENT, TOO_LONG = (400, 422), 413

#: Bytes that a body can have besides what the names and values of its details take.
AROUND = 2048

#: The length of an eventType at which the vendor's own adapters cut it.
CUT_AT = 30

#: What an event of this operator never has.
IRRELEVANT = (
    "Unknown keys, details that are no strings, and empty lists need no probe: "
    "no event of this operator has any."
)

_NOT_DELIVERED = (
    "the plain event was not delivered, so nothing can be concluded: see customevents check, "
    "and probe again when it finds nothing wrong"
)


@dataclass(frozen=True)
class Conclusion:
    """What is known of one open question.

    `answers`: the readings that fit, in the words of the sandbox's switches; none: it is open.
    `at_least` is taken, `below` is refused: characters, or bytes of a body.
    """

    about: Topic
    words: str
    answers: tuple[str, ...] = ()
    at_least: int | None = None
    below: int | None = None


@dataclass(frozen=True)
class Look:
    """An event to look at on the timeline, found by its summary's first words."""

    about: Topic
    summary: str
    asks: str


def find(reactions: Sequence[Reaction]) -> list[Conclusion]:
    """All findings; of a probe whose plain event was not delivered, that alone."""
    if not delivers(reactions):
        return [Conclusion(Topic.CONTROL, _NOT_DELIVERED)]
    return [
        _types(reactions),
        _names(reactions),
        _errors(reactions),
        _bodies(reactions),
        _summaries(reactions),
    ]


def delivers(reactions: Sequence[Reaction]) -> bool:
    """Whether the plain event was delivered, without which the others say nothing."""
    return any(a.came is Came.TAKEN for a in _about(reactions, Topic.CONTROL))


def exit_code(reactions: Sequence[Reaction]) -> int:
    """0: it was told; 1: nothing is delivered at all; 3: something got no answer."""
    if not delivers(reactions):
        return 1
    return 3 if any(a.came is Came.NO_ANSWER for a in reactions) else 0


def looks(reactions: Sequence[Reaction]) -> list[Look]:
    """What to look at on the timeline, because no answer tells it."""
    asks = {
        Topic.EVENT_TYPE: f'is its type whole (then it ends in "{END}"), or cut at {CUT_AT}?',
        Topic.SUMMARY: f'is its summary whole (then it ends in "{END}"), or cut?',
        Topic.BODY: "are all of its details there?",
    }
    found = ((about, _longest_taken(reactions, about)) for about in asks)
    return [Look(about, a.question.summary, asks[about]) for about, a in found if a]


def _about(reactions: Sequence[Reaction], topic: Topic) -> list[Reaction]:
    return [reaction for reaction in reactions if reaction.question.topic is topic]


def _longest_taken(reactions: Sequence[Reaction], topic: Topic) -> Reaction | None:
    """The longest that was taken; None also if that is the shortest, which no document cuts."""
    asked = _about(reactions, topic)
    taken = [a for a in asked[1:] if a.came is Came.TAKEN]
    return taken[-1] if taken else None


@dataclass(frozen=True)
class _Span:
    """The largest size that was taken, and the smallest that was refused."""

    taken: int | None
    refused: int | None

    @property
    def is_odd(self) -> bool:
        """Whether something was taken that is larger than something that was refused."""
        return self.taken is not None and self.refused is not None and self.taken > self.refused

    def words(self, unit: str, longest: int) -> str:
        """In a line."""
        match self.taken, self.refused:
            case None, None:
                return "open: there was no answer"
            case None, refused:
                return f"{refused} {unit} are refused already"
            case taken, None if taken == longest:
                return f"{taken} {unit} are taken, and no event here has more"
            case taken, None:
                return f"{taken} {unit} are taken; of more, there was no answer"
        if self.is_odd:
            return f"open: {self.taken} {unit} are taken, and {self.refused} refused: probe again"
        return f"{self.taken} {unit} are taken, {self.refused} are refused"


def _span(reactions: Sequence[Reaction], topic: Topic) -> _Span:
    asked = _about(reactions, topic)
    taken = [a.question.size for a in asked if a.came is Came.TAKEN]
    refused = [a.question.size for a in asked if a.came is Came.REFUSED]
    return _Span(max(taken, default=None), min(refused, default=None))


def _types(reactions: Sequence[Reaction]) -> Conclusion:
    span = _span(reactions, Topic.EVENT_TYPE)
    words = span.words("characters", TYPES[-1])
    if span.is_odd:
        return Conclusion(Topic.EVENT_TYPE, words)
    fitting: tuple[str, ...] = ()
    if (span.taken, span.refused) == (60, None):
        words, fitting = f"{words}: whole, or cut at {CUT_AT}", ("60", "30 cut")
    elif (span.taken, span.refused) == (30, 31):
        fitting = ("30",)
    return Conclusion(Topic.EVENT_TYPE, words, fitting, span.taken, span.refused)


def _summaries(reactions: Sequence[Reaction]) -> Conclusion:
    span = _span(reactions, Topic.SUMMARY)
    words = span.words("characters", SUMMARIES[-1])
    if span.is_odd:
        return Conclusion(Topic.SUMMARY, words)
    return Conclusion(Topic.SUMMARY, words, at_least=span.taken, below=span.refused)


def _bodies(reactions: Sequence[Reaction]) -> Conclusion:
    span = _span(reactions, Topic.BODY)
    words = span.words("KB", BODIES[-1])
    if span.is_odd:
        return Conclusion(Topic.BODY, words)
    asked = _about(reactions, Topic.BODY)
    if any(a.came is Came.REFUSED and a.code != TOO_LONG for a in asked):
        words = f"{words}; it may be the details that are too many, and not the body too long"
    at_least = None if span.taken is None else span.taken * 1024
    below = None if span.refused is None else span.refused * 1024 + AROUND
    return Conclusion(Topic.BODY, words, at_least=at_least, below=below)


def _names(reactions: Sequence[Reaction]) -> Conclusion:
    asked = _about(reactions, Topic.NAMES)
    words = "; ".join(f"{a.question.asks} is {_of_name(a)}" for a in asked)
    came = {a.came for a in asked} & {Came.TAKEN, Came.REFUSED}
    return Conclusion(Topic.NAMES, words, tuple(sorted(each.value for each in came)))


def _of_name(reaction: Reaction) -> str:
    match reaction.came:
        case Came.TAKEN | Came.REFUSED:
            return reaction.came.value
        case Came.NOT_ASKED if reaction.question.key == "cluster":
            return "not asked (it may take the verb broadcast on customevents)"
    return f"open ({reaction.came})"


def _errors(reactions: Sequence[Reaction]) -> Conclusion:
    """The shape of error answers, by what the operator recognised of them.

    What is too long need name no field in any shape, so it says nothing of the first one.
    """
    refused = [a for a in reactions if a.came is Came.REFUSED]
    if not refused:
        return Conclusion(Topic.ERRORS, "not seen: nothing was refused")
    if any(a.names_request for a in refused):
        return Conclusion(Topic.ERRORS, "the second: it names the request", ("second",))
    if any(a.fields for a in refused):
        return Conclusion(Topic.ERRORS, "the first: it names fields, and no request", ("first",))
    if any(_is_of_a_field(a) for a in refused):
        words = "none that helps: of a field that it refuses, it does not say which"
        return Conclusion(Topic.ERRORS, words, ("none",))
    words = "the first or none: what was refused is no matter of a field"
    return Conclusion(Topic.ERRORS, words, ("first", "none"))


def _is_of_a_field(reaction: Reaction) -> bool:
    return reaction.question.topic is not Topic.BODY and reaction.code in OF_THE_CONTENT


def flat(reactions: Sequence[Reaction], run: str) -> dict[str, Any]:
    """All of it as plain data, for programs."""
    return {
        "run": run,
        "events": [_flat_answer(reaction) for reaction in reactions],
        "findings": [_flat_finding(finding) for finding in find(reactions)],
        "look": [
            {"about": look.about.value, "summary": look.summary, "asks": look.asks}
            for look in looks(reactions)
        ],
    }


def _flat_answer(reaction: Reaction) -> dict[str, Any]:
    question = reaction.question
    made: dict[str, Any] = {
        "name": question.name,
        "about": question.topic.value,
        "asks": question.asks,
        "came": reaction.came.value,
        "words": reaction.words,
    }
    known = {"code": reaction.code, "fields": list(reaction.fields)}
    return {**made, **{name: value for name, value in known.items() if value}}


def _flat_finding(finding: Conclusion) -> dict[str, Any]:
    bounds = {"atLeast": finding.at_least, "below": finding.below}
    return {
        "about": finding.about.value,
        "answers": list(finding.answers),
        "words": finding.words,
        **{name: bound for name, bound in bounds.items() if bound is not None},
    }


def lines(reactions: Sequence[Reaction]) -> Iterator[str]:
    """The findings, and where to look, for people."""
    for finding in find(reactions):
        yield f"{finding.about}: {finding.words}"
    if not delivers(reactions):
        return
    yield IRRELEVANT
    if wanted := looks(reactions):
        yield "\nLook at these on the timeline, the answers cannot tell:"
    for look in wanted:
        yield f'  "{look.summary}": {look.asks}'
