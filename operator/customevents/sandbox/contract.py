"""The documented contract of the events API, as an oracle of its own.

Pure: headers and bytes go in, an event or a documented refusal comes out. It shares no model with
the code that writes the payload, because a slip made there would be waved through here.

Source: https://docs.komodor.com/Integrations/CustomEvents.html and the vendor's OpenAPI document.
Where they are silent (the text of errors, the size of a body) this is stricter than generous: a
payload that passes here is a documented one.
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from customevents.sandbox.behaviour import SHORT_EVENT_TYPE, Behaviour, ErrorShape, read_as
from customevents.sandbox.inventory import Inventory, unknown

Name = Annotated[str, StringConstraints(min_length=1)]
Names = Annotated[list[Name], Field(min_length=1)]


STRICT = Behaviour()
"""Every switch at its default: what the documents show is taken, and nothing else."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class BodyScope(_Strict):
    """The services an event is about. An absent list does not narrow; it is never null or []."""

    clusters: Names = Field(default_factory=list)
    servicesNames: Names = Field(default_factory=list)  # noqa: N815 - the API's spelling
    namespaces: Names = Field(default_factory=list)


def _narrows(scope: BodyScope) -> BodyScope:
    if not scope.model_fields_set:
        raise PydanticCustomError("empty_scope", "must name something; leave scope out instead")
    return scope


class Event(_Strict):
    """The body of `POST /mgmt/v1/events`."""

    eventType: Annotated[str, StringConstraints(min_length=1, max_length=60)]  # noqa: N815
    summary: Name
    scope: Annotated[BodyScope, AfterValidator(_narrows)] = BodyScope()
    severity: Literal["information", "warning", "error"] = "information"
    details: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """One reason of a refusal, and the key of the body that it is about, if it is about one."""

    message: str
    field: str = ""


@dataclass(frozen=True)
class Rejection:
    """A request that the API refuses, with every reason at once."""

    status: int
    problems: tuple[Problem, ...]

    @classmethod
    def because(cls, status: int, message: str) -> "Rejection":
        """Return one with a single reason, that is about no key of the body."""
        return cls(status, (Problem(message),))

    @property
    def messages(self) -> tuple[str, ...]:
        """Return the reasons in words."""
        return tuple(problem.message for problem in self.problems)

    def document(self, shape: ErrorShape = "first") -> dict[str, object] | None:
        """Return the error body in one of the shapes that the API's other paths use."""
        known = self.status in set(HTTPStatus)  # a fault may answer with any number
        phrase = HTTPStatus(self.status).phrase if known else "Unknown"
        match shape:
            case "first":
                messages = list(self.messages)
                return {"statusCode": self.status, "message": messages, "error": phrase}
            case "second":
                return {"error": self._error(phrase)}
            case "none":
                return None

    def _error(self, phrase: str) -> dict[str, object]:
        fields = [problem for problem in self.problems if problem.field]
        return {
            "code": phrase.upper().replace(" ", "_"),
            "message": "; ".join(self.messages),
            "requestID": str(uuid4()),
            "fieldErrors": [{"field": each.field, "message": each.message} for each in fields],
        }


def judge(
    headers: Mapping[str, str],
    body: bytes,
    *,
    key: str,
    behaviour: Behaviour = STRICT,
    inventory: Inventory | None = None,
) -> Event | Rejection:
    """Return the event that a request states, or why the API refuses it.

    The names in `headers` are lower-case, or the mapping ignores case. A body that is too long may
    be cut off anywhere behind that.
    """
    if refusal := check_key(headers, key):
        return refusal
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        return Rejection.because(415, "the header Content-Type must be application/json")
    if headers.get("content-encoding", "identity").lower() != "identity":
        return Rejection.because(415, "the body must come as it is, without a Content-Encoding")
    if len(body) > behaviour.longest_body:
        return Rejection.because(413, f"the body has more than {behaviour.longest_body} bytes")
    try:
        event = Event.model_validate_json(read_as(behaviour, body))
    except ValidationError as error:
        return Rejection(400, problems(error))
    refused = tuple(_refused_by_switch(event, behaviour, inventory))
    return Rejection(400, refused) if refused else event


def _refused_by_switch(
    event: Event, behaviour: Behaviour, inventory: Inventory | None
) -> Iterator[Problem]:
    if behaviour.event_type == "30" and len(event.eventType) > SHORT_EVENT_TYPE:
        yield Problem(f"eventType must have at most {SHORT_EVENT_TYPE} characters", "eventType")
    if behaviour.unknown_names == "refused" and inventory is not None:
        for field in unknown(inventory, event.scope.model_dump()):
            yield Problem(f"{field} names what this account does not have", field)


def check_key(headers: Mapping[str, str], key: str) -> Rejection | None:
    """Return the refusal of a missing or wrong `x-api-key`, or None if it is right."""
    given = headers.get("x-api-key")
    if given is None:
        return Rejection.because(403, "the header x-api-key is missing")
    if not hmac.compare_digest(given.encode(errors="surrogateescape"), key.encode()):
        return Rejection.because(403, "the x-api-key is not a key of this account")
    return None


def advisory(event: Event) -> str | None:
    """Return what is allowed in this event, but unwise."""
    if len(event.eventType) > SHORT_EVENT_TYPE:
        return f"the API's OpenAPI document allows an eventType {SHORT_EVENT_TYPE} characters"
    return None


def explain(error: ValidationError) -> tuple[str, ...]:
    """Say in one line each what is wrong, and what to write instead; values are never quoted."""
    return tuple(problem.message for problem in problems(error))


def problems(error: ValidationError) -> tuple[Problem, ...]:
    """Return the same, each with the key that it is about."""
    return tuple(
        Problem(_explain_one(one), ".".join(map(str, one["loc"])))
        for one in error.errors(include_url=False)
    )


_TEXTS = {
    "json_invalid": "is not JSON: {error}",
    "missing": "is required",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be an empty list; leave the key out instead",
    "literal_error": "must be {expected}, in this very spelling",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number, and not as large",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "none_fits": "{words}",
    "string_pattern_mismatch": "must be what an HTTP header can hold",
}

_MISPLACED: dict[tuple[int | str, ...], str] = {
    ("scope", "serviceNames"): "is not a key of the API: it is spelt servicesNames",
    ("serviceNames",): "is not a key of the API: it is spelt servicesNames, and stands in scope",
    ("servicesNames",): "stands in the wrong place: move it into scope",
    ("clusters",): "stands in the wrong place: move it into scope",
    ("namespaces",): "stands in the wrong place: move it into scope",
}


def _where(place: tuple[int | str, ...]) -> str:
    if place[-1:] == ("[key]",):
        return f"the name {place[-2]!r}"
    return ".".join(map(str, place)) or "the body"


def _explain_one(error: ErrorDetails) -> str:
    where = _where(error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where} {_MISPLACED.get(error['loc'], 'is not a known key')}"
    context = error.get("ctx", {})
    if (text := _TEXTS.get(error["type"])) is None:
        return f"{where}: {context.get('error', error['msg'])}"
    # A null that says "must be a string" sends people looking for quotes.
    hint = ", not null; an optional key is left out instead" if error["input"] is None else ""
    return f"{where} {text.format(**context)}{hint}"
