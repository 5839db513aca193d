"""What users read: `status`, as the CRD has it, and the words in it.

One condition, `Delivered`, and no other: `Ready`, `Reconciling`, `Stalled` or a top-level
`observedGeneration` would let kstatus hold up a release over a timeline.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from customevents.resource.times import read_time

#: The most that a count of the status can be, as the CRD bounds it.
MOST = 2**31 - 1


class State(StrEnum):
    """Where a delivery stands (`status.delivery.state`, selectable)."""

    PENDING = "Pending"
    DELIVERED = "Delivered"
    RETRYING = "Retrying"
    FAILED = "Failed"
    EXPIRED = "Expired"
    HELD = "Held"
    SUSPENDED = "Suspended"

    @property
    def finished(self) -> bool:
        """Whether nothing more happens without an edit or a resend."""
        return self in (State.DELIVERED, State.FAILED, State.EXPIRED)

    @property
    def condition(self) -> Literal["True", "False", "Unknown"]:
        """The status of the condition `Delivered` in this state."""
        if self is State.DELIVERED:
            return "True"
        return "Unknown" if self in (State.PENDING, State.SUSPENDED) else "False"


class OutcomeClass(StrEnum):
    """What is known after an attempt."""

    NOT_SENT = "NotSent"
    NEVER_ARRIVED = "NeverArrived"
    REFUSED_FOR_NOW = "RefusedForNow"
    ENDPOINT_LEVEL = "EndpointLevel"
    REFUSED = "Refused"
    UNKNOWN = "Unknown"
    SUCCESS = "Success"


class Reason(StrEnum):
    """Why the condition `Delivered` is as it is; each is explained in docs/troubleshooting.md."""

    #: Not tried yet.
    PENDING = "Pending"
    #: A 2xx answer was read.
    DELIVERED = "Delivered"
    #: `spec.suspend` is set; `status.resolved` shows what would be sent.
    SUSPENDED = "Suspended"
    #: The operator's setting `delivery.paused` is on.
    OPERATOR_PAUSED = "OperatorPaused"
    #: Nothing was sent: the operator has no usable key.
    NOT_SENT = "NotSent"
    #: The request never reached the events API.
    NEVER_ARRIVED = "NeverArrived"
    #: The events API asked to come back later.
    REFUSED_FOR_NOW = "RefusedForNow"
    #: Nothing is sent to the endpoint for now: it refused the key, is down, or asked for a pause.
    ENDPOINT_PAUSED = "EndpointPaused"
    #: The key or the endpoint is wrong: no event can be delivered until that is mended.
    ENDPOINT_LEVEL = "EndpointLevel"
    #: The events API refused this event for good.
    REFUSED = "Refused"
    #: The answer was lost: the event may or may not be on the timeline.
    UNKNOWN_OUTCOME = "UnknownOutcome"
    #: Not delivered within `deliveryDeadlineSeconds`.
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    #: The schema in the cluster let something through that cannot be sent.
    INVALID = "Invalid"
    #: The cluster's name is needed for the scope, and nobody knows it.
    CLUSTER_NAME_UNKNOWN = "ClusterNameUnknown"
    #: The selector matches no workload.
    NO_SERVICES_MATCH = "NoServicesMatch"
    #: The selector matches more workloads than one event can name.
    TOO_MANY_SERVICES = "TooManyServices"
    #: The workloads that decide the scope cannot be listed.
    SERVICES_UNKNOWN = "ServicesUnknown"
    #: The scope reaches further than the operator's settings allow from this namespace.
    SCOPE_NOT_ALLOWED = "ScopeNotAllowed"
    #: A backup brought the object back, and its status does not say whether it was told.
    RESTORED_FROM_BACKUP = "RestoredFromBackup"
    #: The operator tripped over this very event: a defect of its own, described in its log.
    INTERNAL_ERROR = "InternalError"


#: What `lastOutcome` holds of a refusal.
MOST_FIELDS, LONGEST_FIELD = 8, 64


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_seconds(time: datetime) -> str:
    """A time as Kubernetes' conditions have it: UTC, whole seconds."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _counted(said: object) -> int:
    """A count; planted at the end of what can be written, it would leave no room to go on."""
    if not isinstance(said, int) or said < 0:
        return 0
    return said if said < MOST // 2 else MOST // 4


