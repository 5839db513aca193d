"""What stands between here and a delivered event: `customevents check`.

It looks with the rights of whoever calls it, and asks all its questions side by side.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from customevents import __version__, trust
from customevents.clocks import ClusterClock
from customevents.commands import announced
from customevents.commands.arguments import is_there
from customevents.commands.remarks import Grade, Remark, nothing, ok, warning, wrong
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Gone, NotTheApi
from customevents.resource.event import GROUP, PLURAL, VERSION
from customevents.resource.operator_state import OperatorState, Resolving
from customevents.resource.status import DeliveryRecord
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import Ambiguous, ClusterName, Link, Silent, ask
from customevents.settings import AGENT_NAMESPACES

CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class Place:
    """Where to look: the author's namespace, and the ConfigMap of the operator's state."""

    namespace: str
    operator_namespace: str
    name: str


async def check(cluster: Cluster, place: Place, clock: ClusterClock) -> list[Remark]:
    """All remarks, in the order of an event's way; `clock` learns the API server's time."""
    server = await _server(cluster)
    if server.grade is Grade.WRONG:
        return [server]
    missing, schema, rights, operator = await asyncio.gather(
        _missing(cluster, place.namespace),
        _schema(cluster),
        _right_to_create(cluster, place.namespace),
        announced.ask(cluster, place.operator_namespace, place.name),
    )
    said = operator.said
    names = await _cluster_names(cluster, place, said)
    return [
        server,
        *announced.clock("this machine", clock.skew),
        *missing,
        schema,
        rights,
        announced.leads(operator, clock.now()),
        *(announced.all_remarks(said, place.namespace) if said else []),
        *names,
    ]


async def _server(cluster: Cluster) -> Remark:
    about = "Kubernetes"
    try:
        version = await cluster.get("/version")
    except ClusterError as error:
        return wrong(about, str(error), _unreached(error))
    told = version.get("gitVersion")
    if not isinstance(told, str):
        return wrong(about, "what answers there does not say its version", _IN_BETWEEN)
    return ok(about, f"{told} at {cluster.server}, by {cluster.origin}")


_IN_BETWEEN = "something else answers in its place; is a proxy or a login page in between?"


def _unreached(error: ClusterError) -> str:
    """What to do about an API server that does not tell its version."""
    if error.status == 401:
        return "your credentials are refused, or have expired; log in to the cluster again"
    if isinstance(error.__cause__, trust.SentElsewhere):
        return _IN_BETWEEN
    if error.__cause__ is not None and trust.is_stranger(error.__cause__):
        return "give the kubeconfig the cluster's own certificate-authority, or the right server"
    if isinstance(error, NotTheApi):
        return _IN_BETWEEN
    return "is the cluster up, and the right one? --kubeconfig and --context choose another"


async def _missing(cluster: Cluster, namespace: str) -> list[Remark]:
    try:
        await is_there(cluster, namespace)
    except Gone as error:
        return [wrong("namespace", str(error), "is -n misspelt? kubectl get namespaces lists them")]
    except ClusterError:
        pass  # whatever it is, the next questions meet it too
    return []


async def _schema(cluster: Cluster) -> Remark:
    about = "CRD"
    install = "install the chart, or kubectl apply -f crds/"
    try:
        crd = await cluster.get(CRD)
    except Gone:
        return wrong(about, f"{PLURAL}.{GROUP} is not there", install)
    except ClusterError as error:
        todo = "ask an administrator to look; nothing else here needs it"
        return warning(about, f"it may not be looked at ({error})", todo)
    known = _recorded_fields(crd)
    missing = sorted(_record_fields() - known)
    if missing:
        what = f"it is older than this program, and lacks status.delivery.{missing[0]}"
        return wrong(about, what, "kubectl apply the CRD of this version")
    return ok(about, f"{PLURAL}.{GROUP} has what {__version__} writes")


def _recorded_fields(crd: dict[str, Any]) -> set[str]:
    for version in crd["spec"]["versions"]:
        if version["name"] == VERSION:
            schema = version["schema"]["openAPIV3Schema"].get("properties", {})
            delivery = schema.get("status", {}).get("properties", {}).get("delivery", {})
            return set(delivery.get("properties", {}))
    return set()


def _record_fields() -> set[str]:
    return set(TypeAdapter(DeliveryRecord).json_schema(by_alias=True)["properties"])


async def _right_to_create(cluster: Cluster, namespace: str) -> Remark:
    about = "your rights"
    attributes = {"group": GROUP, "resource": PLURAL, "verb": "create", "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    try:
        answer = await cluster.request("POST", REVIEWS, review)
    except ClusterError as error:
        return warning(about, f"they cannot be asked for ({error})", "try kubectl auth can-i")
    if answer["status"]["allowed"]:
        return ok(about, f"you may create CustomEvents in {namespace}")
    return warning(
        about,
        f"you may not create CustomEvents in {namespace}",
        "ask for the role edit there; a release for the whole cluster adds CustomEvents to it",
    )


async def _cluster_names(
    cluster: Cluster, place: Place, said: OperatorState | None
) -> list[Remark]:
    """Each place that may tell the cluster's name, as it answers to whoever asks here."""
    settings = said.settings if said else Resolving()
    believed = settings.agent_namespaces or (*AGENT_NAMESPACES, place.operator_namespace)
    agents = Agents(believed)
    links = chain(settings.cluster_name, agents)
    remarks = await asyncio.gather(*(_link(cluster, link) for link in links))
    return [*remarks, *_strangers(agents)]


async def _link(cluster: Cluster, link: Link) -> Remark:
    about = f"name: {link.name}"
    try:
        answer = await ask(link, cluster)
    except ClusterError as error:
        return warning(about, str(error))
    match answer:
        case ClusterName(name, source):
            return ok(about, f"{name} ({source})")
        case Ambiguous(said):
            words = ", ".join(f"{where} says {name}" for where, name in said)
            return warning(about, words, "set clusterName in the chart")
        case Silent(why):
            return nothing(about, why)


def _strangers(agents: Agents) -> list[Remark]:
    if not agents.elsewhere:
        return []
    shown = ", ".join(agents.elsewhere)
    todo = "if one is yours, add its namespace to discovery.agentNamespaces"
    return [warning("agents", f"not believed about the cluster's name: {shown}", todo)]
