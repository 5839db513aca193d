"""The rule: what the author wrote and what the cluster knows make the scope that is sent. Pure.

The API reads "no scope" as *every service of the account*. So what is not named is filled in,
unless `level` says otherwise; and where it cannot be known, the event is held, never sent wider
than meant.

| dimension  | named    | Namespace (default)        | Cluster      | Account      |
| ---------- | -------- | -------------------------- | ------------ | ------------ |
| clusters   | as named | this cluster               | this cluster | not narrowed |
| namespaces | as named | the object's own           | not narrowed | not narrowed |
| services   | as named | not narrowed, or those     | not narrowed | not narrowed |
|            |          | released with the object   |              |              |

`serviceSelector` names services: those that it selects. What was released with the object is looked
for only if nothing at all is named, not even the level.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from customevents.resource import names
from customevents.resource.errors import ClusterError
from customevents.resource.matching import Reach
from customevents.resource.release import Release
from customevents.resource.spec import LabelSelector, Level, Scope, is_plain
from customevents.resource.status import Reason
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.search import Search, Workload

#: What one request may name; of more found services none is named.
MOST_SERVICES = 200

#: In `Rules.wide_from`: every namespace.
ANY_NAMESPACE = "*"


@dataclass(frozen=True)
class Rules:
    """What the operator's settings say about scopes."""

    #: Whether the workloads that were released with an object are looked for.
    discover_releases: bool = True
    #: The namespaces whose events may reach beyond their own namespace.
    wide_from: Collection[str] = (ANY_NAMESPACE,)

    def may_reach_wide(self, namespace: str) -> bool:
        """Whether events of this namespace may reach beyond it."""
        return ANY_NAMESPACE in self.wide_from or namespace in self.wide_from


@dataclass(frozen=True)
class Resolution:
    """The scope that is sent, and where each part of it came from."""

    reach: Reach
    sources: dict[str, str] = field(default_factory=dict)
    #: What has to be looked for before the services are told.
    search: Search | None = None
    #: How many workloads of this cluster the scope matches, where that is known.
    matching: int | None = None


@dataclass(frozen=True)
class Unresolved:
    """Why the scope cannot be told yet; the event says so and waits, until `again` if given."""

    reason: Reason
    message: str
    again: datetime | None = None


@dataclass(frozen=True)
class NotAllowed:
    """Why an event from this namespace must not reach as far as it asks; it fails."""

    message: str


def resolve(
    scope: Scope | None,
    *,
    namespace: str,
    cluster: ClusterName | Nameless,
    release: Release | None = None,
    rules: Rules = Rules(),
) -> Resolution | Unresolved | NotAllowed:
    """The scope of an event in this namespace of this cluster.

    Where a search is left to do, `with_services` completes it.
    """
    scope = scope or Scope.model_construct()
    refused = refusal(scope, namespace=namespace, rules=rules) or _foreign_cluster(
        scope, namespace, cluster, rules
    )
    if refused is not None:
        return refused
    named = _by_names_and_level(scope, namespace, cluster)
    by = scope.service_selector or (release if _may_discover(scope, rules) else None)
    if isinstance(named, Unresolved) or by is None:
        return named
    return replace(named, search=Search(named.reach.namespaces[0], by))


def _by_names_and_level(
    scope: Scope, namespace: str, cluster: ClusterName | Nameless
) -> Resolution | Unresolved:
    level = scope.level or Level.NAMESPACE
    sources: dict[str, str] = {}

    clusters = scope.clusters or ()
    if clusters:
        sources["clusters"] = "spec.scope.clusters"
    elif level is not Level.ACCOUNT:
        if isinstance(cluster, Nameless):
            return _nameless(cluster)
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


def _may_discover(scope: Scope, rules: Rules) -> bool:
    named = scope.level or scope.clusters or scope.namespaces or scope.service_names
    return rules.discover_releases and not named


def could_be(reach: Reach, scope: Scope | None, *, namespace: str) -> bool:
    """Whether a recorded reach is one that this scope can have been resolved to.

    Whoever may write a status may plant another one there, or lose a part of it; and of what is not
    listed, everything is meant. Only the cluster's own name may have been another one.
    """
    scope = scope or Scope.model_construct()
    cluster = "".join(reach.clusters[:1])
    told = _by_names_and_level(scope, namespace, ClusterName(cluster, ""))
    if isinstance(told, Unresolved) or not all(map(is_plain, reach.clusters)):
        return False
    if (reach.clusters, reach.namespaces) != (told.reach.clusters, told.reach.namespaces):
        return False
    selects = scope.service_selector is not None
    if reach.services == told.reach.services:
        return not selects
    found = selects or _may_discover(scope, Rules())
    return found and bool(reach.services) and all(map(names.is_object, reach.services))


