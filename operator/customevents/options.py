"""The options of the command line that several commands share, or that would hide a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from customevents.resource.errors import CustomEventsError


class Form(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[Form, typer.Option("--output", "-o", help="For people, or for programs.")]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Default: that of the kubeconfig's current context."),
]
Patience = Annotated[float, typer.Option("--timeout", help="Seconds.", min=0)]


@contextmanager
def errors_end_with(code: int) -> Iterator[None]:
    """End the command with this exit code and one line, where an error of ours ends the block."""
    try:
        yield
    except CustomEventsError as error:
        typer.echo(f"customevents: {error}", err=True)
        raise typer.Exit(code) from None
