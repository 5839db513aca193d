"""Workloads as their users apply them; there is no kubelet, so none has a pod."""

from __future__ import annotations

import json
from typing import Any

from localcluster import Cluster


def workload(name: str, kind: str = "Deployment", **metadata: Any) -> dict[str, Any]:
    """A Deployment, StatefulSet or DaemonSet without pods."""
    labels = {"app": name}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": "example.com/main"}]},
        },
    }
    if kind != "DaemonSet":
        spec["replicas"] = 0
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def rollout(name: str, **metadata: Any) -> dict[str, Any]:
    """An Argo Rollout."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, **metadata},
        "spec": {"replicas": 0},
    }


def apply(cluster: Cluster, namespace: str, *manifests: dict[str, Any]) -> None:
    """Apply them, in this order."""
    whole = {"apiVersion": "v1", "kind": "List", "items": manifests}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(whole))


#: As much of Argo's CRD as it takes to have Rollouts.
ROLLOUT_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {
            "kind": "Rollout",
            "listKind": "RolloutList",
            "plural": "rollouts",
            "singular": "rollout",
        },
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}
