"""What touching the code should cost: CONTRIBUTING says where, and a forgotten place is red."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from customevents.cli import COMMANDS
from customevents.scope import cluster_links
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import Reads

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "customevents"


def tables() -> list[str]:
    """The rows of the tables of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]


def named(pattern: str) -> set[str]:
    """What the tables name like this."""
    return {name for row in tables() for name in re.findall(pattern, row)}


def test_the_tables_are_there() -> None:
    assert {"delivery/", "wiring.py", "outcome.py", "cluster_links.py"} <= (
        named(r"`([\w/]+/)`") | named(r"`(\w+\.py)`")
    )


@pytest.mark.parametrize("module", sorted(named(r"`(\w+\.py)`")))
def test_each_module_that_contributing_names_is_there(module: str) -> None:
    assert list(PACKAGE.rglob(module)), "is it called otherwise by now?"


@pytest.mark.parametrize("room", sorted(named(r"`([\w/]+/)`")))
def test_each_room_that_contributing_names_is_there(room: str) -> None:
    assert any(path.is_dir() for path in PACKAGE.rglob(room.rstrip("/")))


@pytest.mark.parametrize("test", sorted(named(r"(tests/\w+/\w+\.py)")))
def test_each_test_that_contributing_names_is_there(test: str) -> None:
    assert (ROOT / test).is_file()


def test_each_command_is_listed_explained_and_a_module() -> None:
    modules = {
        path.stem
        for path in (PACKAGE / "commands").glob("*.py")
        if hasattr(import_module(f"customevents.commands.{path.stem}"), "command")
    }
    assert modules == set(COMMANDS)
    for name, command in COMMANDS.items():
        assert command is import_module(f"customevents.commands.{name}").command
    page = (ROOT / "docs" / "command-line.md").read_text()
    assert [name for name in COMMANDS if not re.search(rf"^\| .*`{name}\b", page, re.M)] == []


def test_each_function_that_asks_for_the_clusters_name_is_a_link_of_the_chain() -> None:
    asked = {link.ask for link in chain("", Agents(()))}
    links = {
        function
        for name, function in inspect.getmembers(cluster_links, inspect.iscoroutinefunction)
        if not name.startswith("_") and function.__module__ == cluster_links.__name__
    }
    assert {function.__name__ for function in links - asked} == set()
    assert len(links) >= 9
    for function in links:
        assert inspect.signature(function, eval_str=True).parameters["cluster"].annotation is Reads


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("cli", ("kubernetes", "kopf", "httpx", "aiohttp", "yaml")),
        ("commands.checkup", ("kopf", "httpx")),
        ("commands.table", ("kopf", "httpx", "kubernetes")),
        ("run", ("kopf", "kubernetes", "requests")),
    ],
)
def test_what_only_looks_loads_nothing_that_sends(module: str, unneeded: tuple[str, ...]) -> None:
    """So `--help` is there at once, and `check` and a start take no more than they need."""
    program = f"import sys, customevents.{module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert sorted(set(unneeded) & set(loaded)) == []
