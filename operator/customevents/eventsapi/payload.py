"""The body of `POST /mgmt/v1/events`, in the documented spellings.

The list of services is `servicesNames`; `serviceNames` would be ignored and silently widen the
event. Absent keys are left out: never null, never an empty list.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from customevents.resource.event import CustomEvent
from customevents.resource.matching import Reach
from customevents.resource.spec import CustomEventSpec

EVENTS_PATH = "/mgmt/v1/events"
VALIDATE_PATH = "/api/v2/apikey/validate"
CLUSTERS_PATH = "/api/v2/clusters"
KEY_HEADER = "x-api-key"


def build_body(
    spec: CustomEventSpec, reach: Reach, provenance: dict[str, str] | None = None
) -> dict[str, Any]:
    """The JSON body for an event with this reach; provenance goes into the details."""
    body: dict[str, Any] = {
        "eventType": spec.event_type,
        "summary": spec.summary,
        "severity": spec.canonical_severity.value,
    }
    scope = _scope(reach)
    if scope:
        body["scope"] = scope
    details = {**spec.details, **(provenance or {})}
    if details:
        body["details"] = details
    return body


def provenance(event: CustomEvent, spec: CustomEventSpec, delivery_id: str) -> dict[str, str]:
    """Where an event comes from, under keys that authors cannot write.

    The delivery id makes a duplicate visible to people; the API stamps only the time of receipt, so
    the time at which it happened stands here.
    """
    happened = spec.occurred_at or event.changed
    return {
        "customevents.dev/source": event.path,
        "customevents.dev/id": delivery_id,
        "customevents.dev/occurredAt": happened.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def _scope(reach: Reach) -> dict[str, list[str]]:
    lists = {
        "clusters": reach.clusters,
        "servicesNames": reach.services,
        "namespaces": reach.namespaces,
    }
    return {name: list(values) for name, values in lists.items() if values}
