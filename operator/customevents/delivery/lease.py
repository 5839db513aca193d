"""The form of the Lease: what it lists, how that is written, and how a standby watches it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

IN_FLIGHT = "customevents.dev/in-flight"
STATE = "customevents.dev/state"
FORMAT = 1

#: From here on nothing more is begun. All annotations of an object together hold 256 KiB; with the
#: longest names an entry takes 420 bytes, and a hundred attempts may be on their way to the list.
MOST_ENTRIES = 500


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
        spec = lease["spec"]
        if spec.get("holderIdentity", "") in ("", terms.identity):
            return True
        unchanged = self.unchanged_for(lease["metadata"]["resourceVersion"], now)
        return unchanged >= float(spec.get("leaseDurationSeconds", terms.duration))

    def failed(self) -> None:
        """What could not be read may have changed: count anew."""
        self._since = None


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


def read_entries(lease: dict[str, Any]) -> list[Intent] | None:
    """The attempts that a Lease lists; None if that cannot be read."""
    text = lease["metadata"].get("annotations", {}).get(IN_FLIGHT)
    try:
        found = json.loads(text)
        if found["format"] != FORMAT:
            return None
        return [Intent(*row) for row in found["entries"]]
    except (KeyError, TypeError, ValueError):
        return None
