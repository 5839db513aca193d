"""Objects of the cluster as the tests need them: valid, small, and changed in one place each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from customevents.delivery.outcome import Outcome
from customevents.delivery.state import Attempt, Ending, Moment, Policy, Verdict, judged, plan
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.identity import content_hash, delivery_id
from customevents.resource.spec import CustomEventSpec, UnknownOutcomePolicy, parse_spec
from customevents.resource.status import DeliveryRecord, State, Status

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


def stored(delivery: DeliveryRecord) -> dict[str, Any]:
    """A record as it stands on an object."""
    status = Status(delivery=delivery).model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(status["delivery"])


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
        "delivery": stored(delivery),
    }
    if resend:
        metadata["annotations"] = {"customevents.dev/resend": resend}
    return event(spec=spec, status=status, **metadata)


def moment(at: float = 0.0, **policy: Any) -> Moment:
    """So many seconds after NOW, under these settings."""
    return Moment(Policy(**policy), later(at))


def step(of: CustomEvent, *, at: float = 0, policy: Policy | None = None) -> Attempt | Ending:
    """What is to be done about an object, so many seconds after NOW."""
    return plan(of, Moment(policy or Policy(), later(at)))


def sent(of: CustomEvent, *, at: float = 0) -> DeliveryRecord:
    """The record of the delivery that is to be attempted."""
    found = step(of, at=at)
    assert isinstance(found, Attempt), found
    assert found.dry is None
    return found.record


def attempt(of: DeliveryRecord, **policy: Any) -> Attempt:
    """An attempt of this record that may be made now."""
    return Attempt(event(), spec(), of, Policy(**policy))


def after(
    of: DeliveryRecord,
    outcome: Outcome,
    *,
    policy: UnknownOutcomePolicy = UnknownOutcomePolicy.RETRY,
    at: float = 0.0,
    pause: float = 9.0,
) -> Verdict:
    """What an attempt makes of a record; a retry comes after the pause, and no later."""
    made = attempt(of, on_unknown_outcome=policy)
    return judged(made, replace(outcome, pause=pause), Moment(made.policy, later(at)))
