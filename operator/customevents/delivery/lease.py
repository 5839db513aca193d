"""The form of the Lease: what it lists, how that is written, and how a standby watches it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeGuard

from customevents.resource import names

IN_FLIGHT = "customevents.dev/in-flight"
STATE = "customevents.dev/state"
FORMAT = 1

#: From here on nothing more is begun. All annotations of an object together hold 256 KiB; with the
#: longest names an entry takes 420 bytes, and a hundred attempts may be on their way to the list.
MOST_ENTRIES = 500

#: Seconds; no operator is allowed more (`lease.duration`). A holder that states more was written by
#: hand: its Lease is free after this, or nobody would lead for the 68 years that fit there.
LONGEST_DURATION = 60.0

#: What an int32 of the Lease holds at most; so do the counts of a status.
MOST = 2**31 - 1


@dataclass(frozen=True)
class Intent:
    """One attempt that is about to be made."""

    uid: str
    delivery_id: str
    namespace: str
    name: str
    sequence: int
    attempt: int


@dataclass(frozen=True)
class Listed:
    """What a Lease says of attempts under way."""

    entries: tuple[Intent, ...] = ()
    #: Whether that is all that was written there.
    whole: bool = False
    #: Rows that name no attempt: the Lease was edited by hand.
    unreadable: int = 0


@dataclass(frozen=True)
class TakenOver:
    """What a new leader finds: attempts that nobody recorded, and how long to hold back."""

    entries: tuple[Intent, ...]
    #: The log was lost, so attempts of the last leader may be under way that nobody knows of.
    quarantine: float


@dataclass(frozen=True)
class Terms:
    """Times of the Lease in seconds; `post_timeout` is that of an attempt."""

    identity: str
    duration: float = 15.0
    post_timeout: float = 30.0

    @property
    def renew_every(self) -> float:
        """A third of the duration: two renewals may fail."""
        return self.duration / 3

    @property
    def quarantine(self) -> float:
        """After this, no attempt of an unknown leader can still be under way."""
        return self.duration + self.post_timeout


class Leases(Protocol):
    """What the journal needs of Kubernetes: one Lease, as the API server sends it.

    All raise ClusterError; `read` Gone, `create` and `replace` Conflict.
    """

    async def read(self) -> dict[str, Any]:
        """The Lease as it is."""

    async def create(self, lease: dict[str, Any]) -> dict[str, Any]:
        """Make it, if there is none."""

    async def replace(self, lease: dict[str, Any]) -> dict[str, Any]:
        """Swap it, if it is still at the resourceVersion that `lease` names."""


class Observed:
    """For how long a standby has seen the Lease unchanged, by its own clock alone."""

    def __init__(self) -> None:
        self._version = ""
        self._since: float | None = None

    def unchanged_for(self, version: str, now: float) -> float:
        """Seconds for which it was seen at this resourceVersion, without a failed look."""
        if self._since is None or version != self._version:
            self._version, self._since = version, now
        return now - self._since

    def is_free(self, lease: dict[str, Any], terms: Terms, now: float) -> bool:
        """Whether it was released, is held under our own name, or its holder is silent."""
        if holder(lease) in ("", terms.identity):
            return True
        version = str(lease["metadata"].get("resourceVersion"))
        return self.unchanged_for(version, now) >= stated_duration(lease, terms.duration)

    def failed(self) -> None:
        """What could not be read may have changed: count anew."""
        self._since = None


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
    return last + 1 if _is_count(last) else 0


def stated(
    lease: dict[str, Any],
    *,
    entries: Iterable[Intent],
    state: str,
    holder: str,
    duration: float,
    now: str,
) -> dict[str, Any]:
    """The Lease as it shall be: the list whole, and what the operator says about itself."""
    metadata = lease.get("metadata", {})
    annotations = {
        **metadata.get("annotations", {}),
        IN_FLIGHT: write_entries(entries),
        STATE: state,
    }
    return {
        **lease,
        "metadata": {**metadata, "annotations": annotations},
        "spec": {
            **lease["spec"],
            "holderIdentity": holder,
            "leaseDurationSeconds": max(1, math.ceil(duration)),
            "renewTime": now,
        },
    }


def write_entries(entries: Iterable[Intent]) -> str:
    """The attempts as one annotation holds them."""
    rows = [list(asdict(entry).values()) for entry in entries]
    return json.dumps({"format": FORMAT, "entries": rows}, separators=(",", ":"))


def read_entries(lease: dict[str, Any]) -> Listed:
    """The attempts that a Lease lists, as far as they can be read."""
    try:
        found = json.loads(lease["metadata"]["annotations"][IN_FLIGHT])
        rows = found["entries"] if found["format"] == FORMAT else None
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
    return Listed(tuple(entries.values()), whole=not unreadable, unreadable=unreadable)


def _read_row(row: Any) -> Intent | None:
    """None if no attempt can be called so: by its name, no object could be asked for."""
    match row:
        case [str(uid), str(delivery_id), namespace, name, sequence, attempt] if (
            uid
            and delivery_id
            and names.is_namespace(namespace)
            and names.is_object(name)
            and _is_count(sequence)
            and _is_count(attempt)
        ):
            return Intent(uid, delivery_id, namespace, name, sequence, attempt)
    return None


def _is_count(value: object) -> TypeGuard[int]:
    """Whether it can be counted on from here."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST


def stated_duration(lease: dict[str, Any], ours: float) -> float:
    """The seconds of silence after which it is free, as its holder states them, within reason."""
    said = lease["spec"].get("leaseDurationSeconds")
    if isinstance(said, bool) or not isinstance(said, int | float) or not said > 0:
        return ours
    return min(float(min(said, MOST)), LONGEST_DURATION)


def _part(of: dict[str, Any], name: str) -> dict[str, Any]:
    part = of.get(name)
    return part if isinstance(part, dict) else {}
