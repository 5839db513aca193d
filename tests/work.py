"""How much work a command is, in starts of Python with the libraries that it stands on.

Not in seconds: what takes 0.6 s of CPU in one minute takes 1.0 s in the next, where others share
the machine. A start beside it is slowed down by the same.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: A start to compare with.
A_START = (
    sys.executable,
    "-c",
    "import aiohttp, kubernetes.aio.client.api_client, pydantic, typer, yaml",
)

ROUNDS = 5


@dataclass(frozen=True)
class Work:
    """What a command took: how many starts, and seconds of CPU and on the clock; medians."""

    starts: float
    cpu: float
    clock: float

    def __str__(self) -> str:
        return f"{self.starts:.2f} times a start ({self.cpu:.2f} s of CPU, {self.clock:.2f} s)"


def work(
    commands: Mapping[str, Sequence[str]], env: Mapping[str, str], stdin: str = ""
) -> dict[str, Work]:
    """What each command of some took, in rounds in which a start goes before it."""
    rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            rounds[name].append(_beside_a_start(command, env, stdin))
    return {
        name: Work(*map(statistics.median, zip(*each, strict=True)))
        for name, each in rounds.items()
    }


def _beside_a_start(
    command: Sequence[str], env: Mapping[str, str], stdin: str
) -> tuple[float, float, float]:
    start, _ = _run(A_START, env, "")
    cpu, clock = _run(command, env, stdin)
    return cpu / start, cpu, clock


def _run(command: Sequence[str], env: Mapping[str, str], stdin: str) -> tuple[float, float]:
    """Seconds of CPU, and on the clock."""
    used, begun = _children(), time.monotonic()
    done = subprocess.run(
        command, env=env, input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return _children() - used, time.monotonic() - begun


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
