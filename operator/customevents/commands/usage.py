"""A command that was typed wrong, as one line that says how it is typed right."""

from __future__ import annotations

import os
from typing import Any

import typer

#: What typer raises where the words of a command do not fit it; it has no public name for it.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

#: How a plugin of kubectl is called, as kubectl finds it.
PLUGIN = "kubectl-"

#: What a flag that nobody knows may have been meant to be.
_MOST_GUESSES = 3


def program(called: str) -> str:
    """The program's name as it is typed."""
    name = os.path.basename(called)
    return "kubectl customevents" if name.startswith(PLUGIN) else "customevents"


def printable(words: str) -> str:
    """Without what would steer a terminal."""
    if words.isprintable():  # as nearly all are; a list has thousands
        return words
    return "".join(letter if letter.isprintable() else " " for letter in words)


def line(error: Exception, program: str) -> str:
    """What is wrong, and where to look."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else program
    words = path.removeprefix(program).strip()
    about = f"{words}: " if words else ""
    return f"customevents: {about}{_what(error)} (see {path} --help)"


def _what(error: Exception) -> str:
    parameter: Any = getattr(error, "param", None)
    is_flag = getattr(parameter, "param_type_name", "") == "option"
    match type(error).__name__:
        case "NoSuchOption":
            guesses = sorted(getattr(error, "possibilities", None) or ())[:_MOST_GUESSES]
            meant = f": did you mean {' or '.join(guesses)}?" if guesses else ""
            return f"there is no flag {getattr(error, 'option_name', '')}{meant}"
        case "MissingParameter" if parameter is not None:
            called = parameter.opts[0] if is_flag else parameter.metavar
            return f"{called} must be given"
        case "BadParameter":
            flag = getattr(error, "param_hint", None) or (parameter.opts[0] if is_flag else "")
            return f"{flag}: {error}" if flag else str(error)
    return _of_typer(str(error))


_WORDS = (
    ("No such command ", "there is no command "),
    ("Got unexpected extra argument(s) ", "it takes no more arguments, and not "),
    ("Option '", "the flag '"),
    (" Did you mean ", " did you mean "),
)


def _of_typer(words: str) -> str:
    """Its own words, as ours would be."""
    for theirs, ours in _WORDS:
        words = words.replace(theirs, ours)
    return words.rstrip(".").replace(". ", ": ")
