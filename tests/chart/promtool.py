"""Prometheus' own checker: the one on the PATH, else Debian's, else built from its Go module."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from _common import ClusterError, Log, locked, run
from localcluster import PROMTOOL, build_promtool

FOLDER = Path(__file__).parents[2] / ".cache" / "promtool"
FROM_DEBIAN = FOLDER / "unpacked" / "usr" / "bin" / "promtool"

#: apt calls programs by their names.
OF_THE_SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"


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
        if not FROM_DEBIAN.exists() and not PROMTOOL.exists() and shutil.which("apt-get"):
            _unpack(log)
    if not FROM_DEBIAN.exists():
        build_promtool(log)
        return PROMTOOL
    return FROM_DEBIAN


def _unpack(log: Log) -> None:
    """Debian's package without an installation, which would take root and start a service."""
    log("Fetching promtool out of Debian's package prometheus (19 MB).")
    new = FOLDER / "new"
    shutil.rmtree(new, ignore_errors=True)
    # Lists of our own: the system's may be missing or old, and are root's to bring up to date.
    (new / "lists" / "partial").mkdir(parents=True)
    folders = ("-o", f"Dir::State::lists={new}/lists", "-o", f"Dir::Cache={new}/cache")
    env = {**os.environ, "PATH": f"{os.environ['PATH']}{os.pathsep}{OF_THE_SYSTEM}"}
    try:
        run(["apt-get", *folders, "update"], cwd=new, env=env)
        run(["apt-get", *folders, "download", "prometheus"], cwd=new, env=env)
        (package,) = new.glob("prometheus_*.deb")
        run(["dpkg-deb", "--extract", package, new / "unpacked"], env=env)
        run([new / "unpacked" / "usr" / "bin" / "promtool", "--version"])
    except ClusterError as error:
        log(f"Debian gives none: {error}")
    else:
        (new / "unpacked").replace(FROM_DEBIAN.parents[2])
    shutil.rmtree(new)