def _answered(said: object) -> int | None:
    """An HTTP status code."""
    return said if isinstance(said, int) and 100 <= said <= 999 else None


def _names(said: object) -> tuple[str, ...] | None:
    """A few names of fields."""
    if not isinstance(said, list | tuple):
        return None
    names = (name[:LONGEST_FIELD] for name in said[:MOST_FIELDS] if isinstance(name, str))
    return tuple(names) or None


def _request(said: object) -> str | None:
    """The name of a request."""
    return said[:LONGEST_FIELD] if isinstance(said, str) and said else None


def _counted_if_said(said: object) -> int | None:
    return None if said is None else _counted(said)


# Whoever may write a status may plant in it what no operator wrote. What is only reckoned with is
# forgiven, so that it stops nothing: a time that cannot be one is none, a count is brought into
# bounds. All else makes the status unreadable.
Time = Annotated[
    datetime | None,
    BeforeValidator(read_time),
    PlainSerializer(_rfc3339, return_type=str, when_used="unless-none"),
]
Count = Annotated[int, BeforeValidator(_counted)]
CountIfSaid = Annotated[int | None, BeforeValidator(_counted_if_said)]


_CONFIG = ConfigDict(alias_generator=to_camel, extra="ignore", validate_by_name=True)


class _Model(BaseModel):
    model_config = _CONFIG | ConfigDict(frozen=True)


# What transitions change are dataclasses: of `replace` mypy knows the fields, of `model_copy` not.


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class LastOutcome:
    """How the last attempt ended: its class, and the HTTP status code if an answer was read."""

    outcome_class: Annotated[OutcomeClass, Field(alias="class")] = OutcomeClass.UNKNOWN
    code: Annotated[int | None, BeforeValidator(_answered)] = None
    #: After a refusal: which keys of the body it names, and what the server calls the request.
    fields: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    request_id: Annotated[str | None, BeforeValidator(_request)] = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class DeliveryRecord:
    """The receipt: what was sent under which id, how often, and what became of it."""

    state: State = State.PENDING
    id: str = ""
    sequence: Count = 0
    content_hash: str = ""
    resend: str = ""
    resend_time: Time = None
    attempts: Count = 0
    unknown_outcomes: Count = 0
    last_attempt_time: Time = None
    next_attempt_time: Time = None
    finished_time: Time = None
    last_outcome: LastOutcome | None = None

    @property
    def essence(self) -> DeliveryRecord:
        """What must be on the object, so that nothing is sent again."""
        return DeliveryRecord(
            state=self.state,
            id=self.id,
            content_hash=self.content_hash,
            resend=self.resend,
            sequence=self.sequence,
            attempts=self.attempts,
            unknown_outcomes=self.unknown_outcomes,
        )


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class ResolvedScope:
    """What is sent, after the cluster filled in what the author left out; absent = not narrowed."""

    endpoint: str = ""
    severity: str = ""
    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    service_names: tuple[str, ...] = ()
    reach: str = ""
    sources: dict[str, str] = Field(default_factory=dict)
    matching_services: CountIfSaid = None


class Condition(_Model):
    """The condition `Delivered`; the schema default gives it no times and no generation."""

    type: str = "Delivered"
    status: Literal["True", "False", "Unknown"] = "Unknown"
    reason: str = Reason.PENDING.value
    message: str = ""
    observed_generation: CountIfSaid = None
    last_transition_time: str | None = None


class Status(_Model):
    """The whole of `status`: the operator owns it and writes it at once."""

    conditions: tuple[Condition, ...] = ()
    delivery: DeliveryRecord = DeliveryRecord()
    resolved: ResolvedScope | None = None

    @property
    def delivered(self) -> Condition:
        """The one condition; a fresh one where an object has none."""
        return next((c for c in self.conditions if c.type == "Delivered"), Condition())

    def to_json(self) -> dict[str, Any]:
        """The status as it is written: no nulls, no empty lists or maps."""
        whole = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {
            key: _without_empty(part) if isinstance(part, dict) else part
            for key, part in whole.items()
        }


def _without_empty(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if value not in ([], {}, "")}
