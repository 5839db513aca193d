"""The command line: each command calls one function of a room. Errors are one line, exit 1."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from customevents import __version__, logs
from customevents.chosen import Chosen
from customevents.commands import options
from customevents.resource.errors import CustomEventsError, SettingsError

if TYPE_CHECKING:
    from customevents.commands.drafting import Flags
    from customevents.eventsapi.curl import Translation
    from customevents.kube import Cluster
    from customevents.resource.event import CustomEvent

app = typer.Typer(
    name="customevents",
    help="Custom events on the Komodor timeline, from Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"customevents {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run() -> None:
    """Run the operator: watch CustomEvents, deliver them, write what became of them.

    It is configured by the environment: CUSTOMEVENTS_API_KEY_FILE must name the file that holds the
    API key; docs/settings.md lists the rest. KUBECONFIG names the cluster; in a pod, it is the one
    around it.
    """
    import uvloop

    from customevents.run import run as run_operator
    from customevents.settings import load_settings

    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_operator(settings))


@app.command()
def sandbox(
    host: Annotated[
        str, typer.Option(help="Address to listen on; :: for all, of IPv4 as well.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 = any free one.")] = 8090,
    database: Annotated[
        str, typer.Option(help="SQLite file that keeps the events, or :memory:.")
    ] = ":memory:",
    key_file: Annotated[
        Path | None, typer.Option(help="File with the key to accept. Without it: test-key.")
    ] = None,
    behaviour: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="What the API's documents leave open, as GET /sandbox/behaviour lists it; "
            "repeatable.",
        ),
    ] = None,
    inventory: Annotated[
        Path | None,
        typer.Option(help="File (JSON or YAML) of what exists: cluster, namespace, services."),
    ] = None,
) -> None:
    """Run a stand-in for the events API: the same contract, strictly, for tests and trials.

    A browser sees a timeline at its address.
    """
    from customevents import sandbox as stand_in
    from customevents.eventsapi.key import KeyFile

    logs.set_up("INFO", "text")
    setup = stand_in.Setup(
        key=KeyFile(key_file).read().get_secret_value() if key_file else "test-key",
        database=database,
        behaviour=stand_in.read_switches(behaviour or []),
        inventory=stand_in.read_inventory(inventory) if inventory else None,
    )
    with _listening(host, port):
        asyncio.run(stand_in.serve(host, port, setup, announce=_announce))


@app.command()
@options.on_a_cluster
def wait(
    name: Annotated[str, typer.Argument(help="The CustomEvent's name.")],
    namespace: options.Namespace = None,
    timeout: options.Patience = 60.0,
    *,
    chosen: Chosen,
) -> None:
    """Wait for an event, as a pipeline does.

    Exit code 0: Delivered. 1: Failed, Expired, or Held until a person decides; at once. 3: neither
    within the timeout. 4: the command itself failed.
    """
    from customevents.commands import following, naming, patience

    async def waiting() -> following.Ending:
        async with patience.connect(chosen, timeout) as cluster:
            where = wanted or cluster.namespace
            return await following.wait(cluster, where, called, typer.echo)

    with options.errors_end_with(4):
        called, wanted = naming.event_name(name), naming.namespace(namespace)
        ending = asyncio.run(waiting())
    raise typer.Exit(ending)


@app.command()
@options.on_a_cluster
def send(
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
    *,
    chosen: Chosen,
) -> None:
    """Create a CustomEvent and wait for it; the operator sends it.

    The exit codes are those of `wait`. After a timeout the event is still there, and still sent.
    """
    from customevents.commands import drafting, kubectl_yaml, naming
    from customevents.resource.spec import advice

    about = (service, namespace_scope, cluster, level)
    flags = drafting.Flags(event_type, summary, severity, _pairs(detail), occurred_at, *about)
    with options.errors_end_with(4):
        naming.namespace(namespace)
        content = _content(flags, curl)
        event = drafting.manifest(content.spec, name, namespace)
        for remark in filter(None, (*content.remarks, advice(event["spec"]["eventType"]))):
            typer.echo(f"customevents: {remark}", err=True)
        if as_resource:
            typer.echo(kubectl_yaml.write_yaml(event))
            return
        ending = asyncio.run(_send(event, namespace, timeout, chosen))
    raise typer.Exit(ending)


def _pairs(details: list[str] | None) -> dict[str, str]:
    pairs = {}
    for detail in details or ():
        key, found, value = detail.partition("=")
        if not found:
            raise typer.BadParameter(f"{detail!r} must be KEY=VALUE", param_hint="--detail")
        pairs[key] = value
    return pairs


def _content(flags: Flags, curl: str | None) -> Translation:
    from customevents.commands.drafting import read_body
    from customevents.eventsapi.curl import Translation, translate

    if curl is None:
        if not (flags.event_type and flags.summary):
            raise typer.BadParameter("give --type and --summary, or --curl")
        return Translation(flags.spec)
    if flags.spec:
        raise typer.BadParameter("--curl stands alone: the body says what the flags would say")
    return translate(read_body(curl))


async def _send(
    event: dict[str, Any], namespace: str | None, seconds: float, chosen: Chosen
) -> int:
    from customevents.commands import following, patience

    async with patience.connect(chosen, seconds) as cluster:
        where = namespace or cluster.namespace
        return await following.send(cluster, where, event, typer.echo)


@app.command("list")
@options.on_a_cluster
def list_undelivered(
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
    from customevents.commands import following, listing, naming, patience

    clock, wanted = ClusterClock(), naming.namespace(namespace)

    async def reading() -> tuple[list[listing.Row], str]:
        async with patience.connect(chosen, clock=clock) as cluster:
            where = "" if everywhere else wanted or cluster.namespace
            rows = listing.oldest_first(await following.undelivered(cluster, where))
            return rows, "" if rows else await following.all_clear(cluster, where)

    rows, all_clear = asyncio.run(reading())
    if form is not options.Form.TABLE:
        typer.echo(listing.for_programs(rows, form))
    elif rows:
        listing.print_table(rows, clock.now(), namespaces=everywhere)
    else:
        typer.echo(all_clear, err=True)


@app.command()
@options.on_a_cluster
def resend(
    names: Annotated[list[str] | None, typer.Argument(help="Names of CustomEvents.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All of the namespace that were refused for good.")
    ] = False,
    namespace: options.Namespace = None,
    *,
    chosen: Chosen,
) -> None:
    """Have events sent again, whatever their state; the operator does it."""
    if bool(names) == failed:
        raise typer.BadParameter("give names, or --failed")
    from customevents.commands import following, naming, patience

    called, wanted = [naming.event_name(name) for name in names or ()], naming.namespace(namespace)

    async def asking() -> None:
        async with patience.connect(chosen) as cluster:
            where = wanted or cluster.namespace
            events = called or await following.failed(cluster, where)
            if not events:
                typer.echo(await following.none_failed(cluster, where), err=True)
            await following.resend(cluster, where, events, typer.echo)

    asyncio.run(asking())


@app.command()
@options.on_a_cluster
def render(
    name: Annotated[str | None, typer.Argument(help="A CustomEvent of the cluster.")] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", help="Manifests instead; - for standard input.")
    ] = None,
    namespace: options.Namespace = None,
    operator_namespace: options.OperatorNamespace = "customevents",
    operator_name: options.OperatorName = "customevents",
    *,
    chosen: Chosen,
) -> None:
    """Print the body that would be sent, resolved against the live cluster; nothing is sent."""
    if (name is None) == (file is None):
        raise typer.BadParameter("give a name, or --file")
    from customevents.commands import manifests, naming, patience, rendering
    from customevents.resource.spec import advice

    called = None if name is None else naming.event_name(name)
    wanted = naming.namespace(namespace)
    text = None if file is None else manifests.read_source(file)

    async def resolving() -> list[rendering.Rendered]:
        async with patience.connect(chosen) as cluster:
            where = wanted or cluster.namespace
            renderer = await rendering.renderer(cluster, operator_namespace, operator_name)
            if renderer.note:
                typer.echo(f"# {renderer.note}", err=True)
            if text is not None:
                return [
                    await renderer.render(await _judged(cluster, manifest, where, namespace))
                    for manifest in rendering.read_manifests(text)
                ]
            return [await renderer.render(await rendering.live(cluster, where, str(called)))]

    for rendered in asyncio.run(resolving()):
        typer.echo(f"# {rendered.reach}", err=True)
        if remark := advice(rendered.body["eventType"]):
            typer.echo(f"# {remark}", err=True)
        typer.echo(json.dumps(rendered.body, indent=2, ensure_ascii=not options.says_all()))


async def _judged(
    cluster: Cluster, manifest: dict[str, Any], where: str, asked: str | None
) -> CustomEvent:
    from customevents.commands import rendering

    event, note = await rendering.judged(cluster, manifest, where, asked)
    if note:
        typer.echo(f"# {event.path}: {note}", err=True)
    return event


@app.command()
@options.on_a_cluster
def check(
    namespace: options.Namespace = None,
    operator_namespace: options.OperatorNamespace = "customevents",
    operator_name: options.OperatorName = "customevents",
    *,
    chosen: Chosen,
) -> None:
    """Show what stands between here and a delivered event, and what to do about it.

    Exit code 1 if something is wrong; a warning is none.
    """
    from customevents.clocks import ClusterClock
    from customevents.commands import checking, naming, patience

    clock, wanted = ClusterClock(), naming.namespace(namespace)

    async def looking() -> list[checking.Finding]:
        async with patience.connect(chosen, clock=clock) as cluster:
            place = checking.Place(wanted or cluster.namespace, operator_namespace, operator_name)
            return await checking.check(cluster, place, clock)

    findings = asyncio.run(looking())
    checking.show(findings)
    raise typer.Exit(any(finding.level is checking.Level.WRONG for finding in findings))


@contextmanager
def _listening(host: str, port: int) -> Iterator[None]:
    from customevents import sockets

    try:
        yield
    except OSError as error:
        where = sockets.shown(host, port)
        raise SettingsError(f"cannot listen on {where}: {sockets.reason(error)}") from None


def _announce(url: str) -> None:
    typer.echo(f"The sandbox listens on {url}")


def main() -> None:
    """The entry point; errors of ours are one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it cannot say is better escaped than lost
            stream.reconfigure(errors="backslashreplace")
    # What libraries log is for the operator's log, which `run` sets up; a person reads one line.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        app()
    except CustomEventsError as error:
        typer.echo(f"customevents: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
