"""Objects of the cluster as the tests need them: valid, small, and changed in one place each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from customevents.delivery.lifecycle import Policy, Send, Step, next_step
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.identity import content_hash, delivery_id
from customevents.resource.spec import CustomEventSpec, parse_spec
from customevents.resource.status import DeliveryRecord, State

#: The moment at which all tests take place.
NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)

UID = "7d3c9e5a-8f53-4ab0-9a41-0c6b1d2e3f40"


def later(seconds: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def uptime(self) -> float:
        return (self() - NOW).total_seconds()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def raw_spec(**fields: Any) -> dict[str, Any]:
    """A spec as the API server stores it, with these fields besides the two required ones."""
    return {"eventType": "release", "summary": "checkout 1.4.2 is live", **fields}


def spec(**fields: Any) -> CustomEventSpec:
    """The same, read."""
    return parse_spec(raw_spec(**fields))


def raw_event(
    *,
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """An object as the API server sends it; `metadata` in Kubernetes' spelling."""
    return {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {
            "uid": UID,
            "namespace": "shop",
            "name": "checkout-1-4-2",
            "resourceVersion": "100",
            "generation": 1,
            "creationTimestamp": "2026-05-01T12:00:00Z",
            **metadata,
        },
        "spec": raw_spec() if spec is None else spec,
        "status": {"delivery": {"state": "Pending"}} if status is None else status,
    }


def event(**parts: Any) -> CustomEvent:
    """The same, read."""
    return read_event(raw_event(**parts))


def record(of: CustomEventSpec | None = None, **fields: Any) -> DeliveryRecord:
    """The record of an attempted delivery of this content, in the first sequence."""
    content = content_hash(of or spec())
    known: dict[str, Any] = {
        "state": State.RETRYING,
        "sequence": 1,
        "content_hash": content,
        "attempts": 1,
        **fields,
    }
    sent_as = delivery_id(UID, content, known.get("resend", ""), known["sequence"])
    return DeliveryRecord(**{"id": sent_as, **known})


def recorded(
    delivery: DeliveryRecord,
    *,
    spec: dict[str, Any] | None = None,
    reason: str = "NeverArrived",
    observed: int = 1,
    resend: str = "",
    **metadata: Any,
) -> CustomEvent:
    """An object on which this record stands already."""
    status = {
        "conditions": [
            {
                "type": "Delivered",
                "status": delivery.state.condition,
                "reason": reason,
                "message": "as it was",
                "observedGeneration": observed,
                "lastTransitionTime": "2026-05-01T11:59:00Z",
            }
        ],
        "delivery": delivery.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    if resend:
        metadata["annotations"] = {"customevents.dev/resend": resend}
    return event(spec=spec, status=status, **metadata)


def step(of: CustomEvent, *, at: float = 0, policy: Policy | None = None) -> Step:
    """What is to be done about an object, so many seconds after NOW."""
    return next_step(of, parse_spec(of.spec), policy or Policy(), later(at))


def sent(of: CustomEvent, *, at: float = 0) -> DeliveryRecord:
    """The record of the delivery that is to be attempted."""
    found = step(of, at=at)
    assert isinstance(found, Send), found
    return found.record
