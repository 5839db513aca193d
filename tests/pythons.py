"""`make pythons`: the unit tests, and a plain authority, on each Python that is here.

Pythons differ in what they take from a server (3.13 in certificates), and the image has another one
than many a developer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = Path(".cache") / "pythons"
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
TESTS = ("tests/unit", "tests/integration/test_plain_authority.py")


def main(named: Sequence[str]) -> int:
    """Run the tests on each of these, else on those that are found; 0 when all of them passed."""
    found = {version: find(version) for version in named or SUPPORTED}
    passed = {version: passes(version, python) for version, python in found.items() if python}
    for version in found:
        verdict = {True: "passed", False: "failed", None: "not found"}[passed.get(version)]
        print(f"Python {version}: {verdict}")
    enough = len(passed) == len(found) if named else bool(passed)
    return 0 if enough and all(passed.values()) else 1


def find(version: str) -> Path | None:
    """An interpreter of this version that runs: pyenv has a script for each that may not."""
    return next((path for path in _candidates(version) if _is(path, version)), None)


def passes(version: str, python: Path) -> bool:
    """Make its environment as make makes .venv, and run the tests there."""
    print(f"==> Python {version}: {python}", flush=True)
    environment = ENVIRONMENTS / version
    steps = (
        ["make", f"VENV={environment}", f"PYTHON={python}", f"{environment}/ready"],
        [f"{environment}/bin/pytest", "-q", *TESTS],
    )
    return all(subprocess.run(step, cwd=ROOT, check=False).returncode == 0 for step in steps)


def _candidates(version: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        yield Path(folder) / f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def _is(path: Path, version: str) -> bool:
    program = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-c", program], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == version


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
