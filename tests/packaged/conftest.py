"""The command line as the one file that users get, built once and kept in the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from integration.conftest import account, events, key_file, timeline  # noqa: F401

ONE_FILE = Path(__file__).parents[2] / "onefile"


@pytest.fixture(scope="session")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file as `make cli` makes it, in a folder whose name has a space."""
    target = tmp_path_factory.mktemp("one file") / "customevents"
    command = [sys.executable, str(ONE_FILE / "build_cli.py"), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whose home it is unpacked in, by those tests to which it does not matter."""
    return tmp_path_factory.mktemp("home")
