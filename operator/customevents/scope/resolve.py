"""The rule: what the author wrote and what the cluster knows make the scope that is sent. Pure.

The API reads "no scope" as *every service of the account*. So what is not named is filled in,
unless `level` says otherwise; and where it cannot be known, the event is held, never sent wider
than meant.

| dimension  | named    | Namespace (default)  | Cluster        | Account      |
| ---------- | -------- | -------------------- | -------------- | ------------ |
| clusters   | as named | this cluster         | this cluster   | not narrowed |
| namespaces | as named | the object's own     | not narrowed   | not narrowed |
| services   | as named | not narrowed         | not narrowed   | not narrowed |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from customevents.resource.matching import Reach
from customevents.resource.spec import Level, Scope
from customevents.resource.status import Reason
from customevents.scope.cluster_name import ClusterName, Nameless


@dataclass(frozen=True)
class Resolution:
    """The scope that is sent, and where each part of it came from."""

    reach: Reach
    sources: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unresolved:
    """Why the scope cannot be told yet; the event waits."""

    reason: Reason
    message: str


def resolve(
    scope: Scope | None, *, namespace: str, cluster: ClusterName | Nameless
) -> Resolution | Unresolved:
    """The scope of an event in this namespace of this cluster."""
    scope = scope or Scope.model_construct()
    if scope.service_selector is not None:
        return Unresolved(
            Reason.NO_SERVICES_MATCH,
            "Held: this version cannot resolve spec.scope.serviceSelector yet; "
            "name the workloads in spec.scope.serviceNames",
        )
    level = scope.level or Level.NAMESPACE
    sources: dict[str, str] = {}

    clusters = scope.clusters or ()
    if clusters:
        sources["clusters"] = "spec.scope.clusters"
    elif level is not Level.ACCOUNT:
        if isinstance(cluster, Nameless):
            return Unresolved(Reason.CLUSTER_NAME_UNKNOWN, f"Held: {cluster.why}. {NAME_IT}")
        clusters = (cluster.name,)
        sources["clusters"] = cluster.source

    namespaces = scope.namespaces or ()
    if namespaces:
        sources["namespaces"] = "spec.scope.namespaces"
    elif level is Level.NAMESPACE:
        namespaces = (namespace,)
        sources["namespaces"] = "metadata.namespace"

    services = scope.service_names or ()
    if services:
        sources["serviceNames"] = "spec.scope.serviceNames"
    return Resolution(Reach(_unique(clusters), _unique(namespaces), _unique(services)), sources)


#: What an operator's administrator, or else the event's author, can do about a nameless cluster.
NAME_IT = (
    "Tell it to the operator: helm upgrade customevents helm/customevents-operator -n customevents "
    "--reuse-values --set clusterName=NAME (without the chart: CUSTOMEVENTS_CLUSTER_NAME=NAME); "
    "or name spec.scope.clusters"
)


def describe(reach: Reach) -> str:
    """The reach as one sentence that a person reads."""
    if reach == Reach():
        return "ALL services of the account"
    parts = [
        _list("service", reach.services) or "ALL services",
        _list("namespace", reach.namespaces) or "ALL namespaces",
        _list("cluster", reach.clusters) or "ALL clusters",
    ]
    return _clipped(", ".join(parts))


def _clipped(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST_REACH else sentence[: LONGEST_REACH - 1] + "…"


#: As the CRD bounds it; names may be 253 characters long.
LONGEST_REACH = 1024

#: A sentence stays one line: with more names than this, or longer ones, they are counted.
MOST_NAMES = 5
MOST_CHARACTERS = 300


def _list(noun: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    if len(names) == 1:
        return f"{noun} {names[0]}"
    shown = " or ".join(names)
    if len(names) > MOST_NAMES or len(shown) > MOST_CHARACTERS:
        shown = f"{len(names)} of them"
    return f"{noun}s {shown}"


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
