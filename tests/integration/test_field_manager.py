"""What the operator writes, it writes under a name of its own."""

from __future__ import annotations

import json
from typing import Any

from localcluster import Cluster

from integration.conftest import Events, StartOperator
from operator_process import eventually, said_of_itself

OURS = "customevents-operator"


def managers(cluster: Cluster, *what: str) -> dict[str, set[str]]:
    """Who wrote an object, by the subresource; "" is the object itself."""
    shown = cluster.kubectl("get", *what, "-o", "json", "--show-managed-fields").stdout
    found: dict[str, set[str]] = {}
    entry: dict[str, Any]
    for entry in json.loads(shown)["metadata"]["managedFields"]:
        found.setdefault(entry.get("subresource", ""), set()).add(entry["manager"])
    return found


def test_status_lease_state_and_events_are_written_under_its_own_name(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator(events_delivered="true")
    events.apply("checkout", {"eventType": "release", "summary": "checkout 1.4.2 is live"})
    events.until("checkout", "Delivered")
    eventually("it said something", lambda: said_of_itself(cluster))
    event = managers(cluster, "cev", "checkout", "-n", events.namespace)
    assert event["status"] == {OURS}
    assert OURS not in event[""]
    assert OURS in managers(cluster, "lease", "customevents", "-n", "customevents")[""]
    assert managers(cluster, "configmap", "customevents", "-n", "customevents")[""] == {OURS}

    def told() -> str | None:
        where = ("get", "events.events.k8s.io", "-n", events.namespace, "-o", "name")
        return cluster.kubectl(*where).stdout.strip() or None

    name = eventually("it is told", told)
    assert managers(cluster, name, "-n", events.namespace)[""] == {OURS}
