"""`customevents list`: what is not delivered, and why."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from customevents.chosen import Chosen
from customevents.commands import options


@options.on_a_cluster
def command(
    namespace: options.Namespace = None,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")
    ] = False,
    form: options.Output = options.Form.TABLE,
    *,
    chosen: Chosen,
) -> None:
    """Show what is not delivered, and why, oldest first."""
    from customevents.clocks import ClusterClock
    from customevents.commands import arguments, deliveries, output, patient, table

    clock, wanted = ClusterClock(), arguments.namespace(namespace)

    async def reading() -> tuple[list[table.Line], str]:
        async with patient.connect(chosen, clock=clock) as cluster:
            where = "" if everywhere else wanted or cluster.namespace
            rows = table.oldest_first(await deliveries.undelivered(cluster, where))
            return rows, "" if rows else await deliveries.all_clear(cluster, where)

    rows, all_clear = asyncio.run(reading())
    if form is not options.Form.TABLE:
        typer.echo(output.for_programs([table.flat(row) for row in rows], form))
    elif rows:
        table.print_lines(rows, clock.now(), namespaces=everywhere)
    else:
        typer.echo(all_clear, err=True)
