"""The cluster's own name: the places it may be kept in, the first answer wins.

Each place is one small function behind one interface, in one list in order; today that list has one
entry, the setting.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClusterName:
    """The name under which the account knows this cluster, and who says so."""

    name: str
    source: str


def from_setting(configured: str) -> ClusterName | None:
    """The setting `clusterName`: exact, and before anything that is found."""
    return ClusterName(configured, "setting clusterName") if configured else None
