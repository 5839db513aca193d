"""Which branches of the delivery's files were taken: what is new steers what is tried next."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import coverage

from customevents import delivery

_ROOM = Path(delivery.__file__).parent

#: The files whose every branch a simulation should take.
FILES = tuple(
    str(_ROOM / f"{name}.py")
    for name in ("state", "journal", "election", "recovery", "inbox", "status_writer")
)

#: A file, and from which line to which one; a negative line is an end.
Arc = tuple[str, int, int]


class Branches:
    """Looks at what is run between `looking` and its end."""

    def __init__(self) -> None:
        self._coverage = coverage.Coverage(
            data_file=None, branch=True, include=FILES, config_file=False
        )
        self.seen: set[Arc] = set()

    @contextmanager
    def looking(self) -> Iterator[set[Arc]]:
        """Gather what is taken for the first time into the set that is given."""
        new: set[Arc] = set()
        self._coverage.start()
        try:
            yield new
        finally:
            self._coverage.stop()
            found = self._coverage.get_data()
            arcs = {(file, *arc) for file in FILES for arc in found.arcs(file) or ()}
            new |= arcs - self.seen
            self.seen |= arcs

    def add(self, arcs: set[Arc]) -> None:
        """These were taken elsewhere."""
        by_file: dict[str, set[tuple[int, int]]] = {}
        for file, *arc in arcs:
            by_file.setdefault(file, set()).add((arc[0], arc[1]))
        self._coverage.get_data().add_arcs(by_file)

    def report(self) -> Iterator[str]:
        """How many branches of each file were taken, and each that was not, by its function."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "report.json"
            with redirect_stdout(io.StringIO()):
                self._coverage.json_report(outfile=str(file))
            found = json.loads(file.read_text())["files"]
        for path in FILES:
            told = next(told for name, told in found.items() if path.endswith(name))
            summary, text = told["summary"], Path(path).read_text()
            code = ["end", *map(str.strip, text.splitlines())]
            taken, number = summary["covered_branches"], summary["num_branches"]
            yield f"{Path(path).name:20} {taken} of {number} branches"
            for begin, end in told["missing_branches"]:
                yield f"    {_function(text, begin)}, {begin}: {code[begin]} -> {code[max(end, 0)]}"


def _function(text: str, line: int) -> str:
    """The name of the function that a line stands in."""
    functions = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return next(
        (node.name for node in functions if node.lineno <= line <= (node.end_lineno or 0)), ""
    )
