"""What `customevents probe` asks of the events API, and how what came of each event is read.

The API's documents leave open how long a type, a summary and a body may be, and what becomes of
names that do not exist. Each question is an event that would be taken by the one reading and
refused by the other. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from customevents.resource.event import GROUP, KIND, VERSION, CustomEvent
from customevents.resource.status import LastOutcome, OutcomeClass, State

#: On each object of a probe; its value is the run's id.
LABEL = "customevents.dev/probe"

#: The sizes that are asked for, in characters and in KiB. Where the documents differ, both sides
#: of what they say; the largest are what a CustomEvent can have.
TYPES, SUMMARIES, BODIES = (30, 31, 60), (100, 101, 4096), (8, 16, 32, 64, 72)

#: Entries of `details`, and characters of a value, as the CRD bounds them.
MOST_ENTRIES, LONGEST_VALUE = 64, 1024

#: Characters of the names in `details`, where the values alone are long enough.
SHORT_KEY = 8

#: What is cut off first, if anything is.
END = "end"

#: Seconds: what is not delivered by then is never sent, also where nobody could delete it.
DEADLINE = 60

#: Seconds until the operator deletes what this command could not, where it is allowed to.
TTL = 600


class Topic(StrEnum):
    """What a question is about: as the sandbox's switches have it, where there is one."""

    CONTROL = "control"
    EVENT_TYPE = "eventType"
    SUMMARY = "summary"
    BODY = "longestBody"
    NAMES = "unknownNames"
    ERRORS = "errorShape"


@dataclass(frozen=True)
class Question:
    """One event to be sent; `size` in the units of its topic."""

    run: str
    topic: Topic
    key: str
    asks: str
    size: int = 0
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The object's."""
        return f"probe-{self.run}-{self.key}"

    @property
    def summary(self) -> str:
        """What the timeline shows of it, or how that begins."""
        return f"probe {self.run}: {self.asks}"

    @property
    def manifest(self) -> dict[str, Any]:
        """The object, sent once at most and about its own namespace, unless it asks otherwise."""
        spec = {
            "eventType": "probe",
            "summary": self.summary,
            "severity": "Info",
            "scope": {"level": "Namespace"},
            "onUnknownOutcome": "Hold",
            "deliveryDeadlineSeconds": DEADLINE,
            "ttlSecondsAfterFinished": TTL,
        }
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"name": self.name, "labels": {LABEL: self.run}},
            "spec": {**spec, **self.parts},
        }


def questions(run: str) -> list[Question]:
    """All questions of a run, in the order in which they are asked."""
    return [question for wave in waves(run) for question in wave]


def waves(run: str) -> tuple[list[Question], ...]:
    """What is asked together.

    First whether anything is delivered at all. Last what may be answered 404, which the operator
    takes for a wrong address: it then sends nothing for a while.
    """
    control = Question(run, Topic.CONTROL, "control", "a plain event")
    sizes = [
        *(_of_type(run, size) for size in TYPES),
        *(_of_summary(run, size) for size in SUMMARIES),
        *(_of_body(run, size) for size in BODIES),
    ]
    return [control], sizes, [_of_service(run), _of_cluster(run)]


def details(kib: int) -> dict[str, str]:
    """So many KiB in names and values, in as few entries as hold them."""
    count = min(kib, MOST_ENTRIES)
    each = kib * 1024 // count
    longest = max(SHORT_KEY, each - LONGEST_VALUE)
    keys = (f"probe-{number:02}".ljust(longest, "-") for number in range(1, count + 1))
    return dict.fromkeys(keys, "x" * (each - longest))


def _padded(start: str, size: int) -> str:
    return f"{start.ljust(size - len(END), '-')}{END}"


def _of_type(run: str, size: int) -> Question:
    asks, value = f"an eventType of {size} characters", _padded(f"probe-{size}-", size)
    return Question(run, Topic.EVENT_TYPE, f"type-{size}", asks, size, {"eventType": value})


