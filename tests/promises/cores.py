"""Which processor core does what, so that two runs can be compared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcluster import Cluster


@contextmanager
def apart(cluster: Cluster) -> Iterator[None]:
    """Kubernetes and the sandbox on one core, and on another what is started within the block.

    Left alone, the two share what there is, and the scheduler's moods are half of the result. The
    caller's own thread is on the second core as well, since what it starts inherits that; it should
    do little. With one core alone, nothing is moved.
    """
    before = os.sched_getaffinity(0)
    first, second, *_ = (*sorted(before), *before)
    theirs = (os.getpid(), *cluster.processes)
    try:
        for process in theirs:
            _move(process, {first})
        os.sched_setaffinity(0, {second})
        yield
    finally:
        for process in theirs:
            _move(process, before)


def _move(process: int, cores: set[int]) -> None:
    """All its threads: each has an affinity of its own."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        try:
            os.sched_setaffinity(int(thread.name), cores)
        except ProcessLookupError:
            continue  # it has ended
