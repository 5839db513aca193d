"""The command line: a list of its commands. Errors of ours are one line, exit 1."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from typer import completion as of_shells

from customevents import __version__
from customevents.commands import (
    check,
    completion,
    explain,
    probe,
    render,
    report,
    resend,
    run,
    sandbox,
    send,
    usage,
    wait,
)
from customevents.commands import list as list_
from customevents.resource.errors import CustomEventsError

#: In the order of `--help`.
COMMANDS: dict[str, Callable[..., None]] = {
    "send": send.command,
    "wait": wait.command,
    "list": list_.command,
    "explain": explain.command,
    "resend": resend.command,
    "render": render.command,
    "check": check.command,
    "report": report.command,
    "probe": probe.command,
    "completion": completion.command,
    "run": run.command,
    "sandbox": sandbox.command,
}

app = typer.Typer(
    name="customevents",
    help="Custom events on the Komodor timeline, from Kubernetes.",
    context_settings={"help_option_names": ["-h", "--help"]},  # kubectl takes both
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
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
        sys.exit(_run(usage.program(sys.argv[0])))
    except CustomEventsError as error:
        typer.echo(f"customevents: {usage.printable(str(error))}", err=True)
        sys.exit(1)
    except OSError as error:
        # What is printed may go to a full disk.
        where = error.filename or "the output"
        typer.echo(f"customevents: {where}: {error.strerror or error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(program: str) -> int:
    """The exit code; of a shell that asks what could be typed, the program has one name."""
    asked = completion.VARIABLE in os.environ
    if asked:
        of_shells.completion_init()  # type: ignore[attr-defined]
    try:
        code = app(
            prog_name=completion.PROGRAM if asked else program,
            complete_var=completion.VARIABLE,
            standalone_mode=False,
        )
    except usage.UsageError as error:
        if len(sys.argv) == 1:  # the help, as nothing was asked
            typer.echo(error, err=True)
        else:
            typer.echo(usage.line(error, program), err=True)
        return 2
    return code or 0
