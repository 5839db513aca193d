"""The operator works with the rights of rbac.yaml, and none is missing."""

from __future__ import annotations

import json
from typing import Any

from localcluster import Cluster

from integration.conftest import Events, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
ACCOUNT = "system:serviceaccount:customevents:customevents"


def requests(cluster: Cluster, since: int) -> list[dict[str, Any]]:
    """What the account asked for, behind so many characters of the audit log."""
    lines = map(json.loads, cluster.audit_log.read_text()[since:].splitlines())
    return [line for line in lines if line["user"]["username"] == ACCOUNT]


def test_nothing_that_the_operator_asks_for_is_refused(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    since = len(cluster.audit_log.read_text())
    running = start_operator()
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    running.terminate()

    made = requests(cluster, since)
    refused = [line for line in made if line["responseStatus"]["code"] in (401, 403)]
    assert refused == []
    used = {
        (
            "/".join(filter(None, (ref["resource"], ref.get("subresource")))),
            line["verb"],
        )
        for line in made
        if (ref := line.get("objectRef"))
    }
    assert used >= {
        ("customevents", "list"),
        ("customevents", "watch"),
        ("customevents/status", "patch"),
        ("customresourcedefinitions", "list"),
        ("customresourcedefinitions", "watch"),
        ("leases", "get"),
        ("leases", "update"),
    }
