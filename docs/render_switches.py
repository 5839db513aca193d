"""Write the table of switches in docs/sandbox.md from the switches themselves: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from customevents.sandbox.behaviour import switches

PAGE = Path(__file__).with_name("sandbox.md")
PLACE = re.compile(r"(?<=<!-- switches: written by `make docs` -->\n).*(?=<!-- end)", re.DOTALL)

HEAD = """
| switch | may be | why |
| --- | --- | --- |
"""


def render() -> str:
    """The page, with the table as it must be."""
    table = HEAD + "".join(_row(switch) for switch in switches()) + "\n"
    return PLACE.sub(lambda _: table, PAGE.read_text())


def _row(switch: dict[str, Any]) -> str:
    default = f"**{switch['default']}**"
    others = [value for value in switch["values"] or ["any number"] if value != switch["default"]]
    may_be = ", ".join([default, *others])
    return f"| `{switch['name']}` | {may_be} | {switch['title']}. {switch['source']} |\n"


if __name__ == "__main__":
    PAGE.write_text(render())
