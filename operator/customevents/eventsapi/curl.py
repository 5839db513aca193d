"""The way back: the body that a curl user sends to the events API, as the spec of a CustomEvent.

The API reads what is left out as "all of them", a CustomEvent as "this one". So a level is written
down for what the body does not name, and said aloud: the event reaches as far as it would have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from customevents.resource.errors import InvalidBody
from customevents.resource.spec import Level

FIELDS = ("eventType", "summary", "scope", "severity", "details")
LISTS = {"clusters": "clusters", "namespaces": "namespaces", "servicesNames": "serviceNames"}

#: A slip in the table of the API's documentation. The API ignores it, and tells everybody.
SLIP = "serviceNames"


@dataclass(frozen=True)
class Translation:
    """A spec, and what its author should know about it: a line each."""

    spec: dict[str, Any]
    remarks: tuple[str, ...] = ()


def translate(text: str) -> Translation:
    """Read a body of `POST /mgmt/v1/events`. Raises InvalidBody."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise InvalidBody(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise InvalidBody("the body is nested more deeply than any event is") from None
    given = _known(body, FIELDS, "the body")
    named = _known(given.pop("scope", {}), (*LISTS, SLIP), "scope")
    scope = _scope(named)
    level = _level(scope)
    remarks = [_IGNORED] if SLIP in named else []
    if level is not None:
        remarks.append(_wide(level, scope))
        scope["level"] = level.value
    return Translation({**given, "scope": scope}, tuple(remarks))


def _known(part: Any, fields: tuple[str, ...], where: str) -> dict[str, Any]:
    """What is said in a part of the body; null and an empty list say nothing."""
    if not isinstance(part, dict):
        raise InvalidBody(f"{where} must be a JSON object")
    if unknown := [name for name in part if name not in fields]:
        raise InvalidBody(f"{where} must not have {unknown[0]!r}: it knows {', '.join(fields)}")
    return {name: value for name, value in part.items() if value not in (None, [], {})}


def _scope(named: dict[str, Any]) -> dict[str, Any]:
    if SLIP in named and "servicesNames" in named:
        raise InvalidBody(f"scope must not have both servicesNames and {SLIP}: keep the first")
    return {LISTS.get(name, name): value for name, value in named.items()}


def _level(scope: dict[str, Any]) -> Level | None:
    if "clusters" not in scope:
        return Level.ACCOUNT
    return None if "namespaces" in scope else Level.CLUSTER


_IGNORED = f"the API spells it servicesNames; it would have ignored {SLIP}, and told all services"


def _wide(level: Level, scope: dict[str, Any]) -> str:
    if not scope:
        return "the body has no scope: this is about ALL services of the account (level: Account)"
    if level is Level.ACCOUNT:
        return "the body names no clusters: this is about all of the account's (level: Account)"
    return "the body names no namespaces: this is about all of these clusters' (level: Cluster)"
