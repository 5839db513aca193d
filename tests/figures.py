"""What tests measure, as one table at the end of the run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: "P6 key refused for 10 s: 1 POSTs": a promise, what was done to it, and the figure.
_FIGURE = re.compile(r"(?:(?P<promise>P\d+) )?(?P<what>.*?): (?P<figure>.*)", re.DOTALL)


def table(figures: Iterable[str]) -> list[str]:
    """Aligned rows in the order of the promises; what belongs to none comes last."""
    rows = sorted(map(_row, figures), key=lambda row: _number(row[0]))
    whole = [("promise", "what", "figure"), *rows]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    return [_line(row, widths) for row in whole]


def _row(figure: str) -> tuple[str, str, str]:
    found = _FIGURE.fullmatch(figure)
    return (found["promise"] or "", found["what"], found["figure"]) if found else ("", figure, "")


def _number(promise: str) -> float:
    return float(promise[1:]) if promise else float("inf")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
    return "  ".join(padded).rstrip()
