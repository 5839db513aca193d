"""What the operator says about itself, as the commands read it.

Where it stands, and how it is read, is known here alone: no command asks the operator otherwise.
"""

from __future__ import annotations

from customevents.kube import Cluster, config_map
from customevents.resource.operator_state import OperatorState, read_operator_state


def place(namespace: str, name: str) -> str:
    """Where an operator of this name says it, for people."""
    return f"ConfigMap {namespace}/{name}"


async def read(cluster: Cluster, namespace: str, name: str) -> OperatorState | None:
    """What it says; None: what stands there is nothing that an operator says.

    Raises Gone if nothing stands there, InvalidName, and ClusterError.
    """
    return read_operator_state(await config_map(cluster, namespace, name).read())
