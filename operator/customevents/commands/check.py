"""`customevents check`: what stands between here and a delivered event."""

from __future__ import annotations

import asyncio

import typer

from customevents.chosen import Chosen
from customevents.commands import options


@options.on_a_cluster
def command(
    namespace: options.Namespace = None,
    operator_namespace: options.OperatorNamespace = "customevents",
    operator_name: options.OperatorName = "customevents",
    form: options.Output = options.Form.TABLE,
    *,
    chosen: Chosen,
) -> None:
    """Show what keeps events from being delivered, and what to do.

    Exit code 1 if something is wrong; a warning is none.
    """
    from customevents.clocks import ClusterClock
    from customevents.commands import arguments, checkup, output, patient, remarks

    clock, wanted = ClusterClock(), arguments.namespace(namespace)

    async def looking() -> list[remarks.Remark]:
        async with patient.connect(chosen, clock=clock) as cluster:
            place = checkup.Place(wanted or cluster.namespace, operator_namespace, operator_name)
            return await checkup.check(cluster, place, clock)

    made = asyncio.run(looking())
    if form is options.Form.TABLE:
        remarks.print_remarks(made)
    else:
        typer.echo(output.for_programs([remarks.flat(remark) for remark in made], form))
    raise typer.Exit(any(remark.grade is remarks.Grade.WRONG for remark in made))
