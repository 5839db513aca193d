"""What keeps the tree readable; who may import whom is import-linter's part."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "operator"
MODULES = sorted(SOURCES.rglob("*.py"))

#: Lines from which on a reader asks why a module is so long; it holds one idea, however long.
ASKED_WHY = 400
ANSWERS = {
    "customevents/delivery/election.py": "the Lease: taken, kept, lost, made anew, given back",
    "customevents/delivery/inbox.py": "the three places of an event, and each way between them",
    "customevents/delivery/state.py": "every decision about a record, in one place on purpose",
    "customevents/delivery/throttle.py": "rate, breaker and pauses, behind one enter and one leave",
}

LONGEST_FUNCTION = 40


def test_the_source_root_is_not_a_package() -> None:
    """An `operator/__init__.py` would shadow the standard library's `operator`."""
    assert MODULES
    assert not (SOURCES / "__init__.py").exists()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_long_module_has_an_answer(module: Path) -> None:
    is_long = len(module.read_text().splitlines()) > ASKED_WHY
    assert is_long == (str(module.relative_to(SOURCES)) in ANSWERS)


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """Each function's name, and how many lines it has."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_no_function_is_too_long(module: Path) -> None:
    assert [name for name, lines in functions(module) if lines > LONGEST_FUNCTION] == []
