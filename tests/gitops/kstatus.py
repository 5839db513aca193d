"""How Helm 4 and Flux judge a custom resource: the rule of sigs.k8s.io/cli-utils, pkg/kstatus."""

from __future__ import annotations

from typing import Any


def kstatus(found: dict[str, Any]) -> str:
    """Current, InProgress, Failed or Terminating; all but Current hold up a release."""
    metadata, status = found["metadata"], found.get("status", {})
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    if status.get("observedGeneration", metadata["generation"]) != metadata["generation"]:
        return "InProgress"
    conditions = {one["type"]: one["status"] for one in status.get("conditions", [])}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "Current" if conditions.get("Ready", "True") == "True" else "InProgress"
