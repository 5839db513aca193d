"""What is looked for among the workloads of a namespace, and what counts as found. Pure.

A *service* of the events API is a workload: a Deployment, StatefulSet, DaemonSet or Argo Rollout,
by its `metadata.name`. A Service of Kubernetes is not one, nor is a Job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from customevents.resource.matching import Reach
from customevents.resource.release import Release, releases_of
from customevents.resource.spec import LabelSelector, SelectorRequirement
from customevents.scope.cluster_name import ClusterName, Nameless

#: A list for each of more namespaces costs more than a count is worth.
MOST_NAMESPACES = 5


@dataclass(frozen=True, slots=True)
class Workload:
    """What is known of one workload; of its annotations only those that tell its release."""

    name: str
    labels: Mapping[str, str]
    releases: tuple[Release, ...]


@dataclass(frozen=True)
class Search:
    """The workloads of one namespace that a selector selects, or that belong to a release."""

    namespace: str
    by: LabelSelector | Release

    def among(self, workloads: Iterable[Workload]) -> tuple[Workload, ...]:
        """Those that are found."""
        return tuple(filter(self.finds, workloads))

    def finds(self, workload: Workload) -> bool:
        """Whether this is one of those."""
        if isinstance(self.by, Release):
            return self.by in workload.releases
        return selects(self.by, workload.labels)


@dataclass(frozen=True)
class Match:
    """How many workloads of this cluster a scope matches now, and the names that none has."""

    services: int
    unmatched: tuple[str, ...] = ()


def match(names: Collection[str], workloads: Iterable[Workload]) -> Match:
    """Compare the names in a scope with the workloads of its namespaces."""
    wanted = set(names)
    there = [workload.name for workload in workloads if workload.name in wanted]
    missing = wanted.difference(there)
    return Match(len(there), tuple(name for name in names if name in missing))


def where_to_match(reach: Reach, cluster: ClusterName | Nameless) -> tuple[str, ...]:
    """The namespaces of this cluster where the names in a scope can be looked up cheaply."""
    here = not reach.clusters or (
        isinstance(cluster, ClusterName) and cluster.name in reach.clusters
    )
    few = len(reach.namespaces) <= MOST_NAMESPACES
    return reach.namespaces if reach.services and here and few else ()


def read_workload(metadata: dict[str, Any]) -> Workload:
    """Read a workload's `metadata` as the API server sends it."""
    return Workload(metadata["name"], metadata.get("labels") or {}, releases_of(metadata))


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether a Kubernetes LabelSelector selects an object with these labels: all must hold."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions
    )


def _holds(requirement: SelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":  # an object without the label is not in it either, as in Kubernetes
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
