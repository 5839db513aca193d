"""The command line: each command calls one function of a room. Errors are one line, exit 1."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from customevents import __version__
from customevents.resource.errors import CustomEventsError

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
    _log(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_operator(settings))


@app.command()
def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 = any free one.")] = 8090,
    database: Annotated[
        str, typer.Option(help="SQLite file that keeps the events, or :memory:.")
    ] = ":memory:",
    key_file: Annotated[
        Path | None, typer.Option(help="File with the key to accept. Without it: test-key.")
    ] = None,
) -> None:
    """Run a stand-in for the events API: the same contract, strictly, for tests and trials."""
    from customevents import sandbox as stand_in
    from customevents.eventsapi.key import KeyFile

    key = KeyFile(key_file).read().get_secret_value() if key_file else "test-key"
    _log("INFO")
    asyncio.run(stand_in.serve(host, port, database=database, key=key, announce=_announce))


def _announce(url: str) -> None:
    typer.echo(f"The sandbox listens on {url}")


def _log(level: str) -> None:
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # A line per request and per step of kopf's start says nothing to the reader of our log.
    for name in ("httpx", "kopf"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def main() -> None:
    """The entry point; errors of ours are one line on stderr."""
    try:
        app()
    except CustomEventsError as error:
        typer.echo(f"customevents: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
