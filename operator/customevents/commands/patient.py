"""An API server that is asked again, where that may help: for a person who waits, and for CI jobs.

A job whose step fails for a hiccup is run again, and tells the timeline twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from customevents import kube, trust
from customevents.chosen import Chosen
from customevents.clocks import ClusterClock
from customevents.commands import arguments
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Conflict, Gone, NotTheApi
from customevents.resource.times import doubled, read_time

T = TypeVar("T")

#: Seconds that a request may go without an answer; and, where a command has no timeout of its own,
#: that all of them together may. With one, it is asked for so long at the beginning.
PATIENCE = 10.0

#: Seconds behind a timeout in which the last look may still be answered.
LAST_LOOK = 2.0

#: Seconds until the second try, doubled with each that fails, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0

#: What passes by itself; 0: there was no answer. Anything else, only a person can mend.
PASSING = frozenset({0, 429, 500, 502, 503, 504})

#: The API server's word for a name that is taken. It says 409 of a quota that just changed, too.
TAKEN = "AlreadyExists"

#: What the clocks of two API servers may differ by.
CLOCKS = timedelta(seconds=10)


def pause(error: ClusterError, failures: int) -> float | None:
    """Seconds until the next try after so many failures; None: none would help."""
    if error.status not in PASSING or isinstance(error, NotTheApi):
        return None
    return max(error.retry_after, doubled(FIRST_PAUSE, failures - 1, LONGEST_PAUSE))


def _nothing_done(error: ClusterError) -> bool:
    """Whether the request was surely not carried out."""
    return error.status == 429 or trust.was_never_asked(error.__cause__)


class PatientCluster(Cluster):
    """Asks again, while there is time. Each of its requests means the same a second time."""

    #: Whether the event that was to be created last may be there although no answer says so.
    in_doubt = False
    #: Knows the API server's time; `connect` sets it.
    time: ClusterClock
    _begun = 0.0
    #: When the command's timeout is over; None: it has none.
    _end: float | None = None
    #: Since when there has been no answer; None: the last request had one.
    _silent_since: float | None = None

    def has(self, seconds: float | None) -> None:
        """From now on, the command may take so long; None: as long as there are answers."""
        self._begun = self._now
        self._end = None if seconds is None else self._begun + seconds

    @property
    def left(self) -> float:
        """Seconds until the command's timeout; 0: it is over, or there is none."""
        return max(0.0, (self._end or 0.0) - self._now)

    async def request(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As its parent's, but for what passes by itself. Raises ClusterError."""
        since = self._silent_since = self._now if self._silent_since is None else self._silent_since
        until = self._until(since)
        failures = 0
        while True:
            try:
                found = await self._try(until, since, *args, **kwargs)
            except ClusterError as error:
                failures += 1
                wait = pause(error, failures)
                if wait is None:
                    self._silent_since = None
                    raise
                self.in_doubt |= not _nothing_done(error)
                if self._now + wait >= until:
                    raise
            else:
                self._silent_since = None
                return found
            await asyncio.sleep(wait)

    async def _try(self, until: float, since: float, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout_at(min(until, self._now + PATIENCE)):
                return await super().request(*args, **kwargs)
        except TimeoutError:
            words = f"the Kubernetes API did not answer within {self._now - since:.0f} s"
            raise ClusterError(words) from None

    def _until(self, since: float) -> float:
        if self._end is None:
            return since + PATIENCE
        return max(self._begun + PATIENCE, self._end + LAST_LOOK)

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        """Read one CustomEvent. Raises Gone if it, or its namespace, is not there."""
        return await self._within(namespace, super().get_event(namespace, name), name)

    async def annotate(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        """Set annotations. Raises Gone if the event, or its namespace, is not there."""
        await self._within(namespace, super().annotate(namespace, name, annotations), name)

    async def create_event(self, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create an event once: what an earlier try has made is the one.

        Raises ClusterError, Conflict if another one has its name; look at `in_doubt` then.
        """
        self.in_doubt, begun = False, self._now
        try:
            return await self._within(namespace, super().create_event(namespace, manifest))
        except Conflict as error:
            if error.reason != TAKEN or not self.in_doubt:
                raise
            there = await self.get_event(namespace, manifest["metadata"]["name"])
            if self._made_since(begun, there) and _holds(there["spec"], manifest["spec"]):
                return there
            raise

    async def _within(self, namespace: str, asking: Awaitable[T], name: str = "") -> T:
        """Of a namespace that is misspelt, that is said, and not what is missing there."""
        try:
            return await asking
        except ClusterError as error:
            if error.status == 404:
                await arguments.is_there(self, namespace)
            if isinstance(error, Gone) and name:
                look = f"kubectl get cev -n {namespace} lists those that are"
                words = f"there is no CustomEvent {namespace}/{name}: {look}"
                raise Gone(words, error.status) from error
            raise

    def _made_since(self, begun: float, there: dict[str, Any]) -> bool:
        """Whether it can have been made by a try of ours, and not by yesterday's job."""
        made = read_time(there["metadata"].get("creationTimestamp"))
        ago = timedelta(seconds=self._now - begun)
        return made is not None and made >= self.time.now() - ago - CLOCKS

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
    chosen: Chosen, seconds: float | None = None, clock: ClusterClock | None = None
) -> AsyncIterator[PatientCluster]:
    """A cluster that is asked for so many seconds; None: while it answers. Raises NoWay."""
    clock = clock or ClusterClock()
    async with kube.connect_as(PatientCluster, clock, chosen) as cluster:
        cluster.time = clock
        cluster.has(seconds)
        yield cluster
