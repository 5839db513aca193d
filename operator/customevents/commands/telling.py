"""What a command that waits tells: lines that stay, how it stands now, and data at its end."""

from __future__ import annotations

import shutil
import sys

import typer
from rich.cells import cell_len, set_cell_size

from customevents.commands import output, table
from customevents.commands.options import Form
from customevents.commands.usage import printable
from customevents.resource.event import CustomEvent

#: Back to the line's beginning, and empty it.
_ANEW = "\r\x1b[K"


class Telling:
    """Where the form is for programs, standard output is for the last word alone."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._seen: CustomEvent | None = None
        self._is_drawn = False

    def say(self, words: str) -> None:
        """A line that stays."""
        self._wipe()
        typer.echo(words, err=self._form is not Form.TABLE)

    def see(self, event: CustomEvent, left: float) -> None:
        """How it stands, with so many seconds left: a line that the next one takes the place of."""
        self._seen = event
        if not sys.stderr.isatty():
            return
        status = event.status
        words = f"{event.path} is {status.delivery.state} ({left:.0f} s left)"
        if status.delivered.message:
            words += f": {printable(status.delivered.message)}"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(_ANEW + set_cell_size(words, min(width, cell_len(words))))
        sys.stderr.flush()
        self._is_drawn = True

    def end(self) -> None:
        """The event as it was seen last, for programs."""
        self._wipe()
        if self._form is not Form.TABLE and self._seen is not None:
            flat = table.flat(table.line_of(self._seen))
            typer.echo(output.for_programs(flat, self._form))

    def _wipe(self) -> None:
        if self._is_drawn:
            sys.stderr.write(_ANEW)
            sys.stderr.flush()
            self._is_drawn = False
