"""Fills in what an author left out of a scope, by what the live cluster knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from customevents.resource.event import CustomEvent
from customevents.resource.matching import Reach, describe
from customevents.resource.spec import CustomEventSpec
from customevents.resource.status import ResolvedScope
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.discovery import Discovery, NotYet
from customevents.scope.resolve import (
    NotAllowed,
    Resolution,
    Rules,
    Unresolved,
    could_be,
    refusal,
    resolve,
)
from customevents.scope.search import where_to_match


@dataclass(frozen=True)
class Filled:
    """A scope that can be sent; no workload of this cluster has the names in `unmatched`."""

    scope: ResolvedScope
    unmatched: tuple[str, ...] = ()


#: Else it is not known yet, or must not be.
Found = Filled | Unresolved | NotAllowed | NotYet


@dataclass(frozen=True)
class Filler:
    """Fills in scopes; `endpoint` is shown in their status."""

    endpoint: str
    cluster_name: Callable[[], ClusterName | Nameless]
    rules: Rules
    discovery: Discovery

    async def fill(self, event: CustomEvent, spec: CustomEventSpec, *, attempted: bool) -> Found:
        """The scope of an event: told once, then frozen by what its first attempt recorded."""
        frozen = event.status.resolved if attempted else None
        if frozen and not could_be(reach(frozen), spec.scope, namespace=event.namespace):
            frozen = None  # somebody else wrote it, or a part of it is lost
        scope = self._again(frozen, event, spec) if frozen else await self._resolve(event, spec)
        if not isinstance(scope, ResolvedScope):
            return scope
        return await self._check_names(scope, event, spec)

    def _again(
        self, frozen: ResolvedScope, event: CustomEvent, spec: CustomEventSpec
    ) -> ResolvedScope | NotAllowed:
        """A frozen scope by the settings of now: they may have changed since the first attempt.

        The cluster's own name is not asked: it may be a guess by now, and the scope is no wider.
        """
        refused = refusal(spec.scope, namespace=event.namespace, rules=self.rules, again=True)
        return refused or replace(frozen, endpoint=self._host)

    @property
    def _host(self) -> str:
        return self.endpoint.partition("://")[2]

    async def _resolve(
        self, event: CustomEvent, spec: CustomEventSpec
    ) -> ResolvedScope | Unresolved | NotAllowed | NotYet:
        told = resolve(
            spec.scope,
            namespace=event.namespace,
            cluster=self.cluster_name(),
            release=event.release,
            rules=self.rules,
        )
        if not isinstance(told, Resolution):
            return told
        found = await self.discovery.complete(told, event.changed)
        if not isinstance(found, Resolution):
            return found
        return ResolvedScope(
            endpoint=self._host,
            severity=spec.canonical_severity.value,
            clusters=found.reach.clusters,
            namespaces=found.reach.namespaces,
            service_names=found.reach.services,
            reach=describe(found.reach),
            sources=found.sources,
            matching_services=found.matching,
        )

    async def _check_names(
        self, scope: ResolvedScope, event: CustomEvent, spec: CustomEventSpec
    ) -> Filled:
        """Look up the names that the author wrote: the API takes a misspelt one without a word."""
        if spec.scope is None or spec.scope.service_names is None:
            return Filled(scope)
        namespaces = where_to_match(reach(scope), self.cluster_name())
        if not namespaces:
            return Filled(scope)
        found = await self.discovery.match(scope.service_names, namespaces, event.changed)
        if found is None:
            return Filled(scope)
        return Filled(replace(scope, matching_services=found.services), found.unmatched)


def reach(scope: ResolvedScope) -> Reach:
    """Whom a resolved scope is about."""
    return Reach(scope.clusters, scope.namespaces, scope.service_names)
