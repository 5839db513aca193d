"""The places that may tell the cluster's name, in order; a new platform is one more function.

Everything is read with little: nodes are one page of metadata, and nothing here reads a Secret. Nor
is the ConfigMap `komodor-agent-config` read, as it can hold an API key.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import yaml

from customevents.resource.errors import ClusterError, Gone, NoSuchKind
from customevents.scope.cluster_name import Link, Reads, Told, agree

logger = logging.getLogger(__name__)

Raw = dict[str, Any]

#: Objects a page. All nodes of a cluster tell the same; of agents there are one or two.
PAGE = 20

AGENT = "app.kubernetes.io/name=komodor-agent"
OLD_AGENT = "k8s-watcher-config"
PROPERTY = "cluster.clusterset.k8s.io"
CLUSTER_API = "cluster.x-k8s.io/cluster-name"
EKSCTL = "alpha.eksctl.io/cluster-name"
MINIKUBE = "minikube.k8s.io/name"

#: What every cluster is called that kubeadm (without a name given), minikube or Kubespray sets up.
NOBODYS_NAMES = ("kubernetes", "mk", "cluster.local")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_GKE = re.compile(r"https://[^/]+/v1/projects/[^/]+/(?:locations|zones)/[^/]+/clusters/([^/]+)")
_KIND = re.compile(r"kind://[^/]+/([^/]+)/[^/]+")
_K3D = re.compile(r"k3d-(.+)-(?:server|agent)-\d+")


class Agents:
    """The Komodor agents of this cluster: those that are believed, and those elsewhere."""

    def __init__(self, namespaces: Sequence[str]) -> None:
        """Only agents in these namespaces are believed: a tenant could plant one in its own."""
        self.namespaces = tuple(namespaces)
        #: namespace/name of agents in other namespaces, as last seen.
        self.elsewhere: tuple[str, ...] = ()

    async def ask(self, cluster: Reads) -> Told:
        """What the agents that are believed call this cluster."""
        await self._look_elsewhere(cluster)
        said = []
        for namespace in self.namespaces:
            said += await _from_deployments(cluster, namespace)
            said += await _from_old_chart(cluster, namespace)
        return agree(said, silent=f"there is no agent in {', '.join(self.namespaces)}")

    async def _look_elsewhere(self, cluster: Reads) -> None:
        try:
            found = await cluster.list_metadata(_page("/apis/apps/v1/deployments", labels=AGENT))
        except ClusterError:
            return  # it is only told to people: the name does not depend on it
        elsewhere = tuple(
            f"{at['namespace']}/{at['name']}"
            for at in found
            if at["namespace"] not in self.namespaces
        )
        if elsewhere and elsewhere != self.elsewhere:
            logger.warning(
                "not believed about the cluster's name, as they are in none of the namespaces %s "
                "(CUSTOMEVENTS_DISCOVERY_AGENT_NAMESPACES): Deployments %s",
                ", ".join(self.namespaces),
                ", ".join(elsewhere),
            )
        self.elsewhere = elsewhere


def chain(configured: str, agents: Agents) -> tuple[Link, ...]:
    """All links in order; the first answer wins. `configured`: the setting, may be empty."""

    async def setting(_: Reads) -> Told:
        return agree([("setting clusterName", configured)], silent="it is not set")

    believed = ", ".join(agents.namespaces)
    return (
        Link("setting", "CUSTOMEVENTS_CLUSTER_NAME (in the chart: clusterName)", setting),
        Link("Komodor agent", f"Deployments {AGENT} in {believed}", agents.ask),
        Link("ClusterProperty", f"ClusterProperty {PROPERTY}", cluster_property),
        Link("Cluster API", f"node annotation {CLUSTER_API}", cluster_api),
        Link("GKE", "issuer of the operator's token", gke),
        Link("eksctl", f"node label {EKSCTL}", eksctl),
        Link("EKS", "DaemonSet kube-system/aws-node, CLUSTER_NAME", eks),
        Link("kubeadm", "ConfigMap kube-system/kubeadm-config, clusterName", kubeadm),
        Link("kind", "providerID of a node", kind),
        Link("minikube", f"node label {MINIKUBE}", minikube),
        Link("k3d", "names of nodes", k3d),
    )


async def cluster_property(cluster: Reads) -> Told:
    """The property that the multi-cluster APIs keep a cluster's id in (KEP-2149)."""
    try:
        found = await cluster.get(_property("v1beta1"))
    except (Gone, NoSuchKind):
        found = await cluster.get(_property("v1alpha1"))
    value = found.get("spec", {}).get("value")
    # The KEP suggests the uid of kube-system as the id. That one is not compared, since it would
    # take the right to read namespaces; but nobody calls a cluster by a UUID.
    if isinstance(value, str) and _UUID.fullmatch(value):
        value = None
    return agree([(f"ClusterProperty {PROPERTY}", value)], silent="its value is empty or a UUID")


