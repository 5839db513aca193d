"""Who wrote which field, and when: an object's managedFields.

The fields themselves are kept aside and are not sent: the operator reads who and when. An entry
goes where others took or removed all of its fields, and its time moves only where its owner sets a
field to something new; a removal moves no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Path = tuple[str, ...]
Fields = dict[Path, Any]

#: What an object or a list that is merged stands for itself; its contents are fields of their own.
_WHOLE = object()

#: Lists whose items are fields of their own, and what tells these items apart.
_KEYED = {("status", "conditions"): "type"}
_SETS = {("metadata", "finalizers")}

#: What of the metadata is somebody's; the rest is the server's.
OWNED = ("annotations", "finalizers", "generateName", "labels", "ownerReferences")

#: The parts that are nobody's, or the status's, or looked at by name.
_NOT_OWNED = {"apiVersion", "kind", "metadata", "status"}


@dataclass(frozen=True)
class Owner:
    """One entry of managedFields."""

    manager: str
    subresource: str
    time: str
    fields: frozenset[Path]


def fields_of_main(found: Mapping[str, Any]) -> Fields:
    """All that a write of an object itself can set."""
    metadata = found["metadata"]
    fields: Fields = {}
    for name in OWNED:
        if name in metadata:
            _collect(metadata[name], ("metadata", name), fields)
    for name, value in found.items():
        if name not in _NOT_OWNED:
            _collect(value, (name,), fields)
    return fields


def fields_of_status(found: Mapping[str, Any]) -> Fields:
    """All that a write of its status can set."""
    fields: Fields = {}
    if "status" in found:
        _collect(found["status"], ("status",), fields)
    return fields


def written_by(
    owners: Iterable[Owner], manager: str, subresource: str, time: str, before: Fields, now: Fields
) -> tuple[Owner, ...]:
    """The owners after this manager's write has made one of the other."""
    removed = before.keys() - now.keys()
    taken = {path for path, value in now.items() if path not in before or before[path] != value}
    if not removed and not taken:
        return tuple(owners)
    kept = list(_without(owners, removed, taken, (manager, subresource)))
    if not taken:
        return tuple(owner for owner in kept if owner.fields)
    own = frozenset(taken)
    for owner in kept:
        if (owner.manager, owner.subresource) == (manager, subresource):
            own |= owner.fields
    others = [o for o in kept if o.fields and (o.manager, o.subresource) != (manager, subresource)]
    return (*others, Owner(manager, subresource, time, own))


def _without(
    owners: Iterable[Owner], removed: set[Path], taken: set[Path], writer: tuple[str, str]
) -> Iterator[Owner]:
    for owner in owners:
        lost = removed if (owner.manager, owner.subresource) == writer else removed | taken
        yield replace(owner, fields=owner.fields - lost) if owner.fields & lost else owner


def listed(owners: Iterable[Owner], api_version: str) -> list[dict[str, str]]:
    """The managedFields that say so, in the server's order."""
    ordered = sorted(owners, key=lambda each: (each.time, each.manager, each.subresource))
    return [
        {
            "manager": owner.manager,
            "operation": "Update",
            "apiVersion": api_version,
            "time": owner.time,
            **({"subresource": owner.subresource} if owner.subresource else {}),
        }
        for owner in ordered
    ]


def _collect(value: Any, at: Path, into: Fields) -> None:
    if type(value) is dict:
        into[at] = _WHOLE
        for name, inner in value.items():
            _collect(inner, (*at, name), into)
    elif at in _KEYED:
        into[at] = _WHOLE
        for item in value:
            _collect(item, (*at, str(item.get(_KEYED[at]))), into)
    elif at in _SETS:
        into[at] = _WHOLE
        into.update({(*at, item): _WHOLE for item in value})
    else:
        into[at] = value
