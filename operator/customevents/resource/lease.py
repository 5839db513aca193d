"""A Lease as it may stand there, whatever somebody has written into it by hand.

Beside who holds it, it lists the attempts that are under way, for the next leader.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, TypeGuard

from customevents.resource import names

#: The annotation with the list, and its format.
IN_FLIGHT = "customevents.dev/in-flight"
FORMAT = 1

#: Seconds; no operator is allowed more (`lease.duration`). A holder that states more was written by
#: hand: its Lease is free after this, or nobody would lead for the 68 years that fit there.
LONGEST_DURATION = 60.0

#: What an int32 of the Lease holds at most; so do the counts of a status.
MOST = 2**31 - 1


@dataclass(frozen=True)
class Intent:
    """One attempt that is about to be made, as the journal keeps it."""

    uid: str
    delivery_id: str
    namespace: str
    name: str
    sequence: int
    attempt: int


def readable(lease: dict[str, Any]) -> dict[str, Any]:
    """The same with all parts that are read here; one of another type counts as absent."""
    metadata = _part(lease, "metadata")
    given = _part(metadata, "annotations")
    annotations = {key: text for key, text in given.items() if isinstance(text, str)}
    spec = _part(lease, "spec")
    return {**lease, "metadata": {**metadata, "annotations": annotations}, "spec": spec}


def holder(lease: dict[str, Any]) -> str:
    """Who holds it; empty: nobody."""
    named = lease["spec"].get("holderIdentity")
    return "" if named is None else str(named)


def next_transition(lease: dict[str, Any]) -> int:
    """Counts on; anew, if what stands there cannot be counted on."""
    last = lease["spec"].get("leaseTransitions")
    return last + 1 if is_count(last) else 0


def stated_duration(lease: dict[str, Any], ours: float) -> float:
    """The seconds of silence after which it is free, as its holder states them, within reason."""
    said = lease["spec"].get("leaseDurationSeconds")
    if isinstance(said, bool) or not isinstance(said, int | float) or not said > 0:
        return ours
    return min(float(min(said, MOST)), LONGEST_DURATION)


def is_count(value: object) -> TypeGuard[int]:
    """Whether it can be counted on from here."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST


@dataclass(frozen=True)
class Listed:
    """What a Lease says of attempts under way."""

    entries: tuple[Intent, ...] = ()
    #: Whether that is all that was written there, and whoever wrote it knew of all.
    whole: bool = False
    #: Rows that name no attempt: the Lease was edited by hand.
    unreadable: int = 0


def write_entries(entries: Iterable[Intent], *, whole: bool = True) -> str:
    """The attempts as one annotation holds them; `whole`: there are no others."""
    rows = [list(asdict(entry).values()) for entry in entries]
    said = {"format": FORMAT, "entries": rows} | ({} if whole else {"whole": False})
    return json.dumps(said, separators=(",", ":"))


def read_entries(text: str | None) -> Listed:
    """The attempts that an annotation lists, as far as they can be read."""
    try:
        found = json.loads(text or "")
        rows = found["entries"] if found["format"] == FORMAT else None
        whole = found.get("whole") is not False
    except (KeyError, TypeError, ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        return Listed()
    entries: dict[str, Intent] = {}
    for intent in filter(None, map(_read_row, rows)):
        known = entries.get(intent.uid, intent)
        # An object has one attempt at a time: of two, the later one counts the other as well.
        entries[intent.uid] = max(known, intent, key=lambda each: (each.sequence, each.attempt))
    unreadable = len(rows) - len(entries)
    return Listed(tuple(entries.values()), whole and not unreadable, unreadable)


def _part(of: dict[str, Any], name: str) -> dict[str, Any]:
    part = of.get(name)
    return part if isinstance(part, dict) else {}


def _read_row(row: Any) -> Intent | None:
    """None if no attempt can be called so: by its name, no object could be asked for."""
    match row:
        case [str(uid), str(delivery_id), namespace, name, sequence, attempt] if (
            uid
            and delivery_id
            and names.is_namespace(namespace)
            and names.is_object(name)
            and is_count(sequence)
            and is_count(attempt)
        ):
            return Intent(uid, delivery_id, namespace, name, sequence, attempt)
    return None
