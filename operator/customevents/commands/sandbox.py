"""`customevents sandbox`: a stand-in for the events API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from customevents import logs
from customevents.commands import options
from customevents.resource.errors import SettingsError


def command(
    host: Annotated[
        str, typer.Option(help="Address to listen on; :: for all, of IPv4 as well.")
    ] = "127.0.0.1",
    port: options.Port = 8090,
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
    """Run a stand-in for the events API, for tests and trials.

    It keeps the same contract, strictly. A browser sees a timeline at its address.
    """
    from customevents import sandbox as stand_in
    from customevents.eventsapi.key import KeyFile

    setup = stand_in.Setup(
        key=KeyFile(key_file).read().get_secret_value() if key_file else "test-key",
        database=database,
        behaviour=stand_in.read_switches(behaviour or []),
        inventory=stand_in.read_inventory(inventory) if inventory else None,
    )
    logs.set_up("INFO", "text")
    with _listening(host, port):
        asyncio.run(stand_in.serve(host, port, setup, announce=_announce))


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
