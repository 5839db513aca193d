"""What the cases write, and where."""

from __future__ import annotations

from typing import Any

from simulation.comparing import Asking

Raw = dict[str, Any]

GROUP = "/apis/customevents.dev/v1alpha1"
ALL_EVENTS = f"{GROUP}/customevents"

#: As the operator writes.
OPERATOR = {"fieldManager": "customevents-operator"}


def events(asked: Asking) -> str:
    """The path of the case's CustomEvents."""
    return f"{GROUP}/namespaces/{asked.namespace}/customevents"


def one(asked: Asking, name: str = "e") -> str:
    """The path of one of them."""
    return f"{events(asked)}/{name}"


def status_of(asked: Asking, name: str = "e") -> str:
    """The path of its status."""
    return f"{one(asked, name)}/status"


def event(name: str = "e", *, spec: Raw | None = None, **metadata: Any) -> Raw:
    """An ordinary one."""
    return {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"name": name, **metadata},
        "spec": {"eventType": "release", "summary": "it is live", **(spec or {})},
    }


def add(path: str, value: Any) -> Raw:
    """One operation of a JSON Patch."""
    return {"op": "add", "path": path, "value": value}


def must_be(path: str, value: Any) -> Raw:
    """One that must hold."""
    return {"op": "test", "path": path, "value": value}


def record(state: str = "Retrying", **fields: Any) -> Raw:
    """A status as the operator writes it."""
    condition = {
        "type": "Delivered",
        "status": "False",
        "reason": state,
        "message": "what there is to say",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }
    return {"conditions": [condition], "delivery": {"state": state, "attempts": 1, **fields}}


def workload(kind: str, name: str, **labels: str) -> Raw:
    """A Deployment, StatefulSet or DaemonSet."""
    labels = {"app": name, **labels}
    container = {"name": "main", "image": "example.com/main:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **({"serviceName": name} if kind == "StatefulSet" else {}),
        },
    }
