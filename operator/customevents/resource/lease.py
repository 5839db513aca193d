"""A Lease as it may stand there, whatever somebody has written into it by hand."""

from __future__ import annotations

from typing import Any, TypeGuard

#: Seconds; no operator is allowed more (`lease.duration`). A holder that states more was written by
#: hand: its Lease is free after this, or nobody would lead for the 68 years that fit there.
LONGEST_DURATION = 60.0

#: What an int32 of the Lease holds at most; so do the counts of a status.
MOST = 2**31 - 1


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


def _part(of: dict[str, Any], name: str) -> dict[str, Any]:
    part = of.get(name)
    return part if isinstance(part, dict) else {}
