"""Write docs/settings.md from the settings themselves: `make docs`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from pydantic_core import PydanticUndefined

from customevents.settings import PREFIX, Settings

HEAD = """# Settings

The operator reads them from the environment. This page is made from the code by `make docs`.

| variable | default | what it does |
| --- | --- | --- |
"""


def render() -> str:
    """The page."""
    return HEAD + "".join(
        f"| `{PREFIX}{name.upper()}` | {_shown(field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )


def _shown(default: object) -> str:
    if default is PydanticUndefined:
        return "(must be set)"
    if isinstance(default, Enum):
        return f"`{default.value}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        default = ",".join(default)
    return f"`{default}`" if default not in ("", None) else "(empty)"


if __name__ == "__main__":
    Path(__file__).with_name("settings.md").write_text(render())
