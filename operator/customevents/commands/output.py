"""How commands write: a table or lines for people, JSON or YAML for programs.

What a cluster says is shown as it is meant: no markup of rich's, and nothing that would steer a
terminal. Colours are for a screen alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import typer
import yaml
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from customevents.commands.options import Form, says_all
from customevents.commands.usage import printable

#: Columns of a line that is not for a screen: enough for every message, so that none is folded.
UNFOLDED = 10_000


def for_programs(data: Any, form: Form) -> str:
    """Plain data as JSON or YAML."""
    if form is Form.JSON:
        written = json.dumps(data, indent=2, ensure_ascii=not says_all())
        return written if _is_plain(written) else "".join(map(_escaped, written))
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=says_all()).rstrip()


def _is_plain(written: str) -> bool:
    return written.replace("\n", "").isprintable()


def _escaped(letter: str) -> str:
    """What would steer a terminal, as JSON may write it."""
    return letter if letter == "\n" or letter.isprintable() else json.dumps(letter)[1:-1]


def print_table(titles: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
    """A table on standard output, folded for a screen alone; its last column takes what is left.

    Without titles, it has no line of them.
    """
    all_rows = list(rows)
    screen = Console(highlight=False)
    if not sys.stdout.isatty():  # whatever FORCE_COLOR says: what reads a pipe wants lines
        _print_plain([[text(title) for title in titles], *all_rows] if titles else all_rows)
        return
    table = Table(box=None, pad_edge=False, show_header=bool(titles), header_style="bold")
    for title in titles:
        whole = title == "AGE"
        table.add_column(title, overflow="fold", no_wrap=whole, ratio=int(title == titles[-1]))
    for row in all_rows:
        table.add_row(*row)
    screen.print(table)


def _print_plain(rows: Sequence[Sequence[Text]]) -> None:
    """Columns with two blanks between them, and none behind a line; of 10,000 rows at once."""
    cells = [[cell.plain for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(_padded(row, widths)).rstrip() for row in cells)
    typer.echo("\n".join(lines))


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """As wide as a screen shows it: some letters take two places."""
    for cell, width in zip(row, widths, strict=True):
        yield cell + " " * (width - cell_len(cell))


def print_tree(tree: Tree) -> None:
    """The same, of a tree."""
    screen = Console(highlight=False)
    if sys.stdout.isatty():
        screen.print(tree)
        return
    plain = Console(width=UNFOLDED, highlight=False, force_terminal=False)
    with plain.capture() as written:
        plain.print(tree)
    typer.echo("\n".join(line.rstrip() for line in written.get().splitlines()))


def text(words: str, style: str = "") -> Text:
    """Words as they are meant."""
    return Text(printable(words), style)


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
