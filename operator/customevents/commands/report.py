"""`customevents report`: a bundle for somebody who shall help."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from customevents.chosen import Chosen
from customevents.commands import options


@options.on_a_cluster
def command(
    namespace: options.Namespace = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Default: customevents-report-TIME.zip, here."
        ),
    ] = None,
    operator_namespace: options.OperatorNamespace = "customevents",
    operator_name: options.OperatorName = "customevents",
    *,
    chosen: Chosen,
) -> None:
    """Write a bundle for somebody who shall help, to be read first.

    It holds no key, no token, nothing of what an event says, and no names of other namespaces. What
    you may not read says so in its place.
    """
    from customevents.clocks import ClusterClock
    from customevents.commands import arguments, bundle, checkup, patient

    clock, wanted = ClusterClock(), arguments.namespace(namespace)

    async def gathering() -> dict[str, str]:
        async with patient.connect(chosen, clock=clock) as cluster:
            where = wanted or cluster.namespace
            place = checkup.Place(where, operator_namespace, operator_name)
            return await bundle.gather(cluster, place, clock)

    files = asyncio.run(gathering())
    target = file or Path(f"customevents-report-{clock.now():%Y%m%d-%H%M%S}.zip")
    bundle.write(files, target)
    typer.echo(files["README.txt"])
    typer.echo(f"{target} is written")
