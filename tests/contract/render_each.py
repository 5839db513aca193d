"""Run `customevents render -f -` of many files in one process.

A map of them is read from standard input, and what came of each is written as JSON.
"""

from __future__ import annotations

import json
import sys

from typer.testing import CliRunner

from customevents.cli import app


def main(*options: str) -> None:
    """Render each with these options; an error of ours is told as `main` of the CLI would."""
    files = json.load(sys.stdin)
    json.dump({case: _rendered(text, options) for case, text in files.items()}, sys.stdout)


def _rendered(text: str, options: tuple[str, ...]) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["render", "-f", "-", *options], input=text)
    ended = done.exception
    words = "" if ended is None or isinstance(ended, SystemExit) else repr(ended)
    return done.exit_code, done.stdout, done.stderr + words


if __name__ == "__main__":
    main(*sys.argv[1:])
