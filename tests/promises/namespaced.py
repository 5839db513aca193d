"""An account that may do its work in some namespaces alone, as the chart gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from localcluster import Cluster

ACCOUNT = "namespaced"
HOME = "customevents"
RBAC = Path(__file__).parents[1] / "integration" / "rbac.yaml"


def namespaced_account(cluster: Cluster) -> Path:
    """A kubeconfig of an account with the rights to its Lease; the namespace has to be there."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(ACCOUNT, HOME)}
    _apply(cluster, account, _binding(HOME, "customevents-lease"))
    return cluster.service_account_kubeconfig(HOME, ACCOUNT)


def rights_in(cluster: Cluster, namespace: str) -> None:
    """Let the account do in a namespace what the operator may do in all of them."""
    documents = yaml.safe_load_all(RBAC.read_text())
    (everywhere,) = [document for document in documents if document["kind"] == "ClusterRole"]
    rules = [rule for rule in everywhere["rules"] if "resourceNames" not in rule]
    role = {**everywhere, "kind": "Role", "metadata": _named(ACCOUNT, namespace), "rules": rules}
    _apply(cluster, role, _binding(namespace, ACCOUNT))


def _binding(namespace: str, role: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": _named(ACCOUNT, namespace),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": HOME}],
    }


def _named(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace}


def _apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    cluster.kubectl("apply", "-f", "-", input=json.dumps(listed))
