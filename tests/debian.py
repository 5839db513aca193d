"""Debian's packages without an installation, which would take root: unpacked into the checkout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from _common import ClusterError, Log, run

#: Where apt is, and the programs that it calls by their names; a PATH may be without them.
OF_THE_SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"


def unpack(
    package: str,
    into: Path,
    log: Log,
    *,
    runs: Callable[[Path], object],
    with_dependencies: bool = False,
) -> bool:
    """Unpack the newest version there, once it runs; False, and why in the log, if none is had.

    Dependencies are those that this machine has not. `runs` is told where it is unpacked, and
    raises ClusterError.
    """
    if not shutil.which("apt-get", path=_environment()["PATH"]):
        return False
    new = into.with_name("new")
    shutil.rmtree(new, ignore_errors=True)
    # Lists of our own: the system's may be missing or old, and are root's to bring up to date.
    (new / "lists" / "partial").mkdir(parents=True)
    (new / "archives" / "partial").mkdir(parents=True)
    try:
        _download(package, new, with_dependencies=with_dependencies)
        for archive in sorted(new.glob("archives/*.deb")):
            run(["dpkg-deb", "--extract", archive, new / "unpacked"], env=_environment())
        runs(new / "unpacked")
        (new / "unpacked").replace(into)
    except ClusterError as error:
        log(f"Debian gives none: {error}")
        return False
    finally:
        shutil.rmtree(new)
    return True


def _download(package: str, new: Path, *, with_dependencies: bool) -> None:
    places = {
        "Dir::State::lists": new / "lists",
        "Dir::Cache": new,
        "Debug::NoLocking": "1",  # the lock is root's
    }
    options = [part for name, value in places.items() for part in ("-o", f"{name}={value}")]
    apt = ["apt-get", *options, "--quiet", "--assume-yes"]
    run([*apt, "update"], cwd=new, env=_environment())
    if with_dependencies:
        wanted = ["install", "--no-install-recommends", "--download-only", package]
        run([*apt, *wanted], cwd=new, env=_environment())
    else:
        run([*apt, "download", package], cwd=new / "archives", env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ['PATH']}{os.pathsep}{OF_THE_SYSTEM}"}
