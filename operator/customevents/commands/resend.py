"""`customevents resend`: have events sent again."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from customevents.chosen import Chosen
from customevents.commands import complete, options


@options.on_a_cluster
def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="CustomEvents.", autocompletion=complete.events),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All of the namespace that were refused for good.")
    ] = False,
    namespace: options.Namespace = None,
    *,
    chosen: Chosen,
) -> None:
    """Have events sent again, whatever their state."""
    if bool(names) == failed:
        raise typer.BadParameter("give names, or --failed")
    from customevents.commands import arguments, deliveries, patient

    called, wanted = (
        [arguments.event_name(name) for name in names or ()],
        arguments.namespace(namespace),
    )

    async def asking() -> None:
        async with patient.connect(chosen) as cluster:
            where = wanted or cluster.namespace
            events = called or await deliveries.failed(cluster, where)
            if not events:
                typer.echo(await deliveries.none_failed(cluster, where), err=True)
            await deliveries.resend(cluster, where, events, typer.echo)

    asyncio.run(asking())
