"""How commands write: a table or lines for people, JSON or YAML for programs.

What a cluster says is shown as it is meant: no markup of rich's, and nothing that would steer a
terminal. Colours are for a screen alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import typer
import yaml
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from customevents.commands.options import Form, says_all

#: Columns of a line that is not for a screen: enough for every message, so that none is folded.
UNFOLDED = 10_000


def for_programs(data: Any, form: Form) -> str:
    """Plain data as JSON or YAML."""
    if form is Form.JSON:
        return json.dumps(data, indent=2, ensure_ascii=not says_all())
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=says_all()).rstrip()


def print_table(titles: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
    """A table on standard output, folded for a screen alone; its last column takes what is left."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        whole = title == "AGE"
        table.add_column(title, overflow="fold", no_wrap=whole, ratio=int(title == titles[-1]))
    for row in rows:
        table.add_row(*row)
    show(table)


def print_rows(rows: Iterable[Sequence[Text]]) -> None:
    """The same without titles."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for row in rows:
        table.add_row(*row)
    show(table)


def show(what: RenderableType) -> None:
    """Print it: coloured and folded for a screen alone, else without blanks behind the lines."""
    screen = Console(highlight=False)
    if screen.is_terminal:
        screen.print(what)
        return
    plain = Console(width=UNFOLDED, highlight=False)
    with plain.capture() as written:
        plain.print(what)
    typer.echo("\n".join(line.rstrip() for line in written.get().splitlines()))


def text(words: str, style: str = "") -> Text:
    """Words as they are meant."""
    return Text(printable(words), style)


def printable(words: str) -> str:
    """Without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in words)


def rfc3339(time: datetime) -> str:
    """A time as Kubernetes writes it."""
    return time.isoformat().replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A time's length as kubectl has it: the largest unit that makes a number of two digits or so.

    A negative one is none.
    """
    whole = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= 2 * size:
            return f"{whole // size}{unit}"
    return f"{whole}s"