def with_services(
    resolution: Resolution, workloads: Collection[Workload]
) -> Resolution | Unresolved:
    """The resolution after its search among the workloads of the search's namespace."""
    search = resolution.search
    if search is None:
        return resolution
    found = search.among(workloads)
    names = tuple(sorted({workload.name for workload in found}))
    told = replace(resolution, search=None, matching=len(found))
    if isinstance(search.by, LabelSelector):
        if not names:
            return _no_match(search.namespace)
        if len(names) > MOST_SERVICES:
            return _too_many(search.namespace)
        return _naming(told, names, "spec.scope.serviceSelector")
    if names and len(names) <= MOST_SERVICES:
        return _naming(told, names, str(search.by))
    why = f"more than {MOST_SERVICES} workloads" if names else "no workload"
    return replace(_naming(told, (), f"{why} with {search.by}"), matching=len(workloads))


def _naming(resolution: Resolution, names: tuple[str, ...], source: str) -> Resolution:
    return replace(
        resolution,
        reach=replace(resolution.reach, services=names),
        sources={**resolution.sources, "serviceNames": source},
    )


def refusal(
    scope: Scope | None, *, namespace: str, rules: Rules, again: bool = False
) -> NotAllowed | None:
    """Why a scope must not reach beyond its own namespace; None: it may, or does not."""
    if scope is None or rules.may_reach_wide(namespace):
        return None
    if scope.level in (Level.CLUSTER, Level.ACCOUNT):
        return _beyond(namespace, f"level {scope.level}", again=again)
    if foreign := [name for name in scope.namespaces or () if name != namespace]:
        return _beyond(namespace, f"namespace {foreign[0]}", again=again)
    return None


def _foreign_cluster(
    scope: Scope, namespace: str, cluster: ClusterName | Nameless, rules: Rules
) -> NotAllowed | Unresolved | None:
    """Whether it names another cluster, and must not."""
    if not scope.clusters or rules.may_reach_wide(namespace):
        return None
    if isinstance(cluster, Nameless):
        return _nameless(cluster)
    if foreign := [name for name in scope.clusters if name != cluster.name]:
        return _beyond(namespace, f"cluster {foreign[0]}")
    return None


def _beyond(namespace: str, what: str, *, again: bool = False) -> NotAllowed:
    sent = "sent again" if again else "sent"
    return NotAllowed(
        f"Not {sent}: spec.scope asks for {what}, but events of namespace {namespace} must not "
        "reach beyond it (the operator's setting CUSTOMEVENTS_SCOPE_WIDE_FROM). Edit the event; "
        "or, once the setting allows it, resend it"
    )


#: What an operator's administrator, or else the event's author, can do about a nameless cluster.
NAME_IT = (
    "Tell it to the operator: helm upgrade customevents helm/customevents-operator -n customevents "
    "--reuse-values --set clusterName=NAME (without the chart: CUSTOMEVENTS_CLUSTER_NAME=NAME); "
    "or name spec.scope.clusters"
)


def _nameless(cluster: Nameless) -> Unresolved:
    return Unresolved(Reason.CLUSTER_NAME_UNKNOWN, f"Held: {cluster.why}. {NAME_IT}")


def _no_match(namespace: str) -> Unresolved:
    return Unresolved(
        Reason.NO_SERVICES_MATCH,
        f"Held: spec.scope.serviceSelector matches no workload of namespace {namespace}. It looks "
        "at the labels of Deployments, StatefulSets, DaemonSets and Rollouts themselves, not of "
        "their pods; it is tried again every minute",
    )


def _too_many(namespace: str) -> Unresolved:
    return Unresolved(
        Reason.TOO_MANY_SERVICES,
        f"Held: spec.scope.serviceSelector matches more than {MOST_SERVICES} workloads of "
        f"namespace {namespace}. Select fewer; or, if all of the namespace are meant, name "
        "spec.scope.level: Namespace instead",
    )


def services_unknown(namespace: str, error: ClusterError) -> Unresolved:
    """The workloads that decide the scope cannot be listed, and waiting alone will not help."""
    return Unresolved(
        Reason.SERVICES_UNKNOWN,
        f"Held: the workloads of namespace {namespace} cannot be listed: {error}. May the "
        "operator's service account list them?",
    )


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
