"""The services that exist, as a test or a demo states them, and which of them an event reaches."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import StringConstraints

from customevents.resource.matching import Reach, matches

Name = Annotated[str, StringConstraints(min_length=1)]
Inventory = dict[Name, dict[Name, list[Name]]]
"""cluster → namespace → services."""


def reach_of(scope: dict[str, Any]) -> Reach:
    """Return what a scope, as on the wire, narrows its event to."""
    return Reach(
        clusters=tuple(scope.get("clusters", ())),
        namespaces=tuple(scope.get("namespaces", ())),
        services=tuple(scope.get("servicesNames", ())),
    )


def landing(inventory: Inventory, reach: Reach) -> list[dict[str, str]]:
    """Return the services that an event with this reach lands on."""
    return [
        {"cluster": cluster, "namespace": namespace, "service": service}
        for cluster, namespaces in inventory.items()
        for namespace, services in namespaces.items()
        for service in services
        if matches(reach, cluster=cluster, namespace=namespace, service=service)
    ]


def unknown(inventory: Inventory, scope: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of a scope in which a name stands that nothing in the inventory has.

    Namespaces are not looked at: a cluster has many that nobody registers.
    """
    services = {
        service
        for namespaces in inventory.values()
        for names in namespaces.values()
        for service in names
    }
    for key, known in (("clusters", set(inventory)), ("servicesNames", services)):
        if not known.issuperset(scope.get(key, ())):
            yield f"scope.{key}"
