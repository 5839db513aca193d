"""What would be sent: the scope that is filled in, and the body of the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from customevents.eventsapi.payload import build_body, provenance
from customevents.resource.event import CustomEvent
from customevents.resource.matching import Reach
from customevents.resource.spec import CustomEventSpec
from customevents.resource.status import DeliveryRecord, ResolvedScope
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.resolve import Unresolved, describe, resolve


@dataclass(frozen=True)
class Drafts:
    """Resolves and words events; `endpoint` is shown in their status."""

    endpoint: str
    cluster_name: Callable[[], ClusterName | Nameless]
    with_provenance: bool

    def resolve(
        self, event: CustomEvent, spec: CustomEventSpec, record: DeliveryRecord
    ) -> ResolvedScope | Unresolved:
        """The scope that is sent under this id: told once, then frozen by its first attempt."""
        if record.attempts and event.status.resolved is not None:
            return event.status.resolved
        found = resolve(spec.scope, namespace=event.namespace, cluster=self.cluster_name())
        if isinstance(found, Unresolved):
            return found
        return ResolvedScope(
            endpoint=self.endpoint.partition("://")[2],
            severity=spec.canonical_severity.value,
            clusters=found.reach.clusters,
            namespaces=found.reach.namespaces,
            service_names=found.reach.services,
            reach=describe(found.reach),
            sources=found.sources,
        )

    def body(
        self,
        event: CustomEvent,
        spec: CustomEventSpec,
        record: DeliveryRecord,
        resolved: ResolvedScope,
    ) -> dict[str, Any]:
        """The request's body for a resolved event."""
        reach = Reach(resolved.clusters, resolved.namespaces, resolved.service_names)
        origin = provenance(event, spec, record.id) if self.with_provenance else None
        return build_body(spec, reach, origin)
