"""Podman as the checks use it: on the folder that `make image` filled, confined as in a pod."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from customevents import __version__

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "image"
IMAGE = f"localhost/customevents:{__version__}"
USER = 65532

ENVIRONMENT = os.environ | {
    "CONTAINERS_CONF": str(CACHE / "containers.conf"),
    "CONTAINERS_STORAGE_CONF": str(CACHE / "storage.conf"),
}
CONFINED = (
    "run",
    "--rm",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


class CheckFailedError(Exception):
    """What is wrong with the image, in one line."""


def require(true: bool, otherwise: str) -> None:
    """Fail the check in these words unless this is true."""
    if not true:
        raise CheckFailedError(otherwise)


def podman(*arguments: str) -> str:
    """What podman answers; raises CalledProcessError."""
    done = try_podman(*arguments)
    done.check_returncode()
    return done.stdout.strip()


def try_podman(*arguments: str) -> subprocess.CompletedProcess[str]:
    """How podman ended, whatever it says."""
    return capture(["podman", *arguments])


def capture(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
