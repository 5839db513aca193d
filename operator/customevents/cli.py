"""The command line: a list of its commands. Errors of ours are one line, exit 1."""

from __future__ import annotations

import io
import logging
import sys
from typing import Annotated

import typer

from customevents import __version__
from customevents.commands import check, explain, probe, render, resend, run, sandbox, send, wait
from customevents.commands import list as list_
from customevents.resource.errors import CustomEventsError

#: In the order of `--help`.
COMMANDS = {
    "run": run.command,
    "sandbox": sandbox.command,
    "wait": wait.command,
    "send": send.command,
    "list": list_.command,
    "resend": resend.command,
    "render": render.command,
    "explain": explain.command,
    "check": check.command,
    "probe": probe.command,
}

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


for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


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