async def cluster_api(cluster: Reads) -> Told:
    """Cluster API annotates the nodes of the machines that it makes."""
    return await _from_nodes(
        cluster,
        lambda metadata: metadata.get("annotations", {}).get(CLUSTER_API),
        f"node annotation {CLUSTER_API}",
    )


async def gke(cluster: Reads) -> Told:
    """GKE names the cluster in the issuer of its service account tokens."""
    found = _GKE.fullmatch(issuer(await cluster.token()))
    said = [("issuer of the service account token", found[1])] if found else []
    return agree(said, silent="the issuer of the token is not GKE")


def issuer(token: str) -> str:
    """Who issued a JWT, as that says itself; empty if it is none.

    It is not verified: the token is our own, and only the API server could be deceived by it.
    """
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return ""
    found = claims.get("iss") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else ""


async def eksctl(cluster: Reads) -> Told:
    """Nodes of EKS clusters that eksctl made."""
    return await _from_label(cluster, EKSCTL)


async def eks(cluster: Reads) -> Told:
    """The add-on that gives pods of EKS clusters their addresses is told the cluster's name."""
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets"
    found = await cluster.get(_page(path, fields="metadata.name=aws-node"))
    said = [
        ("DaemonSet kube-system/aws-node", _environment(daemon_set, "CLUSTER_NAME"))
        for daemon_set in found["items"]
    ]
    return agree(said, silent="there is none, or it does not say")


async def kubeadm(cluster: Reads) -> Told:
    """What kubeadm was told the cluster is called."""
    found = await cluster.get("/api/v1/namespaces/kube-system/configmaps/kubeadm-config")
    name = _cluster_configuration(found).get("clusterName")
    said = [("ConfigMap kube-system/kubeadm-config", None if name in NOBODYS_NAMES else name)]
    return agree(said, silent="it says no more than of every cluster")


async def kind(cluster: Reads) -> Told:
    """kind://docker/NAME/NODE; metadata does not have it, so one whole node is read."""
    found = await cluster.get("/api/v1/nodes?limit=1")
    ids = [node["spec"].get("providerID", "") for node in found["items"]]
    names = [match[1] for provider_id in ids if (match := _KIND.fullmatch(provider_id))]
    return agree([("node providerID", name) for name in names], silent="no node is one of kind's")


async def minikube(cluster: Reads) -> Told:
    """A profile of minikube is a label of its nodes."""
    return await _from_label(cluster, MINIKUBE)


async def k3d(cluster: Reads) -> Told:
    """k3d calls its nodes k3d-NAME-server-0."""

    def read(metadata: Raw) -> str | None:
        found = _K3D.fullmatch(metadata["name"])
        return found[1] if found else None

    return await _from_nodes(cluster, read)


async def _from_deployments(cluster: Reads, namespace: str) -> list[tuple[str, Any]]:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    found = await cluster.get(_page(path, labels=AGENT))
    return [
        (f"Deployment {namespace}/{deployment['metadata']['name']}", _agents_name(deployment))
        for deployment in found["items"]
    ]


def _agents_name(deployment: Raw) -> Any:
    # The chart's admission controller has the agent's label, and tells neither.
    labels = deployment["metadata"].get("labels", {})
    return _environment(deployment, "KOMOKW_CLUSTER_NAME") or labels.get("app.komodor.cluster-name")


async def _from_old_chart(cluster: Reads, namespace: str) -> list[tuple[str, Any]]:
    try:
        found = await cluster.get(f"/api/v1/namespaces/{namespace}/configmaps/{OLD_AGENT}")
    except Gone:
        return []
    return [(f"ConfigMap {namespace}/{OLD_AGENT}", found.get("data", {}).get("clusterName"))]


async def _from_label(cluster: Reads, label: str) -> Told:
    return await _from_nodes(
        cluster, lambda metadata: metadata.get("labels", {}).get(label), f"node label {label}"
    )


async def _from_nodes(cluster: Reads, read: Callable[[Raw], Any], source: str = "") -> Told:
    nodes = await cluster.list_metadata(_page("/api/v1/nodes"))
    said = [(f"node {metadata['name']}", read(metadata)) for metadata in nodes]
    return agree(said, silent="no node tells it", source=source)


def _environment(workload: Raw, variable: str) -> str | None:
    """The plain value of a variable in the first container that has one."""
    for container in workload["spec"]["template"]["spec"]["containers"]:
        for entry in container.get("env", []):
            if entry["name"] == variable and entry.get("value"):
                return str(entry["value"])
    return None


def _cluster_configuration(config_map: Raw) -> Raw:
    try:
        found = yaml.safe_load(config_map.get("data", {}).get("ClusterConfiguration", ""))
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that is none
        found = None
    return found if isinstance(found, dict) else {}


def _property(version: str) -> str:
    return f"/apis/about.k8s.io/{version}/clusterproperties/{PROPERTY}"


def _page(path: str, *, labels: str = "", fields: str = "") -> str:
    query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(PAGE)}
    return f"{path}?{urlencode({key: value for key, value in query.items() if value})}"
