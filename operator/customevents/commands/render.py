"""`customevents render`: the body that would be sent, and sent by nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from customevents.chosen import Chosen
from customevents.commands import options

if TYPE_CHECKING:
    from customevents.commands import bodies
    from customevents.kube import Cluster
    from customevents.resource.event import CustomEvent


@options.on_a_cluster
def command(
    name: options.NameOrFile = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    operator_namespace: options.OperatorNamespace = "customevents",
    operator_name: options.OperatorName = "customevents",
    form: options.DataOutput = options.Form.JSON,
    *,
    chosen: Chosen,
) -> None:
    """Print the body that would be sent; nothing is sent."""
    if (name is None) == (file is None):
        raise typer.BadParameter("give a name, or --file")
    from customevents.commands import arguments, bodies, manifests, output, patient
    from customevents.resource.spec import advice

    called = None if name is None else arguments.event_name(name)
    wanted = arguments.namespace(namespace)
    text = None if file is None else manifests.read_source(file)

    async def resolving() -> list[bodies.Rendered]:
        async with patient.connect(chosen) as cluster:
            where = wanted or cluster.namespace
            renderer = await bodies.renderer(cluster, operator_namespace, operator_name)
            if renderer.note:
                typer.echo(f"# {renderer.note}", err=True)
            if text is not None:
                return [
                    await renderer.render(await _judged(cluster, manifest, where, namespace))
                    for manifest in bodies.read_manifests(text)
                ]
            return [await renderer.render(await bodies.live(cluster, where, str(called)))]

    for number, rendered in enumerate(asyncio.run(resolving())):
        if number and form is options.Form.YAML:
            typer.echo("---")
        typer.echo(f"# {rendered.reach}", err=True)
        if remark := advice(rendered.body["eventType"]):
            typer.echo(f"# {remark}", err=True)
        typer.echo(output.for_programs(rendered.body, form))


async def _judged(
    cluster: Cluster, manifest: dict[str, Any], where: str, asked: str | None
) -> CustomEvent:
    from customevents.commands import bodies

    event, note = await bodies.judged(cluster, manifest, where, asked)
    if note:
        typer.echo(f"# {event.path}: {note}", err=True)
    return event
