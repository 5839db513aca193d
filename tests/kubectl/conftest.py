"""The world in which the table is asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from localcluster import build

from kubectl import pki

TESTS = Path(__file__).parents[1]


class World:
    """Asks questions in the world of `world.py`."""

    def __init__(self, folder: Path) -> None:
        self.pki = folder / "pki"
        self.pki.mkdir()
        pki.make(self.pki)
        (folder / "notes").touch()
        self._process = subprocess.Popen(
            [*_unshared(), sys.executable, "-m", "kubectl.world", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        assert self._hear() == "ready", "the world did not start: what it said is on stderr"

    def ask(self, **question: Any) -> dict[str, Any]:
        """Run what is asked for; exit code, output, and what the stand-ins noted."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = self._hear()
        return answer

    def _hear(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        """End it, and all that is in it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _unshared() -> list[str]:
    """In namespaces of its own; who is not root needs one more, in which he is."""
    assert shutil.which("unshare"), (
        "these tests need the program unshare: apt-get install util-linux"
    )
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", "--net", "--mount", *root]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, f"these tests need root, or user namespaces: {tried.stderr}"
    return command


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    build()  # kubectl
    running = World(tmp_path_factory.mktemp("world"))
    try:
        yield running
    finally:
        running.close()
