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
    form: options.Output = options.Form.TABLE,
    *,
    chosen: Chosen,
) -> None:
    """Have events sent again, whatever their state."""
    if bool(names) == failed:
        raise typer.BadParameter("give names, or --failed")
    from customevents.commands import arguments, deliveries, output, patient

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
            is_for_programs = form is not options.Form.TABLE
            asked = await deliveries.resend(
                cluster, where, events, lambda words: typer.echo(words, err=is_for_programs)
            )
            if is_for_programs:
                typer.echo(output.for_programs(asked, form))

    asyncio.run(asking())
