"""A cluster as the chain reads it: objects by their path, and a list of what was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from customevents.resource.errors import ClusterError, Gone
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import Link

Raw = dict[str, Any]

PLURALS = {
    "ConfigMap": "configmaps",
    "ClusterProperty": "clusterproperties",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
    "Node": "nodes",
}

AWAY = ClusterError("the Kubernetes API did not answer: TimeoutError")
FORBIDDEN = ClusterError("the Kubernetes API answered 403: nodes is forbidden", 403)


@dataclass
class Places:
    """Holds these objects; `failures` are raised for paths that contain their key."""

    objects: Iterable[Raw] = ()
    own_token: str = ""
    failures: dict[str, ClusterError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def get(self, path: str) -> Raw:
        self.asked.append(path)
        for part, error in self.failures.items():
            if part in path:
                raise error
        where, _, query = path.partition("?")
        if query:
            return {"items": [raw for raw in self.objects if _is_in(raw, where, query)]}
        for raw in self.objects:
            if where == f"{_collection(raw)}/{raw['metadata']['name']}":
                return raw
        raise Gone("the Kubernetes API answered 404: ", 404)

    async def list_metadata(self, path: str) -> list[Raw]:
        found = await self.get(path)
        return [raw["metadata"] for raw in found["items"]]

    async def token(self) -> str:
        return self.own_token


def links(configured: str = "", *namespaces: str) -> dict[str, Link]:
    """The chain, by the names of its links."""
    agents = Agents(namespaces or ("komodor", "komodor-agent", "customevents"))
    return {link.name: link for link in chain(configured, agents)}


def _collection(raw: Raw, *, everywhere: bool = False) -> str:
    version: str = raw["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = "" if everywhere else raw["metadata"].get("namespace", "")
    middle = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{middle}/{PLURALS[raw['kind']]}"


def _is_in(raw: Raw, where: str, query: str) -> bool:
    """Whether a list of this path shows the object; of selectors, those in use are known."""
    assert "limit=" in query, "a list without a limit may be a big one"
    if where not in (_collection(raw), _collection(raw, everywhere=True)):
        return False
    if "labelSelector" in query:
        labels = raw["metadata"].get("labels", {})
        return bool(labels.get("app.kubernetes.io/name") == "komodor-agent")
    return "fieldSelector" not in query or raw["metadata"]["name"] == "aws-node"
