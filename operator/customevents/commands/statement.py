"""What the operator says about itself, and what it is sending just now, as the commands read it.

Where it stands, and how it is read, is known here alone: no command asks the operator otherwise.
"""

from __future__ import annotations

from typing import Any

from customevents.kube import Cluster, config_map, lease
from customevents.resource import lease as leases
from customevents.resource.errors import ClusterError, Gone
from customevents.resource.operator_state import OperatorState, read_operator_state

#: Statuses that say that one may not look.
_MAY_NOT = (401, 403)


def place(namespace: str, name: str) -> str:
    """Where an operator of this name says it, for people."""
    return f"ConfigMap {namespace}/{name}"


async def read(cluster: Cluster, namespace: str, name: str) -> OperatorState | None:
    """What it says; None: what stands there is nothing that an operator says.

    Raises Gone if nothing stands there, InvalidName, and ClusterError.
    """
    return read_operator_state(await config_map(cluster, namespace, name).read())


async def election(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    """Its Lease: who leads, and the journal. Raises Gone if there is none, and ClusterError."""
    return leases.readable(await lease(cluster, namespace, name).read())


def journal(found: dict[str, Any]) -> leases.Listed:
    """The attempts that a Lease lists."""
    return leases.read_entries(found["metadata"]["annotations"].get(leases.IN_FLIGHT))


async def under_way(cluster: Cluster, namespace: str, name: str) -> leases.Listed | str:
    """The attempts that its journal lists, or in words why that cannot be read from here."""
    try:
        return journal(await election(cluster, namespace, name))
    except Gone:
        return leases.Listed()  # nobody could have sent anything
    except ClusterError as error:
        if error.status in _MAY_NOT:
            return "only the operator and administrators may read its journal"
        return str(error)
