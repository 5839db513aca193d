"""The services that exist, as a test or a demo states them, and which of them an event reaches."""

from typing import Annotated, Any

from pydantic import StringConstraints

from customevents.resource.matching import Reach, matches

Name = Annotated[str, StringConstraints(min_length=1)]
Inventory = dict[Name, dict[Name, list[Name]]]
"""cluster → namespace → services."""


def landing(inventory: Inventory, scope: dict[str, Any]) -> list[dict[str, str]]:
    """Return the services that an event with this scope (as on the wire) lands on."""
    reach = Reach(
        clusters=tuple(scope.get("clusters", ())),
        namespaces=tuple(scope.get("namespaces", ())),
        services=tuple(scope.get("servicesNames", ())),
    )
    return [
        {"cluster": cluster, "namespace": namespace, "service": service}
        for cluster, namespaces in inventory.items()
        for namespace, services in namespaces.items()
        for service in services
        if matches(reach, cluster=cluster, namespace=namespace, service=service)
    ]
