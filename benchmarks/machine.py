"""The machine: which core does what, and what a process took of it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

#: The Python that contestants run on: this one.
PYTHON = sys.executable

#: The rivals that are written in Go.
RIVALS = Path(__file__).resolve().parents[1] / ".cache" / "rivals" / "rivals"

TICKS = os.sysconf("SC_CLK_TCK")

#: The API server, etcd and the events API on the first, whoever is measured on the second.
CORES = sorted(os.sched_getaffinity(0))
THEIRS, OURS = CORES[0], CORES[-1]


@contextmanager
def on(core: int) -> Iterator[None]:
    """What is started within the block runs on this core alone; Go then counts one processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(process: int) -> float:
    """What a process has taken of all cores so far, user and system; 0 if it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(process: int, what: str = "VmHWM") -> float:
    """MiB: the most that a process ever had in memory (VmHWM), or what it has now (VmRSS)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    return 0.0


@dataclass(frozen=True)
class Instant:
    """What was taken by now: seconds of processes, and busy seconds of the cores."""

    at: float
    processes: dict[str, float]
    cores: dict[int, float]

    @classmethod
    def now(cls, processes: dict[str, int]) -> Instant:
        """Look, with the processes' names as the keys."""
        taken = {name: cpu_seconds(process) for name, process in processes.items()}
        return cls(time.time(), taken, dict(_busy()))

    def until(self, later: Instant) -> Taken:
        """What was taken between the two."""
        seconds = later.at - self.at
        names = self.processes.keys() & later.processes.keys()
        return Taken(
            seconds,
            {name: later.processes[name] - self.processes[name] for name in names},
            {core: (later.cores[core] - busy) / seconds for core, busy in self.cores.items()},
        )


@dataclass(frozen=True)
class Taken:
    """Seconds, seconds of CPU by process, and the share that each core was busy."""

    seconds: float
    processes: dict[str, float]
    cores: dict[int, float]


def _busy() -> Iterator[tuple[int, float]]:
    for line in Path("/proc/stat").read_text().splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name[3:].isdecimal():
            ticks = [int(count) for count in counts[:8]]
            yield int(name[3:]), (sum(ticks) - ticks[3] - ticks[4]) / TICKS


def described(kubernetes: str) -> dict[str, str]:
    """What the figures depend on, in words."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "machine": f"{len(CORES)} cores of {model}",
        "kubernetes": kubernetes,
        "python": platform.python_version(),
        "libraries": ", ".join(_versions(("kopf", "kubernetes", "httpx", "aiohttp", "pydantic"))),
        "commit": _commit(),
    }


def _versions(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield f"{name} {version(name)}"


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"
