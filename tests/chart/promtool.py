"""Prometheus' own checker: the one on the PATH, else Debian's, else built from its Go module."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from _common import Log, locked, run
from localcluster import PROMTOOL, build_promtool

from debian import unpack

FOLDER = Path(__file__).parents[2] / ".cache" / "promtool"
PROGRAM = Path("usr", "bin", "promtool")
FROM_DEBIAN = FOLDER / "unpacked" / PROGRAM


def promtool(*args: str | Path) -> str:
    """What it says; it must succeed."""
    command = [find_promtool(), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def find_promtool(log: Log = print) -> Path:
    """Where it is; what is nowhere is fetched, or built, and kept in the checkout."""
    if on_path := shutil.which("promtool"):
        return Path(on_path)
    with locked(FOLDER / "lock", lambda: log("Waiting for another to fetch promtool.")):
        if not FROM_DEBIAN.exists() and not PROMTOOL.exists():
            log("Fetching promtool out of Debian's package prometheus (19 MB).")
            unpack("prometheus", FOLDER / "unpacked", log, runs=_runs)
    if not FROM_DEBIAN.exists():
        build_promtool(log)
        return PROMTOOL
    return FROM_DEBIAN


def _runs(unpacked: Path) -> None:
    run([unpacked / PROGRAM, "--version"])
