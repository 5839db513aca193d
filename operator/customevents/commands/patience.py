"""An API server that is asked again, where that may help: for a person who waits, and for CI jobs.

A job whose step fails for a hiccup is run again, and tells the timeline twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from customevents import kube
from customevents.chosen import Chosen
from customevents.clocks import ClusterClock
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Conflict

#: Seconds that a command takes which has no timeout of its own; and each at least.
PATIENCE = 10.0

#: Seconds until the second try, doubled with each that fails, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0

#: What passes by itself; 0: there was no answer. Anything else, only a person can mend.
PASSING = frozenset({0, 429, 500, 502, 503, 504})

#: Of these, what says that nothing was done.
NOTHING_DONE = 429


def pause(error: ClusterError, failures: int) -> float | None:
    """Seconds until the next try after so many failures; None: none would help."""
    if error.status not in PASSING:
        return None
    return max(error.retry_after, min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 10)))


class PatientCluster(Cluster):
    """Asks again, while it `has` time. Each of its requests means the same a second time."""

    #: Whether a request may have been carried out whose answer was none.
    in_doubt = False
    _until = 0.0
    _seconds = 0.0

    def has(self, seconds: float) -> None:
        """From now on, it may take so long."""
        self._seconds, self._until = seconds, self._now + seconds

    async def request(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As its parent's, but for what passes by itself. Raises ClusterError."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout_at(self._until):
                    return await super().request(*args, **kwargs)
            except TimeoutError:
                words = f"the Kubernetes API did not answer within {self._seconds:.0f} s"
                raise ClusterError(words) from None
            except ClusterError as error:
                failures += 1
                wait = pause(error, failures)
                if wait is None or self._now + wait > self._until:
                    raise
                self.in_doubt |= error.status != NOTHING_DONE
            await asyncio.sleep(wait)

    async def create_event(self, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create an event once: what an earlier try has made is the one.

        Raises ClusterError, Conflict if another one has its name.
        """
        try:
            return await super().create_event(namespace, manifest)
        except Conflict:
            if not self.in_doubt:
                raise
            there = await self.get_event(namespace, manifest["metadata"]["name"])
            if not _holds(there["spec"], manifest["spec"]):
                raise
            return there

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _holds(there: Any, sent: Any) -> bool:
    """Whether all that was sent stands there; the schema may have put defaults beside it."""
    if isinstance(sent, dict) and isinstance(there, dict):
        return all(key in there and _holds(there[key], value) for key, value in sent.items())
    return bool(there == sent)


@asynccontextmanager
async def connect(
    chosen: Chosen, patience: float = PATIENCE, clock: ClusterClock | None = None
) -> AsyncIterator[PatientCluster]:
    """A cluster that is asked for so many seconds. Raises NoWay."""
    async with kube.connect_as(PatientCluster, clock, chosen) as cluster:
        cluster.has(max(patience, PATIENCE))
        yield cluster
