"""What the API's documents leave open, as switches: nobody here knows what the real server does.

The defaults take what the documents show and nothing else, so that what passes here is a
documented payload; each switch says where its readings come from. Pure: a body goes in as it was
sent, and comes out as the strict contract has to take it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

#: Characters of an event type that the shorter of the two documented bounds allows.
SHORT_EVENT_TYPE = 30

ErrorShape = Literal["first", "second", "none"]


class Behaviour(BaseModel):
    """How the switches stand."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )

    event_type: Annotated[
        Literal["60", "30", "30 cut"],
        Field(
            title="Longest event type",
            description="60 characters, says the documentation of custom events. 30, says the "
            "vendor's OpenAPI document (maxLength), so a longer one may be refused; and both of "
            "the vendor's adapters for Alertmanager cut at 30, so it may be cut.",
        ),
    ] = "60"
    unknown_keys: Annotated[
        Literal["refused", "ignored"],
        Field(
            title="Unknown keys",
            description="No document says. Ignored, a misspelt scope widens the event in silence.",
        ),
    ] = "refused"
    details: Annotated[
        Literal["strings", "any value"],
        Field(
            title="Values of details",
            description="The documents show strings. None says what becomes of other values.",
        ),
    ] = "strings"
    empty_lists: Annotated[
        Literal["refused", "not narrowed"],
        Field(
            title="Empty lists in a scope",
            description="No document says whether [] is refused, or narrows nothing.",
        ),
    ] = "refused"
    unknown_names: Annotated[
        Literal["taken", "refused"],
        Field(
            title="Clusters and services that do not exist",
            description="No document says. They can be refused once an inventory says what exists.",
        ),
    ] = "taken"
    error_shape: Annotated[
        ErrorShape,
        Field(
            title="Shape of an error",
            description="Errors of this path are not documented. Two shapes exist elsewhere on "
            "this API: {statusCode, message, error} (first), and {error: {code, message, "
            "requestID, fieldErrors}} (second), which the newer path for events has. None is an "
            "empty body.",
        ),
    ] = "first"
    longest_body: Annotated[
        int,
        Field(
            ge=1,
            title="Longest body, in bytes",
            description="No document says; a mebibyte is a guess.",
        ),
    ] = 1024 * 1024


def switches() -> list[dict[str, Any]]:
    """Every switch as a page can draw it; `values` is null where any number is one."""
    return [
        {
            "name": to_camel(name),
            "title": field.title,
            "values": list(get_args(field.annotation)) or None,
            "default": field.default,
            "source": field.description,
        }
        for name, field in Behaviour.model_fields.items()
    ]


def read_as(behaviour: Behaviour, body: bytes) -> bytes:
    """The body that the strict contract sees in this one's place."""
    if behaviour == Behaviour():
        return body
    try:
        event = json.loads(body.decode())  # bytes would be taken in any encoding
        if not isinstance(event, dict):
            return body
        return json.dumps(_read_as(behaviour, event)).encode()
    except (ValueError, RecursionError):
        return body


def _read_as(behaviour: Behaviour, event: dict[str, Any]) -> dict[str, Any]:
    read = dict(event)
    if behaviour.unknown_keys == "ignored":
        read = _known(read)
    if behaviour.event_type == "30 cut" and isinstance(read.get("eventType"), str):
        read["eventType"] = read["eventType"][:SHORT_EVENT_TYPE]
    if behaviour.details == "any value" and isinstance(read.get("details"), dict):
        read["details"] = {key: _text(value) for key, value in read["details"].items()}
    if behaviour.empty_lists == "not narrowed":
        read = _narrowed(read, lambda _, names: names != [])
    return read


_KEYS = frozenset({"eventType", "summary", "scope", "severity", "details"})
_SCOPE_KEYS = frozenset({"clusters", "servicesNames", "namespaces"})


def _known(event: dict[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in event.items() if key in _KEYS}
    return _narrowed(known, lambda key, _: key in _SCOPE_KEYS)


def _narrowed(event: dict[str, Any], by: Callable[[str, Any], bool]) -> dict[str, Any]:
    """The event with this part of its scope; one of which nothing is left narrows nothing."""
    scope = event.get("scope")
    if not isinstance(scope, dict) or not scope:
        return event
    left = {key: names for key, names in scope.items() if by(key, names)}
    rest = {key: value for key, value in event.items() if key != "scope"}
    return {**event, "scope": left} if left else rest


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
