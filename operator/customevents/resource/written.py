"""What a user wrote, in a file or on the command line, read as strictly as the API server does.

Nothing has been stored yet, so nothing is forgiven: a field that the schema does not know may be a
misspelt scope, and left out it would widen the event. What is stored is read by `spec.py` alone.
A test holds this to the answers of a real API server; what only that can know (its policies, its
namespaces, what stands there already) is not known here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from customevents.resource import names, wording
from customevents.resource.errors import InvalidSpec
from customevents.resource.event import GROUP, KIND, VERSION
from customevents.resource.spec import (
    LONGEST_MESSAGE,
    WRITTEN,
    CustomEventSpec,
    LabelSelector,
    Scope,
    SelectorRequirement,
)
from customevents.resource.status import (
    Condition,
    DeliveryRecord,
    LastOutcome,
    ResolvedScope,
    Status,
)

#: Fields that an answer names; a file may hold any number of wrong ones.
MOST = 20

#: Bytes of all annotations of an object, with their names.
LARGEST_ANNOTATIONS = 256 * 1024


def _said(name: object) -> object:
    return None if name == "" else name


def _object_name(name: str) -> str:
    if not names.is_object(name):
        raise ValueError("must be a name of lower-case letters, digits, '-' and '.'")
    return name


def _stem(stem: str) -> str:
    """What the API server puts letters behind."""
    _object_name(f"{stem[:-1]}a" if stem.endswith("-") and len(stem) > 1 else stem)
    return stem


def _namespace(name: str) -> str:
    if not names.is_namespace(name):
        raise ValueError("must be a name of lower-case letters, digits and '-'")
    return name


def _label_key(key: str) -> str:
    if not names.is_label_key(key):
        raise ValueError(f"must have names such as app.kubernetes.io/name: {key!r} can be none")
    return key


def _annotation_key(key: str) -> str:
    _label_key(key.lower())
    return key


def _label_value(value: str) -> str:
    if not names.is_label_value(value):
        raise ValueError("must be a label's value: letters, digits, '-', '_' and '.', at most 63")
    return value


def _taken_together(annotations: dict[str, str]) -> dict[str, str]:
    if sum(len(text.encode()) for pair in annotations.items() for text in pair) > (
        LARGEST_ANNOTATIONS
    ):
        raise ValueError(f"must be at most {LARGEST_ANNOTATIONS} bytes together")
    return annotations


Labels = dict[
    Annotated[str, AfterValidator(_label_key)], Annotated[str, AfterValidator(_label_value)]
]
Annotations = Annotated[
    dict[Annotated[str, AfterValidator(_annotation_key)], str], AfterValidator(_taken_together)
]
Finalizer = Annotated[str, StringConstraints(min_length=1), AfterValidator(_label_key)]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Owner(_Model):
    api_version: Annotated[str, StringConstraints(min_length=1)]
    kind: Annotated[str, StringConstraints(min_length=1)]
    name: Annotated[str, StringConstraints(min_length=1)]
    uid: Annotated[str, StringConstraints(min_length=1)]
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class _Metadata(_Model):
    """Kubernetes' ObjectMeta. What the API server writes itself, it ignores in a file."""

    name: Annotated[Annotated[str, AfterValidator(_object_name)] | None, BeforeValidator(_said)] = (
        None
    )
    generate_name: Annotated[
        Annotated[str, AfterValidator(_stem)] | None, BeforeValidator(_said)
    ] = None
    namespace: Annotated[
        Annotated[str, AfterValidator(_namespace)] | None, BeforeValidator(_said)
    ] = None
    labels: Labels | None = None
    annotations: Annotations | None = None
    finalizers: tuple[Finalizer, ...] | None = None
    owner_references: tuple[_Owner, ...] | None = None
    self_link: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: AwareDatetime | None = None
    deletion_timestamp: AwareDatetime | None = None
    deletion_grace_period_seconds: int | None = None
    managed_fields: tuple[dict[str, Any], ...] | None = None

    @model_validator(mode="after")
    def _is_called_something(self) -> _Metadata:
        if self.name is None and self.generate_name is None:
            raise ValueError("must have a name, or a generateName")
        return self


class _Manifest(_Model):
    """A CustomEvent, as it stands in a file."""

    api_version: str
    kind: str
    metadata: _Metadata
    spec: CustomEventSpec
    status: Any = None


#: The fields that an object can have, by the field that holds it.
_FIELDS: dict[str, type[BaseModel]] = {
    "": _Manifest,
    "metadata": _Metadata,
    "ownerReferences": _Owner,
    "spec": CustomEventSpec,
    "scope": Scope,
    "serviceSelector": LabelSelector,
    "matchExpressions": SelectorRequirement,
}

