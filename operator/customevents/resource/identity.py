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
from typing import Any

from customevents.resource.spec import CustomEventSpec, LabelSelector, Scope, Severity

#: The namespace of all delivery ids: fixed for ever.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "customevents.dev")


def content_hash(spec: CustomEventSpec) -> str:
    """`v1:` and the SHA-256 over the canonical JSON of what would be told on the timeline."""
    text = json.dumps(_content(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "v1:" + hashlib.sha256(text.encode()).hexdigest()


def delivery_id(uid: str, content: str, resend: str, sequence: int) -> str:
    """The id of one telling of one content: a UUIDv5, the same whoever computes it."""
    return str(uuid.uuid5(NAMESPACE, json.dumps([uid, content, resend, sequence])))


def _content(spec: CustomEventSpec) -> dict[str, Any]:
    severity = spec.canonical_severity
    return _present(
        eventType=spec.event_type,
        summary=spec.summary,
        severity=None if severity is Severity.INFORMATION else severity.value,
        details=spec.details,
        occurredAt=_time(spec.occurred_at),
        scope=_scope(spec.scope),
    )


def _scope(scope: Scope | None) -> dict[str, Any] | None:
    if scope is None:
        return None
    return _present(
        level=scope.level and scope.level.value,
        clusters=_set(scope.clusters),
        namespaces=_set(scope.namespaces),
        serviceNames=_set(scope.service_names),
        serviceSelector=_selector(scope.service_selector),
    )


def _selector(selector: LabelSelector | None) -> dict[str, Any] | None:
    if selector is None:
        return None
    expressions = {
        json.dumps(_present(key=e.key, operator=e.operator, values=_set(e.values)), sort_keys=True)
        for e in selector.match_expressions
    }
    return _present(
        matchLabels=selector.match_labels,
        matchExpressions=[json.loads(expression) for expression in sorted(expressions)],
    )


def _present(**fields: Any) -> dict[str, Any]:
    """Absent, default and empty are the same content."""
    return {name: value for name, value in fields.items() if value}


def _set(names: tuple[str, ...] | None) -> list[str]:
    return sorted(set(names or ()))


def _time(time: datetime | None) -> str | None:
    if time is None:
        return None
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
