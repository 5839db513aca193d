"""What is asked of the product, in a process of its own with the row's environment.

It is asked both ways that lead to the API server: its own client's, and kopf's.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import aiohttp

from customevents import cli, kube
from customevents.chosen import Chosen
from customevents.resource.errors import CustomEventsError

#: Exit code where one way leads to the API server and the other does not.
DISAGREE = 2


def run(what: str, flags: Sequence[str]) -> int:
    """Ask, and return an exit code as a command would."""
    if what == "customevents":
        return _command(flags)
    try:
        return asyncio.run(_namespace(flags) if what == "namespace" else _both_ways(flags))
    except CustomEventsError as error:
        print(error, file=sys.stderr)
        return 1


def _command(flags: Sequence[str]) -> int:
    sys.argv = ["customevents", *flags]
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


async def _namespace(flags: Sequence[str]) -> int:
    async with kube.connect(chosen=_chosen(flags)) as cluster:
        print(cluster.namespace)
    return 0


async def _both_ways(flags: Sequence[str]) -> int:
    async with kube.connect(chosen=_chosen(flags)) as cluster:
        ends = [await _asked(way(cluster)) for way in (_client, _session)]
    return ends[0] if ends[0] == ends[1] else DISAGREE


async def _asked(way: Coroutine[Any, Any, None]) -> int:
    try:
        await way
    except (CustomEventsError, aiohttp.ClientError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _client(cluster: kube.Cluster) -> None:
    await cluster.get("/version")


async def _session(cluster: kube.Cluster) -> None:
    async with cluster.session() as session, session.get(f"{cluster.server}/version") as answer:
        answer.raise_for_status()


def _chosen(flags: Sequence[str]) -> Chosen:
    given = [flag.removeprefix("--").partition("=") for flag in flags]
    one = {name: value for name, _, value in given}
    return Chosen(
        kubeconfig=one.get("kubeconfig", ""),
        context=one.get("context", ""),
        as_user=one.get("as", ""),
        as_groups=tuple(value for name, _, value in given if name == "as-group"),
    )
