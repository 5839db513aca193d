"""`customevents wait`: wait for an event, as a pipeline does."""

from __future__ import annotations

import asyncio

import typer

from customevents.chosen import Chosen
from customevents.commands import options


@options.on_a_cluster
def command(
    name: options.EventName,
    namespace: options.Namespace = None,
    timeout: options.Patience = 60.0,
    form: options.Output = options.Form.TABLE,
    *,
    chosen: Chosen,
) -> None:
    """Wait for an event, as a pipeline does.

    Exit code 0: Delivered. 1: Failed, Expired, or Held until a person decides; at once. 3: neither
    within the timeout. 4: the command itself failed.
    """
    from customevents.commands import arguments, deliveries, patient, telling

    tell = telling.Telling(form)

    async def waiting() -> deliveries.ExitCode:
        async with patient.connect(chosen, timeout) as cluster:
            where = wanted or cluster.namespace
            return await deliveries.wait(cluster, where, called, tell.say, tell.see)

    with options.errors_end_with(4):
        called, wanted = arguments.event_name(name), arguments.namespace(namespace)
        try:
            ending = asyncio.run(waiting())
        finally:
            tell.end()
    raise typer.Exit(ending)
