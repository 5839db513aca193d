"""Who wrote which field, and when: an object's managedFields.

The fields themselves are kept aside and are not sent: the operator reads who and when. An entry
goes where others took or removed all of its fields, and its time moves only where its owner sets a
field to something new; a removal moves no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Path = tuple[str, ...]
Parts = dict[str, Any]

#: Lists whose items are fields of their own, and what tells these apart; empty: they themselves.
_ITEMS = {("status", "conditions"): "type", ("metadata", "finalizers"): ""}

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
    fields: frozenset[Path] = frozenset()


def main_parts(found: Mapping[str, Any]) -> Parts:
    """All that a write of an object itself can set."""
    metadata = found["metadata"]
    parts = {name: value for name, value in found.items() if name not in _NOT_OWNED}
    parts["metadata"] = {name: metadata[name] for name in OWNED if name in metadata}
    return parts


def status_parts(found: Mapping[str, Any]) -> Parts:
    """All that a write of its status can set."""
    return {"status": found["status"]} if "status" in found else {}


def written_by(
    owners: tuple[Owner, ...], writer: Owner, before: Parts, now: Parts
) -> tuple[Owner, ...]:
    """The owners after the writer's write has made one of the other; it comes without fields."""
    taken, removed = set[Path](), set[Path]()
    _compare(before, now, (), taken, removed)
    if not taken and not removed:
        return owners
    kept = list[Owner]()
    own = frozenset(taken)
    for owner in owners:
        if not _is_same(owner, writer):
            kept += _less(owner, removed | taken)
        elif taken or removed:
            own = owner.fields if taken <= owner.fields else owner.fields | taken
            own = own - removed if removed else own
            if not taken:  # what is only taken away moves no time
                kept += _less(owner, removed)
    if taken:
        kept.append(replace(writer, fields=own))
    return tuple(kept)


def _is_same(one: Owner, other: Owner) -> bool:
    return (one.manager, one.subresource) == (other.manager, other.subresource)


def _less(owner: Owner, lost: set[Path]) -> list[Owner]:
    """The owner without these fields; none, if it has no other."""
    if owner.fields.isdisjoint(lost):
        return [owner]
    left = owner.fields - lost
    return [replace(owner, fields=left)] if left else []


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


def _compare(before: Any, now: Any, at: Path, taken: set[Path], removed: set[Path]) -> None:
    """Find what is new or has another value, and what is gone."""
    before, now = _as_object(before, at), _as_object(now, at)
    if type(before) is not dict or type(now) is not dict:
        _collect(before, at, removed)
        _collect(now, at, taken)
        removed -= taken
        return
    new = 0
    for name, value in now.items():
        if name not in before:
            new += 1
            _collect(value, (*at, name), taken)
        elif value is not before[name] and value != before[name]:
            _compare(before[name], value, (*at, name), taken, removed)
    if len(now) - new < len(before):
        for name in before.keys() - now.keys():
            _collect(before[name], (*at, name), removed)


def _collect(value: Any, at: Path, into: set[Path]) -> None:
    into.add(at)
    value = _as_object(value, at)
    if type(value) is dict:
        for name, inner in value.items():
            _collect(inner, (*at, name), into)


def _as_object(value: Any, at: Path) -> Any:
    """A list whose items are fields of their own, as an object of these."""
    if type(value) is not list or at not in _ITEMS:
        return value
    name = _ITEMS[at]
    return {str(item[name]) if name else item: item if name else None for item in value}
