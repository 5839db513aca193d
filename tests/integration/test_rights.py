"""The operator works with the rights of rbac.yaml, and none is missing."""

from __future__ import annotations

from typing import Any

from localcluster import Cluster

from integration.audit import requests
from integration.conftest import Events, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


#: What is read to find the cluster's name.
LOOKED_FOR_A_NAME = {
    ("clusterproperties", "get"),
    ("configmaps", "get"),
    ("daemonsets", "list"),
    ("deployments", "list"),
    ("nodes", "list"),
}


def used(made: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """The rights that these requests took: resource and verb. None of them was refused."""
    assert [line for line in made if line["responseStatus"]["code"] in (401, 403)] == []
    return {
        (
            "/".join(filter(None, (ref["resource"], ref.get("subresource")))),
            line["verb"],
        )
        for line in made
        if (ref := line.get("objectRef"))
    }


def test_nothing_that_the_operator_asks_for_is_refused(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    since = len(cluster.audit_log.read_text())
    running = start_operator()
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    running.terminate()

    made = requests(cluster, since)
    rights = used(made)
    its_own = {("configmaps", "get")}
    assert rights.isdisjoint(LOOKED_FOR_A_NAME - its_own), "it is told the cluster's name"
    assert config_maps(made, "get") == {"customevents"}
    assert rights >= {
        ("customevents", "list"),
        ("customevents", "watch"),
        ("customevents/status", "patch"),
        ("leases", "get"),
        ("leases", "update"),
        ("configmaps", "get"),
    }
    assert rights & {("configmaps", "create"), ("configmaps", "update")}
    assert config_maps(made, "update") <= {"customevents"}


def test_nothing_that_it_reads_to_find_the_clusters_name_is_refused_or_a_secret(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    since = len(cluster.audit_log.read_text())
    running = start_operator(cluster_name="")
    events.apply("checkout", SPEC)
    events.until("checkout", "Held")
    running.terminate()

    made = requests(cluster, since)
    assert used(made) >= LOOKED_FOR_A_NAME
    assert not [line for line in made if line.get("objectRef", {}).get("resource") == "secrets"]
    read = config_maps(made, "get")
    assert read == {"k8s-watcher-config", "kubeadm-config", "customevents"}


def test_nothing_that_it_reads_to_discover_services_is_refused(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    since = len(cluster.audit_log.read_text())
    running = start_operator()
    events.apply("checkout", {**SPEC, "scope": {"serviceNames": ["checkout"]}})
    events.until("checkout", "Delivered")
    running.terminate()
    kinds = ("deployments", "statefulsets", "daemonsets", "rollouts")
    assert used(requests(cluster, since)) >= {(kind, "list") for kind in kinds}


def config_maps(made: list[dict[str, Any]], verb: str) -> set[str]:
    """The names of the ConfigMaps that were asked for with this verb."""
    asked = [line["objectRef"] for line in made if line["verb"] == verb and "objectRef" in line]
    return {ref["name"] for ref in asked if ref["resource"] == "configmaps"}
