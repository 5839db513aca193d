"""`customevents send`: create an event, and wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from customevents.chosen import Chosen
from customevents.commands import options

if TYPE_CHECKING:
    from customevents.commands.draft import Flags
    from customevents.eventsapi.curl import Translation


@options.on_a_cluster
def command(
    event_type: options.EventType = None,
    summary: options.Summary = None,
    severity: options.Severity = None,
    detail: options.Details = None,
    occurred_at: options.OccurredAt = None,
    service: options.Services = None,
    namespace_scope: options.Namespaces = None,
    cluster: options.Clusters = None,
    level: options.Level = None,
    curl: options.Curl = None,
    name: options.Name = None,
    namespace: options.Namespace = None,
    as_resource: options.AsResource = False,
    timeout: options.Patience = 60.0,
    form: options.Output = options.Form.TABLE,
    *,
    chosen: Chosen,
) -> None:
    """Create a CustomEvent and wait for it; the operator sends it.

    The exit codes are those of `wait`. After a timeout the event is still there, and still sent.
    """
    from customevents.commands import arguments, draft, kubectl_yaml
    from customevents.resource.spec import advice

    about = (service, namespace_scope, cluster, level)
    flags = draft.Flags(event_type, summary, severity, _pairs(detail), occurred_at, *about)
    with options.errors_end_with(4):
        arguments.namespace(namespace)
        content = _content(flags, curl)
        event = draft.manifest(content.spec, name, namespace)
        for remark in filter(None, (*content.remarks, advice(event["spec"]["eventType"]))):
            typer.echo(f"customevents: {remark}", err=True)
        if as_resource:
            typer.echo(kubectl_yaml.write_yaml(event))
            return
        ending = asyncio.run(_send(event, namespace, timeout, form, chosen))
    raise typer.Exit(ending)


def _pairs(details: list[str] | None) -> dict[str, str]:
    pairs = {}
    for detail in details or ():
        key, found, value = detail.partition("=")
        if not found:
            raise typer.BadParameter(f"{detail!r} must be KEY=VALUE", param_hint="--detail")
        if key in pairs:
            raise typer.BadParameter(f"{key!r} is given twice", param_hint="--detail")
        pairs[key] = value
    return pairs


def _content(flags: Flags, curl: str | None) -> Translation:
    from customevents.commands.draft import read_body
    from customevents.eventsapi.curl import Translation, translate

    if curl is None:
        if "" in (flags.event_type, flags.summary):
            raise typer.BadParameter("--type or --summary is empty: is a variable not set?")
        if not (flags.event_type and flags.summary):
            raise typer.BadParameter("give --type and --summary, or --curl")
        return Translation(flags.spec)
    if flags.spec:
        raise typer.BadParameter("--curl stands alone: the body says what the flags would say")
    return translate(read_body(curl))


async def _send(
    event: dict[str, Any],
    namespace: str | None,
    seconds: float,
    form: options.Form,
    chosen: Chosen,
) -> int:
    from customevents.commands import deliveries, patient, telling

    tell = telling.Telling(form)
    try:
        async with patient.connect(chosen, seconds) as cluster:
            where = namespace or cluster.namespace
            return await deliveries.send(cluster, where, event, tell.say, tell.see)
    finally:
        tell.end()
