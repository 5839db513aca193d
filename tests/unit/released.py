"""A namespace with workloads of several releases, for the tests of discovery."""

from __future__ import annotations

from typing import Any

from customevents.resource.release import Release, releases_of
from customevents.scope.search import Workload, read_workload

INSTANCE = "app.kubernetes.io/instance"
HELM = "meta.helm.sh/release-name"
ARGO_CD = "argocd.argoproj.io/tracking-id"
FLUX_HELM = "helm.toolkit.fluxcd.io/name"
FLUX_KUSTOMIZE = "kustomize.toolkit.fluxcd.io/name"


def release(**metadata: Any) -> Release:
    """The release of an object with this metadata."""
    return releases_of(metadata)[0]


def labelled(key: str, value: str) -> Release:
    return release(labels={key: value})


def annotated(key: str, value: str) -> Release:
    return release(annotations={key: value})


def workload(
    name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None
) -> Workload:
    return read_workload({"name": name, "labels": labels, "annotations": annotations})


def many(count: int, **labels: str) -> list[Workload]:
    return [workload(f"w-{number:03}", labels) for number in range(count)]


#: What runs in the namespace `shop`.
SHOP = [
    workload("web", {"app": "web", "tier": "front", INSTANCE: "checkout"}, {HELM: "checkout"}),
    workload("api", {"app": "api", "tier": "back", INSTANCE: "checkout"}, {HELM: "checkout"}),
    workload("db", {"app": "db", "tier": "back"}, {HELM: "checkout"}),
    workload("cart", {"app": "cart", "tier": "front", INSTANCE: "cart"}, {HELM: "cart"}),
    workload("agent", None, {ARGO_CD: "platform:apps/DaemonSet:shop/agent"}),
    workload("flux-a", {FLUX_HELM: "search"}),
    workload("flux-b", {FLUX_KUSTOMIZE: "search"}),
]

#: What runs in each namespace of this cluster.
CLUSTER = {"shop": SHOP, "other": [workload("elsewhere", {"app": "web", INSTANCE: "checkout"})]}
