"""A Kubernetes Event as events.k8s.io/v1 has it; here it is a notice, as "event" is taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from customevents.resource.event import GROUP

#: Bytes, as the API counts them (it speaks of characters).
LONGEST_NOTE = 1024
#: Characters.
LONGEST_REPORTER = 128


@dataclass(frozen=True)
class Regarding:
    """The object that a notice is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""


@dataclass(frozen=True)
class Notice:
    """One Kubernetes Event."""

    regarding: Regarding
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def manifest(notice: Notice, *, reporter: str, now: datetime) -> dict[str, Any]:
    """A notice as events.k8s.io/v1 has it; `reporter` is the name of this process."""
    about, where = notice.regarding, notice.regarding.namespace
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": f"{about.name[:200].rstrip('.-')}-", "namespace": where},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"{GROUP}/operator",
        "reportingInstance": reporter[:LONGEST_REPORTER],
        "action": "Deliver",
        "type": notice.type,
        "reason": notice.reason,
        "note": notice.message.encode()[:LONGEST_NOTE].decode(errors="ignore"),
        "regarding": {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
        },
    }
