"""Which processes a cluster's folder belongs to, told safely.

A pid alone may be another process by now. Together with the time at which the process started it
names one for good, also to a later run of the launcher, which finds both in the folder.
"""

import json
import os
import select
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = "processes.json"


@dataclass(frozen=True)
class Process:
    """A process of this machine; `started` is in clock ticks after the machine's own start."""

    pid: int
    started: int

    def runs(self) -> bool:
        """Whether it exists; one that ended and waits for its parent to notice does not run."""
        try:
            state, started = parse_stat(Path(f"/proc/{self.pid}/stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z" and started == self.started

    def stop(self, patience: float) -> None:
        """End it with SIGTERM, after `patience` seconds with SIGKILL, and wait until it is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        # The handle stays with one process; looking only now makes sure that it is the right one.
        try:
            if self.runs() and not _ends(handle, signal.SIGTERM, patience):
                _ends(handle, signal.SIGKILL, None)
        finally:
            os.close(handle)


def _ends(handle: int, with_signal: signal.Signals, patience: float | None) -> bool:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, with_signal)
    poll = select.poll()
    poll.register(handle, select.POLLIN)  # readable from the end of the process on
    return bool(poll.poll(None if patience is None else patience * 1000))


def process(pid: int) -> Process:
    """The process that has this pid now."""
    _, started = parse_stat(Path(f"/proc/{pid}/stat").read_text())
    return Process(pid, started)


def parse_stat(stat: str) -> tuple[str, int]:
    """State and start time out of /proc/PID/stat (see proc_pid_stat(5)).

    The second field is the command in parentheses, and may itself hold some, and blanks.
    """
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def save(directory: Path, processes: Mapping[str, Process]) -> None:
    """Record the processes of a cluster, by name, in the order of their start."""
    new = directory / f"{RECORD}.new"
    new.write_text(json.dumps({name: asdict(p) for name, p in processes.items()}, indent=2))
    new.replace(directory / RECORD)


def running(directory: Path) -> dict[str, Process]:
    """The recorded processes of a cluster that still run, in the order of their start."""
    try:
        recorded = json.loads((directory / RECORD).read_text())
    except FileNotFoundError:
        return {}
    processes = {name: Process(**fields) for name, fields in recorded.items()}
    return {name: found for name, found in processes.items() if found.runs()}


def is_state_folder(directory: Path) -> bool:
    """Whether a cluster made this folder, so that its content may be thrown away."""
    return (directory / RECORD).exists()
