"""What to do to the next requests: the plan that `PUT /sandbox/faults` states.

Every way in which a remote side can fail a client is one key here, so that a test names the
trouble instead of building a broken server. This module decides; `answering` carries it out.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

Target = Literal["events", "validate", "clusters"]
"""The three paths of the API that a fault can be meant for."""

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t -~]*$")]

_ANSWER_KEYS = frozenset(
    {"status", "body", "headers", "retry_after", "redirect"}
    | {"oversize_body", "slow_body", "truncate_body"}
)


def _or_else(words: str) -> WrapValidator:
    """Say this where none of several types fits, instead of what each of them says."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("none_fits", "{words}", {"words": words}) from None

    return WrapValidator(check)


Garbage = Annotated[bool | HeaderValue, _or_else("must be true, or a line of printable ASCII")]
RetryAfter = Annotated[int | HeaderValue, _or_else("must be a whole number, or a date as a text")]


class _Strict(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


class Matcher(_Strict):
    """Which events a fault is for; only events that the contract accepts can match."""

    summary: str


class Fault(_Strict):
    """One fault. What it leaves out stays as it would be without it."""

    target: Target = "events"
    match: Matcher | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    """How many requests it is for; None is until cleared."""
    accept: bool | None = None
    """Whether a valid event is recorded although, or not although, the answer says so.

    None follows the answer: an event is recorded when a 2xx was meant for it.
    """

    delay_seconds: Seconds = 0
    """Wait so long after the request was read."""
    hang: bool = False
    """Never answer: until the client or the sandbox goes away."""
    drop: Literal["beforeReading", "afterReading"] | None = None
    """Reset the connection, before or after the body was read."""
    garbage: Garbage = False
    """Answer with a line that is not HTTP (true: a standard one), and close."""

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    body: JsonValue = None
    """A string goes out as it is, anything else as JSON."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    retry_after: RetryAfter | None = None
    redirect: HeaderValue | None = None
    """The Location of a redirect; 307 unless `status` says otherwise."""
    oversize_body: Annotated[int, Field(ge=0, le=64 << 20)] = 0
    """Fill the answer's body with blanks up to so many bytes."""
    slow_body: Seconds = 0
    """Take so long from the status line to the body's last byte."""
    truncate_body: bool = False
    """Close the connection half-way through the body."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "Fault":
        if problem := _contradiction(self):
            raise ValueError(problem)
        return self

    @property
    def accepts(self) -> bool:
        """Whether a valid event that meets this fault is recorded as accepted."""
        if self.accept is not None:
            return self.accept
        if self.hang or self.drop or self.garbage or self.redirect:
            return False
        return self.status is None or self.status < 300


def _contradiction(fault: Fault) -> str | None:
    silences = [name for name in ("hang", "drop", "garbage") if getattr(fault, name)]
    if len(silences) > 1:
        return f"{' and '.join(silences)} exclude each other"
    if silences and (answer := sorted(_ANSWER_KEYS & fault.model_fields_set)):
        return f"with {silences[0]} there is no answer: leave out {to_camel(answer[0])}"
    if fault.drop == "beforeReading" and (fault.match or fault.accept):
        return "before reading, nothing is known of the event: leave out match and accept"
    if fault.target != "events" and (fault.match or fault.accept is not None):
        return f"a request to {fault.target} carries no event: leave out match and accept"
    if {name.lower() for name in fault.headers} & {"content-length", "transfer-encoding"}:
        return "headers must leave the framing alone: use truncateBody or garbage"
    return None


class Faults:
    """The faults in force, in the order given; a request meets the first that fits it."""

    def __init__(self) -> None:
        self._active: list[tuple[Fault, int | None]] = []

    def replace(self, faults: Sequence[Fault]) -> None:
        """Put these in force, instead of those before; none clears."""
        self._active = [(fault, fault.count) for fault in faults]

    def match(self, target: Target, summary: str | None = None) -> Fault | None:
        """Return the fault for one request, and count it; None leaves the request alone.

        Without a summary (the body is still unread) a fault that looks at the body stops the
        search: only the body can tell whether it comes first. Ask again with the summary.
        """
        for index, (fault, left) in enumerate(self._active):
            if fault.target != target:
                continue
            if fault.match and summary is None:
                return None
            if fault.match and fault.match.summary != summary:
                continue
            self._count(index, fault, left)
            return fault
        return None

    def _count(self, index: int, fault: Fault, left: int | None) -> None:
        if left == 1:
            del self._active[index]
        elif left is not None:
            self._active[index] = (fault, left - 1)

    def document(self) -> list[dict[str, Any]]:
        """Return the faults in force as they were given, `count` being what is left."""
        given = [fault.model_dump(by_alias=True, exclude_unset=True) for fault, _ in self._active]
        for shown, (_, left) in zip(given, self._active, strict=True):
            if left is not None:
                shown["count"] = left
        return given
