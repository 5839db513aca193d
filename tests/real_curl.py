"""A real curl, for the commands that the docs and the demo print: the machine's, else Debian's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from _common import ClusterError, Log, locked, run

from debian import OF_THE_SYSTEM, unpack

FOLDER = Path(__file__).parents[1] / ".cache" / "curl"
UNPACKED = FOLDER / "unpacked"
WRAPPER = FOLDER / "bin" / "curl"


def path_with_curl(log: Log = print) -> str:
    """A PATH on which curl is, and what every system has. Raises ClusterError."""
    everywhere = f"{os.environ['PATH']}{os.pathsep}{OF_THE_SYSTEM}"
    if shutil.which("curl", path=everywhere):
        return everywhere
    with locked(FOLDER / "lock", lambda: log("Waiting for another to fetch curl.")):
        if not WRAPPER.exists():
            _fetch(log)
    return f"{WRAPPER.parent}{os.pathsep}{everywhere}"


def _fetch(log: Log) -> None:
    log("Fetching curl out of Debian's packages.")
    if not unpack("curl", UNPACKED, log, runs=lambda _: None, with_dependencies=True):
        raise ClusterError("there is no curl: install it (apt install curl)")
    libraries = UNPACKED / "usr" / "lib" / "x86_64-linux-gnu"
    program = UNPACKED / "usr" / "bin" / "curl"
    WRAPPER.parent.mkdir(exist_ok=True)
    WRAPPER.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program} "$@"\n')
    WRAPPER.chmod(0o755)
    run([WRAPPER, "--version"])
