"""What the launcher's modules share: where things lie, the one error, running a command.

Nothing here knows of Go or Kubernetes.
"""

import fcntl
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

Log = Callable[[str], object]

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
BIN = CACHE / "bin"
CONTROLPLANE = BIN / "controlplane"
KUBECTL = BIN / "kubectl"
HELM = BIN / "helm"
HELM3 = BIN / "helm3"
PROMTOOL = BIN / "promtool"
KREW = BIN / "kubectl-krew"


class ClusterError(Exception):
    """Something the reader can act on, in words for a terminal."""


def run(
    command: Sequence[str | Path],
    *,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with `text` as its input and its output captured as text.

    Raises ClusterError when it cannot be run, and with `check` when it fails.
    """
    try:
        done = subprocess.run(
            command,
            input=text,
            # Without a text, a command must not wait for the terminal's.
            stdin=subprocess.DEVNULL if text is None else None,
            env=env,
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    except OSError as error:
        raise ClusterError(f"cannot run {command[0]}: {error.strerror}") from error
    if check and done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise ClusterError(f"{_shown(command)} failed (exit {done.returncode}): {said}")
    return done


def _shown(command: Sequence[str | Path]) -> str:
    return shlex.join([Path(command[0]).name, *map(str, command[1:])])


@contextmanager
def locked(path: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold a lock file; call `waiting` once if another process holds it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file unlocks it
