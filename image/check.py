"""`make image-check`: what is in the image that `make image` built, and how it runs.

Each line is one check with its figure. The operator runs as it would in a pod: as nobody in
particular, on a read-only root, without capabilities; on the host's network, because the local
Kubernetes and the sandbox listen on loopback alone.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from containers import (
    CACHE,
    CONFINED,
    IMAGE,
    ROOT,
    USER,
    CheckFailedError,
    capture,
    podman,
    require,
    try_podman,
)
from delivering import (
    ClusterError,
    commands_with_a_kubeconfig,
    in_a_strangers_pod,
    operator_drains,
)

from customevents import __version__

HADOLINT = ROOT / ".cache" / "image-tools" / "bin" / "hadolint"
ROUNDS = 5
BASE_AND_REVISION = ("base.name", "revision")

COMPILER = re.compile(r"(.*-)?(cc1?|gcc|g\+\+|c\+\+|clang|ld|as|make|rustc|cargo|go)(-[\d.]+)?")
LEFTOVER = re.compile(
    r"(src|build|wheel|root/\.cache|.*/\.cache/pip|venv/.*\.whl|venv/bin/pip[\d.]*)"
)


def main() -> int:
    """Run all checks; 0 when each of them passed."""
    checks: dict[str, Callable[[], str]] = {
        "Dockerfile": lint,
        "settings": settings,
        "contents": contents,
        "size": size,
        "user": user,
        "read-only root": read_only_root,
        "version": version,
        "start-up": start_up,
        "operator": operator_drains,
        "stranger's pod": in_a_strangers_pod,
        "kubeconfig": commands_with_a_kubeconfig,
        "afterwards": nothing_is_left,
    }
    verdicts = [_passes(name, check) for name, check in checks.items()]  # each of them is shown
    return 0 if all(verdicts) else 1


def _passes(name: str, check: Callable[[], str]) -> bool:
    try:
        verdict, figure = "ok", check()
    except (CheckFailedError, ClusterError, subprocess.CalledProcessError) as error:
        verdict, figure = "wrong", f"{error} {getattr(error, 'stderr', '')}".strip()
    print(f"{verdict:<7}{name:<16}{figure}", flush=True)
    return verdict == "ok"


def lint() -> str:
    """Hadolint has nothing to say about the Dockerfile."""
    done = capture([str(HADOLINT), str(ROOT / "Dockerfile")])
    require(done.returncode == 0, done.stdout)
    return "hadolint finds nothing"


def settings() -> str:
    """The image starts the operator, without a shell, as a user who is nobody."""
    config = _image()["Config"]
    labels = config["Labels"]
    require(config["User"] == f"{USER}:{USER}", f"its user is {config['User']!r}")
    require(config["Entrypoint"] == ["customevents"], f"it starts {config['Entrypoint']}")
    require(config["Cmd"] == ["run"], f"its command is {config['Cmd']}")
    labelled = labels["org.opencontainers.image.version"]
    require(labelled == __version__, f"its label says {labelled}, the package {__version__}")
    base, revision = (labels[f"org.opencontainers.image.{name}"] for name in BASE_AND_REVISION)
    return f"user {USER}:{USER}, customevents run; made of {base} at commit {revision}"


def contents() -> str:
    """No compiler, no cache of pip, nothing of the build, and nothing that the user may change."""
    with _mounted() as root:
        found = {path.relative_to(root).as_posix(): path for path in root.rglob("*")}
        compilers = [n for n in found if "bin/" in n and COMPILER.fullmatch(Path(n).name)]
        leftovers = [name for name in found if LEFTOVER.fullmatch(name)]
        changeable = [n for n, p in found.items() if n.startswith("venv/") and _changeable(p)]
        require("venv/bin/customevents" in found, "there is no customevents in /venv/bin")
    require(not compilers, f"it has {', '.join(compilers)}")
    require(not leftovers, f"it still has {', '.join(leftovers[:5])}")
    require(not changeable, f"its user may change {', '.join(changeable[:5])}")
    return f"{len(found)} files; no compiler, no pip cache, /venv without pip and not writable"


def _changeable(path: Path) -> bool:
    status = path.lstat()
    return not path.is_symlink() and (status.st_uid == USER or bool(status.st_mode & 0o002))


@contextmanager
def _mounted() -> Iterator[Path]:
    root = podman("image", "mount", IMAGE)
    try:
        yield Path(root)
    finally:
        podman("image", "unmount", IMAGE)


def size() -> str:
    """How large it is, and how much of that is ours."""
    base = _image()["Config"]["Labels"]["org.opencontainers.image.base.name"]
    whole, below = (json.loads(podman("image", "inspect", n))[0]["Size"] for n in (IMAGE, base))
    return f"{whole / 1e6:.0f} MB, of which the base {below / 1e6:.0f} MB"


def user() -> str:
    """The process is 65532, with no capability."""
    program = "import os; print(os.getuid(), os.getgid(), open('/proc/self/status').read())"
    said = podman(*CONFINED, "--network=none", "--entrypoint=python", IMAGE, "-c", program)
    require(said.startswith(f"{USER} {USER} "), f"it runs as {said.partition('Name')[0]}")
    require(re.search(r"CapEff:\s*0+$", said, re.MULTILINE) is not None, "it has capabilities")
    return f"runs as {USER}:{USER}, no capabilities"


def read_only_root() -> str:
    """Nothing can be written; the other checks show that nothing needs to be."""
    for folder in ("/tmp", "/venv"):  # noqa: S108
        program = f"open('{folder}/x', 'w')"
        done = try_podman(*CONFINED, "--network=none", "--entrypoint=python", IMAGE, "-c", program)
        refused = "Read-only file system" in done.stderr or "Permission denied" in done.stderr
        require(done.returncode == 1 and refused, f"{folder} can be written")
    return "a write to /tmp or /venv is refused"


def version() -> str:
    """`customevents --version` says the package's version."""
    said = podman(*CONFINED, "--network=none", IMAGE, "--version")
    require(said == f"customevents {__version__}", f"it says {said!r}")
    return said


def start_up() -> str:
    """How long `customevents --version` takes, with and without the container around it."""
    whole = _median_seconds(IMAGE, "--version")
    bare = _median_seconds("--entrypoint=python", IMAGE, "-c", "pass")
    return (
        f"customevents --version {whole:.2f} s, an empty Python {bare:.2f} s (medians of {ROUNDS})"
    )


def _median_seconds(*arguments: str) -> float:
    def once() -> float:
        begin = time.monotonic()
        podman(*CONFINED, "--network=none", *arguments)
        return time.monotonic() - begin

    return statistics.median(once() for _ in range(ROUNDS))


def nothing_is_left() -> str:
    """No container, no process and no mount of this folder."""
    containers = podman("ps", "--all", "--quiet")
    require(not containers, f"containers are left: {containers}")
    mine = str(CACHE).encode()
    processes = [p for p in Path("/proc").glob("[0-9]*/cmdline") if mine in _read_if_there(p)]
    require(not processes, f"processes are left: {[p.parent.name for p in processes]}")
    mounts = Path("/proc/mounts").read_bytes().count(mine)
    require(not mounts, f"{mounts} mounts are left under {CACHE}")
    return "no container, process or mount is left"


def _read_if_there(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def _image() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(podman("image", "inspect", IMAGE))[0]
    return found


if __name__ == "__main__":
    sys.exit(main())
