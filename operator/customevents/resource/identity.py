"""Which content an event has, and the id under which it is sent.

Two rules make an upgrade of the operator never send anything again: the hash covers only what the
author wrote (a field that a newer CRD fills with a default must not change it), and its form has a
version. Golden values are a contract test.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel

from customevents.resource.errors import InvalidSpec
from customevents.resource.spec import CustomEventSpec, Severity, parse_spec

#: The namespace of all delivery ids: fixed for ever.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "customevents.dev")

#: How an event is delivered, and not what is told: an edit of these sends nothing. Whatever else
#: stands in a spec is content, also what is added to it later: an edit of that is never lost.
NOT_CONTENT = frozenset(
    {
        "suspend",
        "on_unknown_outcome",
        "delivery_deadline_seconds",
        "ttl_seconds_after_finished",
    }
)


def content_hash(spec: CustomEventSpec) -> str:
    """`v1:` and the SHA-256 over the canonical JSON of what would be told on the timeline."""
    text = json.dumps(_content(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "v1:" + hashlib.sha256(text.encode()).hexdigest()


def content_of(spec: dict[str, Any]) -> str:
    """The hash of a spec as stored; empty if that cannot be read, and so is never sent."""
    try:
        return content_hash(parse_spec(spec))
    except InvalidSpec:
        return ""


def same_content(recorded: str, content: str) -> bool:
    """Whether a recorded hash is that of this content."""
    # A hash of a version that we do not know is believed: an upgrade must never send again.
    return recorded == content or not recorded.startswith("v1:")


def delivery_id(uid: str, content: str, resend: str, sequence: int) -> str:
    """The id of one telling of one content: a UUIDv5, the same whoever computes it."""
    return str(uuid.uuid5(NAMESPACE, json.dumps([uid, content, resend, sequence])))


def _content(spec: CustomEventSpec) -> dict[str, Any]:
    content = _fields(spec, but=NOT_CONTENT)
    content.pop("severity", None)  # it has more than one spelling, also of the default
    if spec.canonical_severity is not Severity.INFORMATION:
        content["severity"] = spec.canonical_severity.value
    return content


def _fields(model: BaseModel, *, but: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A model's fields in the author's spelling: absent, default and empty are the same content."""
    found = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name in but or value == field.get_default(call_default_factory=True):
            continue
        canonical = _canonical(value)
        if canonical not in (None, "", [], {}):
            found[field.alias or name] = canonical
    return found


def _canonical(value: Any) -> Any:
    """A value in the one form that its content has, however it was written."""
    match value:
        case BaseModel():
            return _fields(value)
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case tuple():  # the API and Kubernetes read each list as a set
            items = {_order(item): item for item in map(_canonical, value)}
            return [items[key] for key in sorted(items)]
        case _:
            return value


def _order(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)
