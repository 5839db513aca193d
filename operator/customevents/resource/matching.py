"""The API's matching rule, written once: OR within a list, AND between lists.

Source: the documentation of `POST /mgmt/v1/events`. A list that is left out narrows nothing, so no
list at all reaches every service of the whole account.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """What one request narrows its event to; an empty tuple does not narrow."""

    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def matches(reach: Reach, *, cluster: str, namespace: str, service: str) -> bool:
    """Whether an event with this reach lands on this service."""
    return (
        (not reach.clusters or cluster in reach.clusters)
        and (not reach.namespaces or namespace in reach.namespaces)
        and (not reach.services or service in reach.services)
    )
