"""What the commands load, and where they ask what only the operator knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from customevents.commands import arguments

COMMANDS = Path(arguments.__file__).parent

#: It ends at the kubeconfig that is not there, with all loaded that the command needs.
PROGRAM = """
import sys
from customevents.cli import app
try:
    app(sys.argv[1:])
except BaseException:
    pass
print("loaded", *sys.modules)
"""


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        (("--help",), {"kubernetes", "kopf", "httpx", "aiohttp", "pydantic", "yaml"}),
        (("check", "--help"), {"kubernetes", "kopf", "httpx", "aiohttp", "yaml"}),
        (("check",), {"kopf", "httpx", "requests", "websocket"}),
        (("list",), {"kopf", "httpx"}),
        (("wait", "a"), {"kopf", "httpx"}),
        (("resend", "a"), {"kopf", "httpx"}),
        (("send", "--type", "a", "--summary", "b"), {"kopf", "httpx"}),
        (("probe", "--yes"), {"kopf", "httpx"}),
        (("explain", "a"), {"kopf", "httpx"}),
        (("render", "a"), {"kopf", "httpx"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_loads_nothing_that_it_does_not_need(
    words: tuple[str, ...],
    unneeded: set[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    run = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"loaded", "typer", "customevents.commands.check"} <= loaded
    if "--help" not in words:
        assert "kubernetes" in loaded, "it ended before it loaded what it needs"
    assert unneeded & loaded == set()


def test_the_operators_word_is_read_in_one_place() -> None:
    reads = {"config_map", "lease", "read_operator_state"}
    readers = {
        path.stem
        for path in COMMANDS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and reads & {alias.name for alias in node.names}
    }
    assert readers == {"statement"}
