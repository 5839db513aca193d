"""`customevents explain`: what became of an event, why, and what happens next."""

from __future__ import annotations

import asyncio
import sys

import typer

from customevents.chosen import Chosen
from customevents.commands import options


@options.on_a_cluster
def command(
    name: options.EventName,
    namespace: options.Namespace = None,
    operator_namespace: options.OperatorNamespace = "customevents",
    operator_name: options.OperatorName = "customevents",
    form: options.Output = options.Form.TABLE,
    *,
    chosen: Chosen,
) -> None:
    """Tell why an event is as it is, and what to do about it."""
    from customevents.clocks import ClusterClock
    from customevents.commands import arguments, explanation, output, patient, remedies, usage

    clock, typed = ClusterClock(), remedies.Typed(usage.program(sys.argv[0]), chosen.flags)
    called, wanted = arguments.event_name(name), arguments.namespace(namespace)

    async def asking() -> explanation.Explanation:
        async with patient.connect(chosen, clock=clock) as cluster:
            where = wanted or cluster.namespace
            operator = (operator_namespace, operator_name)
            return await explanation.explain(cluster, where, called, operator, clock, typed)

    told = asyncio.run(asking())
    if form is options.Form.TABLE:
        output.print_tree(explanation.tree(told))
    else:
        typer.echo(output.for_programs(explanation.data(told), form))
