"""What users write: `spec`, as the CRD has it.

The CRD is the source of truth, and the API server the first to check it. These models mirror it, so
that the rest of the code has names and types; a contract test walks both together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel

from customevents.resource import names, wording
from customevents.resource.errors import InvalidSpec

#: Keys of `details` that the operator writes itself, so that they cannot be forged.
RESERVED_DETAILS = frozenset(
    {"customevents.dev/source", "customevents.dev/id", "customevents.dev/occurredAt"}
)

#: Characters of an eventType that the API allows by all of its documents: one of them says 60.
LONGEST_SAFE_TYPE = 30

#: Characters of an error's text; `status.conditions[].message` holds 4096.
LONGEST_MESSAGE = 1000

#: Characters of a cluster's or a service's name.
LONGEST_NAME = 253

#: Seconds: what an int32 holds. Older schemas let in more, which counts as this.
LONGEST_TTL = 2**31 - 1

#: The context of a validation that reads what a user wrote, and not what the cluster stores: there
#: is nothing to forgive yet, so all is refused that the API server refuses.
WRITTEN = object()

_NOT_PLAIN = re.compile(r"[*,\x00-\x1f\x7f-\x9f]|^\s|\s$")

#: The form of a time that the API server takes; pydantic takes more.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def is_plain(name: str) -> bool:
    """Whether the events API would read it as one name."""
    return bool(name) and not _NOT_PLAIN.search(name)


def plain(name: str) -> str:
    """The name itself. Raises ValueError if the events API would not read it as one name."""
    if _NOT_PLAIN.search(name):
        raise ValueError("must be a plain name: no '*', comma, or blank at either end")
    return name


def _free(key: str) -> str:
    if key in RESERVED_DETAILS:
        raise ValueError(f"must not name {key}: the operator writes it itself")
    return key


def _capped(seconds: object, info: ValidationInfo) -> object:
    if _is_written(info) or not isinstance(seconds, int):
        return seconds
    return min(seconds, LONGEST_TTL)


def _is_written(info: ValidationInfo) -> bool:
    return info.context is WRITTEN


def _digits(value: object, info: ValidationInfo) -> object:
    """An integer, as older schemas let it in, is the string of its digits."""
    is_stored = isinstance(value, int) and not isinstance(value, bool) and not _is_written(info)
    return str(value) if is_stored else value


def _timely(value: object, info: ValidationInfo) -> object:
    if not _is_written(info) or not isinstance(value, str):
        return value
    if _TIME.fullmatch(value):
        with suppress(ValueError):  # the 30th of February
            return datetime.fromisoformat(value)
    raise ValueError("must be a time with its zone, such as 2026-01-31T12:00:00Z")


def _like(is_right: Callable[[object], bool], words: str) -> AfterValidator:
    """What a user may write; what is stored is taken as it is."""

    def check(value: str, info: ValidationInfo) -> str:
        if _is_written(info) and not is_right(value):
            raise ValueError(f"must be {words}")
        return value

    return AfterValidator(check)


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_NAME), AfterValidator(plain)
]
WorkloadName = Annotated[
    Name,
    _like(names.is_object, "the name of one workload: lower-case letters, digits, '-' and '.'"),
]
NamespaceName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=63),
    AfterValidator(plain),
    _like(names.is_namespace, "the name of one namespace: lower-case letters, digits and '-'"),
]
LabelKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=317),
    _like(names.is_label_key, "a label's key, such as app or app.kubernetes.io/name"),
]
LabelValue = Annotated[
    str,
    StringConstraints(min_length=1, max_length=63),
    _like(names.is_label_value, "a label's value: letters, digits, '-', '_' and '.'"),
]
DetailKey = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_free)]
DetailText = Annotated[
    str, StringConstraints(min_length=1, max_length=1024), BeforeValidator(_digits)
]


class Level(StrEnum):
    """How wide a scope is where it names nothing."""

    NAMESPACE = "Namespace"
    CLUSTER = "Cluster"
    ACCOUNT = "Account"


class Severity(StrEnum):
    """The API's own spellings (documentation of `POST /mgmt/v1/events`)."""

    INFORMATION = "information"
    WARNING = "warning"
    ERROR = "error"


