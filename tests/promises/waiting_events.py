"""Takes in many events and prints, as JSON, what that cost: memory in bytes, and seconds.

A program of its own, so that nothing else is measured. Its arguments: how many events, and the
status that the schema gives them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

from customevents.delivery.inbox import Inbox
from customevents.metrics import Metrics
from customevents.resource.event import read_event


def stored(number: int, status: dict[str, Any]) -> str:
    """An event as the API server sends it: what a pipeline's `kubectl create` makes."""
    spec = {
        "eventType": "release",
        "severity": "Info",
        "summary": f"checkout 1.4.{number} is live",
        "details": {
            "version": f"1.4.{number}",
            "commit": f"{number:040x}",
            "pipeline": f"https://ci.example.com/shop/checkout/-/pipelines/{number}",
            "notes": f"{number}: " + "what is new, in a few lines; " * 6,
        },
        "scope": {"serviceNames": ["checkout", "cart"]},
    }
    metadata = {
        "name": f"checkout-{number:05}",
        "namespace": f"team-{number % 20}",
        "uid": f"7d3c9e5a-8f53-4ab0-9a41-{number:012x}",
        "resourceVersion": str(1000 + number),
        "generation": 1,
        "creationTimestamp": "2026-05-01T12:00:00Z",
        "labels": {"app.kubernetes.io/name": "checkout"},
        "managedFields": [
            {
                "manager": "kubectl-create",
                "operation": "Update",
                "apiVersion": "customevents.dev/v1alpha1",
                "time": "2026-05-01T12:00:00Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {f"f:{name}": {} for name in spec}},
            }
        ],
    }
    return json.dumps({"kind": "CustomEvent", "metadata": metadata, "spec": spec, "status": status})


def resident() -> int:
    """The memory of this process, in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(count: int, status: dict[str, Any]) -> None:
    texts = [stored(number, status) for number in range(count)]
    inbox = Inbox(lambda: datetime.now(UTC), time.monotonic, Metrics(namespace_label=False))
    before, begun = resident(), time.process_time()
    for text in texts:
        inbox.offer(read_event(json.loads(text)))
    cost = {"bytes": resident() - before, "seconds": time.process_time() - begun}
    assert len(inbox) == count
    json.dump(cost, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
