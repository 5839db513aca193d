"""Write the table of values in the chart's README from the comments in its values: `make chart`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[1] / "helm" / "customevents-operator"
README = CHART / "README.md"

BEGIN = "<!-- The table is made from values.yaml by `make chart`. -->\n"
END = "<!-- The end of the table. -->\n"

HEAD = """
| value | default | what it does |
| --- | --- | --- |
"""

_KEY = re.compile(r"( *)([A-Za-z]+):")
_COMMENT = re.compile(r" *# (-- )?(.*)")


@dataclass(frozen=True)
class Value:
    """A key of the values, as `section.key`, with what its comment says."""

    path: str
    comment: str
    default: Any


def documented(text: str) -> Iterator[Value]:
    """The keys with a comment that begins with `--`, in their order."""
    values = yaml.safe_load(text)
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if said := _COMMENT.fullmatch(line):
            comment = [said[2]] if said[1] else [*comment, said[2]] if comment else []
            continue
        if key := _KEY.match(line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if comment:
                yield Value(".".join(path), " ".join(comment), _look_up(values, path))
        comment = []


def render() -> str:
    """The README, with the table as the values are now."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = (
        f"| `{value.path}` | `{_shown(value.default)}` | {value.comment} |\n"
        for value in documented((CHART / "values.yaml").read_text())
    )
    return before + BEGIN + HEAD + "".join(rows) + "\n" + END + after


def _look_up(values: Any, path: list[str]) -> Any:
    for key in path:
        values = values[key]
    return values


def _shown(default: object) -> str:
    return json.dumps(default, separators=(", ", ": "))


if __name__ == "__main__":
    README.write_text(render())