class UnknownOutcomePolicy(StrEnum):
    """What follows when nobody can say whether an attempt arrived."""

    RETRY = "Retry"
    HOLD = "Hold"


class _Model(BaseModel):
    # A field that a newer CRD knows and we do not is no reason to refuse the event.
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class SelectorRequirement(_Model):
    """One entry of a LabelSelector's `matchExpressions`."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Annotated[tuple[LabelValue, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _compares_with_values_or_none(self, info: ValidationInfo) -> SelectorRequirement:
        if _is_written(info) and (self.operator in ("In", "NotIn")) != bool(self.values):
            raise ValueError(
                "must have values with the operators In and NotIn, and none with the others"
            )
        return self


class LabelSelector(_Model):
    """A Kubernetes LabelSelector that selects something."""

    match_labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=20)] = Field(
        default_factory=dict
    )
    match_expressions: Annotated[tuple[SelectorRequirement, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _selects_something(self) -> LabelSelector:
        if not self.match_labels and not self.match_expressions:
            raise ValueError("must select by at least one label")
        return self


class Scope(_Model):
    """Which services the event is about; what is not named is filled in from the cluster."""

    level: Level | None = None
    clusters: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)] | None = None
    namespaces: Annotated[tuple[NamespaceName, ...], Field(min_length=1, max_length=50)] | None = (
        None
    )
    service_names: (
        Annotated[tuple[WorkloadName, ...], Field(min_length=1, max_length=200)] | None
    ) = None
    service_selector: LabelSelector | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Scope:
        if not self.model_fields_set:
            raise ValueError("must name something: a misspelt field may have been dropped")
        return self

    @model_validator(mode="after")
    def _selects_in_one_namespace(self) -> Scope:
        # The API ANDs its lists: names found in two namespaces would also hit their cross product.
        if self.service_selector is None:
            return self
        wide = self.level not in (None, Level.NAMESPACE) or len(self.namespaces or ()) > 1
        if wide or self.clusters is not None or self.service_names is not None:
            raise ValueError("must have serviceSelector alone, or with one namespace")
        return self


class CustomEventSpec(_Model):
    """A custom event as its author wrote it."""

    event_type: Annotated[
        str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
    ]
    summary: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    severity: Literal["Info", "Warning", "Error", "info", "information", "warning", "error"] = (
        "Info"
    )
    details: Annotated[dict[DetailKey, DetailText], Field(max_length=64)] = Field(
        default_factory=dict
    )
    scope: Scope | None = None
    # The bounds keep all arithmetic with it within what a datetime can hold.
    occurred_at: (
        Annotated[
            AwareDatetime,
            Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC)),
            BeforeValidator(_timely),
        ]
        | None
    ) = None
    suspend: bool = False
    on_unknown_outcome: UnknownOutcomePolicy | None = None
    delivery_deadline_seconds: Annotated[int, Field(ge=60, le=604800)] | None = None
    ttl_seconds_after_finished: (
        Annotated[int, Field(ge=0, le=LONGEST_TTL), BeforeValidator(_capped)] | None
    ) = None

    @property
    def canonical_severity(self) -> Severity:
        """The severity in the API's own spelling."""
        lower = self.severity.lower()
        return Severity.INFORMATION if lower == "info" else Severity(lower)


def parse_spec(raw: dict[str, Any]) -> CustomEventSpec:
    """Read a spec as the API server stores it.

    Raises InvalidSpec, in one line, if the schema in the cluster let something through.
    """
    try:
        return CustomEventSpec.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        words = f"{wording.where('spec', first['loc'])} {wording.words(first)}"
        # A key of the author's may stand in it, of any length and on any number of lines.
        raise InvalidSpec(" ".join(words.split())[:LONGEST_MESSAGE]) from None


def advice(event_type: str) -> str:
    """What to do about a type that is taken here and may be refused later; empty: nothing."""
    if len(event_type) <= LONGEST_SAFE_TYPE:
        return ""
    return (
        f"spec.eventType has {len(event_type)} characters, and of more than {LONGEST_SAFE_TYPE} "
        "the events API may refuse or cut it: use a short, fixed word, and put the rest into "
        "spec.summary or spec.details"
    )