#: The same of a status.
_STATUS: dict[str, type] = {
    "status": Status,
    "conditions": Condition,
    "delivery": DeliveryRecord,
    "lastOutcome": LastOutcome,
    "resolved": ResolvedScope,
}

#: Where a field may belong that stands elsewhere, and how it is written in full.
_ELSEWHERE = {"spec": "spec.", "scope": "spec.scope.", "metadata": "metadata."}


def is_event(document: Any) -> bool:
    """Whether a document is a CustomEvent of ours. Raises InvalidSpec if it only looks like one."""
    if not isinstance(document, dict):
        return False
    version, kind = document.get("apiVersion"), document.get("kind")
    of_ours = isinstance(version, str) and version.partition("/")[0] == GROUP
    if (version, kind) == (f"{GROUP}/{VERSION}", KIND):
        return True
    if of_ours or kind == KIND:
        raise InvalidSpec(
            f'no matches for kind "{kind}" in version "{version or ""}": '
            f"a {KIND} has apiVersion {GROUP}/{VERSION}"
        )
    return False


def objections(manifest: dict[str, Any]) -> dict[str, str]:
    """Why the API server would refuse a manifest: by a field's place, what it must be."""
    found = list(_errors(_Manifest, manifest, ""))
    # It drops the status that a file gives, but not before it has looked for unknown fields.
    unknown = dict.fromkeys(_unknown(manifest.get("status"), "status", "status"), "is no field")
    return {place: _words(place, error) for place, error in found} | unknown


def check(manifest: dict[str, Any]) -> None:
    """Raises InvalidSpec, in one line that says all, if the API server would refuse a manifest."""
    if found := objections(manifest):
        raise InvalidSpec(sentence(found))


def sentence(found: dict[str, str]) -> str:
    """All objections in one line, whatever stands in the names of an author's fields."""
    line = "; ".join(f"{place} {words}" for place, words in found.items())
    plain = "".join(letter if letter.isprintable() else " " for letter in line)
    return " ".join(plain.split())[:LONGEST_MESSAGE]


def _unknown(written: Any, holder: str, place: str) -> Iterator[str]:
    """The places in a status that no schema knows; nothing is said of what stands in the others."""
    if isinstance(written, list):
        for number, item in enumerate(written):
            yield from _unknown(item, holder, f"{place}[{number}]")
    if not isinstance(written, dict):
        return
    fields = _STATUS[holder].__pydantic_fields__  # type: ignore[attr-defined]
    known = {field.alias or name for name, field in fields.items()}
    for name, part in written.items():
        if name not in known:
            yield f"{place}.{name}"
        elif name in _STATUS:
            yield from _unknown(part, name, f"{place}.{name}")


def _errors(model: type[BaseModel], written: Any, root: str) -> Iterator[tuple[str, ErrorDetails]]:
    try:
        # As JSON, where a time is a string and a list a list, and nothing else is.
        model.model_validate_json(json.dumps(written), strict=True, extra="forbid", context=WRITTEN)
    except RecursionError:
        raise InvalidSpec("it is nested more deeply than any CustomEvent is") from None
    except ValidationError as error:
        found = error.errors(include_url=False)[:MOST]
        for each in found:
            if not _follows(each, found):
                yield wording.where(root, each["loc"]) or KIND, each


def _follows(error: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Whether a list is only too short because its items are wrong, which is said of these."""
    depth = len(error["loc"])
    return error["type"] == "too_short" and any(
        len(other["loc"]) > depth and other["loc"][:depth] == error["loc"] for other in found
    )


def _words(place: str, error: ErrorDetails) -> str:
    words = wording.words(error)
    if error["type"] != "extra_forbidden":
        return words
    holder, _, name = place.rpartition(".")
    nearest = _nearest(name, holder.rpartition(".")[2].partition("[")[0])
    return f"{words}: did you mean {nearest}?" if nearest else words


def _nearest(name: str, holder: str) -> str:
    """The field that was probably meant; empty if none is like it."""
    for place in (holder, *_ELSEWHERE):
        known = {field.lower(): field for field in _fields(place)}
        if like := difflib.get_close_matches(name.lower(), known, n=1):
            return f"{_ELSEWHERE[place]}{known[like[0]]}" if place != holder else known[like[0]]
    return ""


def _fields(holder: str) -> Iterator[str]:
    if holder in _FIELDS:
        yield from (str(field.alias) for field in _FIELDS[holder].model_fields.values())
