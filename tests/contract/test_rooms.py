"""The borders of the rooms: what they show to others, and that the outside comes in by ports."""

from __future__ import annotations

import ast
import importlib
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "operator" / "customevents"
ROOMS = ("resource", "scope", "eventsapi", "delivery", "upkeep")

#: What is built by wiring.py, with ports for all that is outside.
BEHIND_PORTS = sorted(
    itertools.chain.from_iterable((PACKAGE / room).glob("*.py") for room in ("delivery", "upkeep"))
)

#: Clocks, chance, threads, connections and the process: each has a port, or stays outside. What the
#: event loop itself does (`asyncio.sleep`, timeouts) is the loop's, which a simulation replaces.
OUTSIDE = {
    *("time", "random", "secrets", "uuid", "threading", "concurrent", "subprocess"),
    *("os", "sys", "signal", "socket", "ssl", "urllib", "http", "aiohttp", "httpx"),
}

#: Calls that read a clock although their module is needed for other things.
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported there, in full."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", ROOMS)
def test_other_rooms_import_what_a_room_shows_and_nothing_else(room: str) -> None:
    shown = set(importlib.import_module(f"customevents.{room}").__all__)
    modules = {path.stem for path in (PACKAGE / room).glob("*.py")}
    used = {
        name.split(".")[2]
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != room
        for name in imports(path)
        if name.startswith(f"customevents.{room}.")
    }
    assert used & modules == shown


@pytest.mark.parametrize("path", BEHIND_PORTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_behind_the_ports_reaches_around_them(path: Path) -> None:
    assert {name.partition(".")[0] for name in imports(path)} & OUTSIDE == set()
    calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    read = {ast.unparse(call) for call in calls} & CLOCKS
    assert read == set()


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_one_word_means_one_thing() -> None:
    """Two classes of one name in two rooms, and a reader has to ask which."""
    classes = [
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert [name for name, times in Counter(classes).items() if times > 1] == []
