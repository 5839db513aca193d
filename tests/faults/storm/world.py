"""What the storm happens to: a cluster, an operator behind a proxy, a sandbox, and a trace."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from localcluster import Cluster

from customevents import sandbox
from operator_process import RunningOperator
from promises.crowd import Api
from proxy import ApiProxy

#: Where the authors are at work, where the canaries are, and where the odd objects lie.
AUTHORS = ("storm-a", "storm-b", "storm-c")
CANARIES = "storm-canaries"
ODD = "storm-odd"

#: Seconds.
LEASE, POST_TIMEOUT = 5, 5


class Trace:
    """What was done when, as JSON lines: a finding without it cannot be understood."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", buffering=1)
        self._lock = threading.Lock()
        self._begun = time.time()

    def __call__(self, who: str, what: str, **more: Any) -> None:
        """Write a line; times are seconds since the begin."""
        line = {"t": round(time.time() - self._begun, 3), "who": who, "what": what, **more}
        with self._lock:
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()


@dataclass
class Window:
    """A time, by `time.time()`, in which nobody can ask the operator to tell anything."""

    begin: float
    end: float = float("inf")


@dataclass
class World:
    """What all parts of the storm share."""

    seed: str
    cluster: Cluster
    api: Api
    proxy: ApiProxy
    timeline: sandbox.Running
    running: RunningOperator
    trace: Trace
    #: The storm ceases.
    over: threading.Event = field(default_factory=threading.Event)
    #: Held by whoever speaks to the API server, and by whom it is stopped.
    served: threading.Lock = field(default_factory=threading.Lock)
    windows: list[Window] = field(default_factory=list)
    #: What a part of the storm itself got wrong.
    errors: list[BaseException] = field(default_factory=list)

    def choices(self, part: str) -> Random:
        """The choices of one part, which are those of the seed."""
        return Random(f"{self.seed}/{part}")

    @contextmanager
    def blocked(self, settles: float) -> Iterator[None]:
        """For as long as the block lasts, and a while longer, telling is asked of nobody."""
        window = Window(time.time())
        self.windows.append(window)
        try:
            yield
        finally:
            window.end = time.time() + settles
