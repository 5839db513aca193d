"""What would be sent: the scope that is filled in, and the body of the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from customevents.delivery.lifecycle import Verdict
from customevents.eventsapi.payload import build_body, provenance
from customevents.resource.event import CustomEvent
from customevents.resource.matching import Reach, describe
from customevents.resource.spec import CustomEventSpec
from customevents.resource.status import DeliveryRecord, ResolvedScope, State
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.discovery import Discovery, NotYet
from customevents.scope.resolve import (
    NotAllowed,
    Resolution,
    Rules,
    Unresolved,
    could_be,
    resolve,
)
from customevents.scope.search import where_to_match

#: Names in a message; of more, the rest are counted.
MOST_NAMES = 5

#: Why there is no draft: it is not known yet, or must not be.
NoDraft = Unresolved | NotAllowed | NotYet


@dataclass(frozen=True)
class Draft:
    """A scope that can be sent; no workload of this cluster has the names in `unmatched`."""

    scope: ResolvedScope
    unmatched: tuple[str, ...] = ()

    def judged(self, verdict: Verdict) -> Verdict:
        """The verdict, saying as well which names are probably misspelt."""
        if not self.unmatched or verdict.record.state not in (State.DELIVERED, State.SUSPENDED):
            return verdict
        names = ", ".join(self.unmatched[:MOST_NAMES])
        more = len(self.unmatched) - MOST_NAMES
        named = f"{names} and {more} more" if more > 0 else names
        words = f"No workload here is named {named}; misspelt?"
        message = f"{verdict.message.rstrip('.')}. {words}"
        return replace(verdict, message=message, warning=words)


@dataclass(frozen=True)
class Drafts:
    """Resolves and words events; `endpoint` is shown in their status."""

    endpoint: str
    cluster_name: Callable[[], ClusterName | Nameless]
    with_provenance: bool
    rules: Rules
    discovery: Discovery

    async def resolve(
        self, event: CustomEvent, spec: CustomEventSpec, record: DeliveryRecord
    ) -> Draft | NoDraft:
        """The scope that is sent under this id: told once, then frozen by its first attempt."""
        frozen = event.status.resolved if record.attempts else None
        if frozen and not could_be(_reach(frozen), spec.scope, namespace=event.namespace):
            frozen = None  # somebody else wrote it, or a part of it is lost
        scope = frozen or await self._resolve(event, spec)
        if not isinstance(scope, ResolvedScope):
            return scope
        return await self._check_names(scope, event, spec)

    async def _resolve(self, event: CustomEvent, spec: CustomEventSpec) -> ResolvedScope | NoDraft:
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
            endpoint=self.endpoint.partition("://")[2],
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
    ) -> Draft:
        """Look up the names that the author wrote: the API takes a misspelt one without a word."""
        if spec.scope is None or spec.scope.service_names is None:
            return Draft(scope)
        namespaces = where_to_match(_reach(scope), self.cluster_name())
        if not namespaces:
            return Draft(scope)
        found = await self.discovery.match(scope.service_names, namespaces, event.changed)
        if found is None:
            return Draft(scope)
        counted = scope.model_copy(update={"matching_services": found.services})
        return Draft(counted, found.unmatched)

    def body(
        self,
        event: CustomEvent,
        spec: CustomEventSpec,
        record: DeliveryRecord,
        resolved: ResolvedScope,
    ) -> dict[str, Any]:
        """The request's body for a resolved event."""
        origin = provenance(event, spec, record.id) if self.with_provenance else None
        return build_body(spec, _reach(resolved), origin)


def _reach(scope: ResolvedScope) -> Reach:
    return Reach(scope.clusters, scope.namespaces, scope.service_names)
