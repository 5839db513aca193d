"""The documented contract of the events API, as an oracle of its own.

Pure: headers and bytes go in, an event or a documented refusal comes out. It shares no model with
the code that writes the payload, because a slip made there would be waved through here.

Source: https://docs.komodor.com/Integrations/CustomEvents.html and the vendor's OpenAPI document.
Where they are silent (the text of errors, the size of a body) this is stricter than generous: a
payload that passes here is a documented one.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

MAX_BODY = 1024 * 1024
"""The largest accepted body, in bytes. The real limit is undocumented."""

COMFORTABLE_EVENT_TYPE = 30
"""Characters of an event type above which an answer carries an advisory: 60 are allowed."""

Name = Annotated[str, StringConstraints(min_length=1)]
Names = Annotated[list[Name], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Scope(_Strict):
    """The services an event is about. An absent list does not narrow; it is never null or []."""

    clusters: Names = Field(default_factory=list)
    servicesNames: Names = Field(default_factory=list)  # noqa: N815 - the API's spelling
    namespaces: Names = Field(default_factory=list)


def _narrows(scope: Scope) -> Scope:
    if not scope.model_fields_set:
        raise PydanticCustomError("empty_scope", "must name something; leave scope out instead")
    return scope


class Event(_Strict):
    """The body of `POST /mgmt/v1/events`."""

    eventType: Annotated[str, StringConstraints(min_length=1, max_length=60)]  # noqa: N815
    summary: Name
    scope: Annotated[Scope, AfterValidator(_narrows)] = Scope()
    severity: Literal["information", "warning", "error"] = "information"
    details: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """A request that the API refuses, with every reason at once."""

    status: int
    messages: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """Return the error body in the shape that the API's other paths use."""
        return {
            "statusCode": self.status,
            "message": list(self.messages),
            "error": HTTPStatus(self.status).phrase,
        }


def judge(headers: Mapping[str, str], body: bytes, *, key: str) -> Event | Refusal:
    """Return the event that a request states, or why the API refuses it.

    The names in `headers` are lower-case, or the mapping ignores case. A body longer than MAX_BODY
    may be cut off anywhere behind that.
    """
    if refusal := check_key(headers, key):
        return refusal
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        return Refusal(415, ("the header Content-Type must be application/json",))
    if headers.get("content-encoding", "identity").lower() != "identity":
        return Refusal(415, ("the body must come as it is, without a Content-Encoding",))
    if len(body) > MAX_BODY:
        return Refusal(413, (f"the body has more than {MAX_BODY} bytes",))
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        return Refusal(400, explain(error))


def check_key(headers: Mapping[str, str], key: str) -> Refusal | None:
    """Return the refusal of a missing or wrong `x-api-key`, or None if it is right."""
    given = headers.get("x-api-key")
    if given is None:
        return Refusal(403, ("the header x-api-key is missing",))
    if not hmac.compare_digest(given.encode(errors="surrogateescape"), key.encode()):
        return Refusal(403, ("the x-api-key is not a key of this account",))
    return None


def advisory(event: Event) -> str | None:
    """Return what is allowed in this event, but unwise."""
    if len(event.eventType) > COMFORTABLE_EVENT_TYPE:
        return f"eventType has more than {COMFORTABLE_EVENT_TYPE} characters; lists cut it off"
    return None


def explain(error: ValidationError) -> tuple[str, ...]:
    """Say in one line each what is wrong, and what to write instead; values are never quoted."""
    return tuple(_explain_one(one) for one in error.errors(include_url=False))


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
}

_MISPLACED: dict[tuple[int | str, ...], str] = {
    ("scope", "serviceNames"): "is not a key of the API: it is spelt servicesNames",
    ("serviceNames",): "is not a key of the API: it is spelt servicesNames, and stands in scope",
    ("servicesNames",): "stands in the wrong place: move it into scope",
    ("clusters",): "stands in the wrong place: move it into scope",
    ("namespaces",): "stands in the wrong place: move it into scope",
}


def _explain_one(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the body"
    if error["type"] == "extra_forbidden":
        return f"{where} {_MISPLACED.get(error['loc'], 'is not a known key')}"
    context = error.get("ctx", {})
    if (text := _TEXTS.get(error["type"])) is None:
        return f"{where}: {context.get('error', error['msg'])}"
    # A null that says "must be a string" sends people looking for quotes.
    hint = ", not null; an optional key is left out instead" if error["input"] is None else ""
    return f"{where} {text.format(**context)}{hint}"