def _of_summary(run: str, size: int) -> Question:
    plain = Question(run, Topic.SUMMARY, f"summary-{size}", f"a summary of {size} characters", size)
    value = _padded(f"{plain.summary} ", size)
    return Question(run, plain.topic, plain.key, plain.asks, size, {"summary": value})


def _of_body(run: str, kib: int) -> Question:
    parts, asks = {"details": details(kib)}, f"details of {kib} KB"
    return Question(run, Topic.BODY, f"body-{kib}", asks, kib, parts)


def _of_service(run: str) -> Question:
    parts = {"scope": {"serviceNames": [f"probe-{run}-nobody"]}}
    return Question(run, Topic.NAMES, "service", "a service that does not exist", parts=parts)


def _of_cluster(run: str) -> Question:
    parts = {"scope": {"clusters": [f"probe-{run}-nowhere"]}}
    return Question(run, Topic.NAMES, "cluster", "a cluster that does not exist", parts=parts)


class Came(StrEnum):
    """What came of a question."""

    TAKEN = "taken"
    REFUSED = "refused"
    #: The cluster or the operator did not let it be sent.
    NOT_ASKED = "not asked"
    #: Nobody can say: the answer was lost, was none, or did not come in time.
    NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Reaction:
    """What came of a question, in words of our own alone."""

    question: Question
    came: Came
    #: The HTTP status, if an answer was read.
    code: int | None = None
    #: After a refusal, which keys of the body it names, and whether it names the request.
    fields: tuple[str, ...] = ()
    names_request: bool = False
    why: str = ""

    @property
    def words(self) -> str:
        """In a line."""
        known = [f"HTTP {self.code}"] if self.code is not None else []
        if self.came is Came.REFUSED:
            known.append(f"names {', '.join(self.fields)}" if self.fields else "names no field")
        said = ", ".join([*known, self.why] if self.why else known)
        return f"{self.came}: {said}" if said else self.came.value


def settled(event: CustomEvent) -> bool:
    """Whether there is nothing to wait for: also where the operator would try it again for hours.

    What is taken for trouble with the endpoint would hold up every other event as well.
    """
    return event.needs_nothing or _class_of(event) is OutcomeClass.ENDPOINT_LEVEL


def refused_by_cluster(question: Question, status: int) -> Reaction:
    """What is said of a question whose object the cluster did not take."""
    whose = "you may not create it" if status == 403 else "a rule of the cluster forbids it"
    return Reaction(question, Came.NOT_ASKED, why=f"{whose} (the cluster's HTTP {status})")


def not_in_time(question: Question) -> Reaction:
    """What is said of a question that was not asked, because the time was over."""
    return Reaction(question, Came.NO_ANSWER, why="not asked within --timeout")


def read_reaction(question: Question, event: CustomEvent | None) -> Reaction:
    """What came of a question, given its object; None: it is not there any more."""
    if event is None or event.deleting:
        return Reaction(question, Came.NO_ANSWER, why="somebody deleted it")
    last = event.status.delivery.last_outcome or LastOutcome()
    state, kind = event.status.delivery.state, _class_of(event)
    if state is State.DELIVERED:
        return Reaction(question, Came.TAKEN, last.code)
    if kind is OutcomeClass.REFUSED and state is State.FAILED:
        return Reaction(question, Came.REFUSED, last.code, last.fields or (), bool(last.request_id))
    if state is State.FAILED:
        return Reaction(question, Came.NOT_ASKED, why=_reason(event))
    return Reaction(question, Came.NO_ANSWER, last.code, why=_why_open(event))


def _why_open(event: CustomEvent) -> str:
    match _class_of(event):
        case OutcomeClass.ENDPOINT_LEVEL:
            return "which the operator takes for trouble with the key or the endpoint"
        case OutcomeClass.UNKNOWN:
            return "it may be on the timeline all the same"
    return _reason(event)


def _reason(event: CustomEvent) -> str:
    return f"{event.status.delivery.state} ({event.status.delivered.reason})"


def _class_of(event: CustomEvent) -> OutcomeClass | None:
    last = event.status.delivery.last_outcome
    return last.outcome_class if last else None
