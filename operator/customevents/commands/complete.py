"""What a shell offers behind a Tab: names that are there, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from customevents.chosen import Chosen

if TYPE_CHECKING:
    from customevents.kube import Cluster

#: Seconds that a person waits behind a Tab.
PATIENCE = 3.0

#: The flags that choose a cluster, by the names of their parameters.
_CHOOSE = ("kubeconfig", "context", "as_user")


def events(ctx: typer.Context, incomplete: str) -> list[str]:
    """CustomEvents of the namespace that was chosen so far."""
    from customevents.kube import collection

    def where(cluster: Cluster) -> str:
        return collection(ctx.params.get("namespace") or cluster.namespace)

    return _names(ctx, incomplete, where)


def namespaces(ctx: typer.Context, incomplete: str) -> list[str]:
    """Namespaces, for those who may list them."""
    return _names(ctx, incomplete, lambda _: "/api/v1/namespaces")


def _names(ctx: typer.Context, incomplete: str, where: Callable[[Cluster], str]) -> list[str]:
    from customevents.resource.errors import CustomEventsError

    try:
        names = asyncio.run(_listed(_chosen(ctx), where))
    except (CustomEventsError, TimeoutError):
        return []
    return [name for name in names if name.startswith(incomplete)]


async def _listed(chosen: Chosen, where: Callable[[Cluster], str]) -> list[str]:
    from customevents import kube

    async with asyncio.timeout(PATIENCE), kube.connect(chosen=chosen) as cluster:
        return [item["name"] async for item in cluster.metadata(where(cluster))]


def _chosen(ctx: typer.Context) -> Chosen:
    kubeconfig, context, user = (ctx.params.get(each) or "" for each in _CHOOSE)
    return Chosen(kubeconfig, context, user, tuple(ctx.params.get("as_group") or ()))
