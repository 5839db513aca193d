"""The workloads of the cluster, listed a namespace at a time, and the lists shared.

Read as metadata alone, page by page. A burst of events asks for one list and not for one each:
whoever asks while a list is on its way that is fresh enough, waits for that one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from customevents.resource import names
from customevents.resource.errors import ClusterError, NoSuchKind
from customevents.scope.search import Workload, read_workload

logger = logging.getLogger(__name__)

#: No answer is older, whoever asks.
OLDEST = timedelta(seconds=30)

#: Between the beginnings of two lists of a namespace; those who need a younger one share the next.
GAP = timedelta(seconds=0.25)

#: Seconds for which somebody waits for a list; it is there when they come back.
PATIENCE = 5.0

#: How long a list that failed is not tried again.
PAUSE = timedelta(seconds=5)

#: The kinds that every cluster has, each by its path.
BUILT_IN = tuple(
    f"/apis/apps/v1/namespaces/{{}}/{plural}"
    for plural in ("deployments", "statefulsets", "daemonsets")
)

#: There only where its CRD is, which may be installed at any time.
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts"


class MetadataLists(Protocol):
    """What is needed of Kubernetes."""

    def metadata(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The `metadata` of all objects of a list.

        Raises ClusterError, and NoSuchKind if there is none.
        """


@dataclass(frozen=True)
class _Listing:
    """One list and when it begins: it is planned, on its way, there, or failed."""

    begun: datetime
    result: asyncio.Task[tuple[Workload, ...] | ClusterError]

    @property
    def failed(self) -> bool:
        return self.result.done() and isinstance(self.result.result(), ClusterError)


class Workloads:
    """The lists of all namespaces that were asked for lately; it lives on one event loop."""

    def __init__(self, cluster: MetadataLists, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._listings: dict[str, _Listing] = {}

    async def of(self, namespace: str, *, since: datetime) -> Sequence[Workload]:
        """The workloads of a namespace, as a list shows them that was begun at `since` or later.

        Raises ClusterError if they cannot be listed; a list that failed stands for a while.
        """
        if not names.is_namespace(namespace):
            return ()  # an event may name what can be no namespace, such as "../other"
        listing = self._listings.get(namespace)
        if listing is None or not self._serves(listing, since):
            listing = self._begin(namespace)
        try:
            async with asyncio.timeout(PATIENCE):
                # Others may wait for it: whoever gives up leaves it running.
                found = await asyncio.shield(listing.result)
        except TimeoutError:
            raise ClusterError(f"the workloads of {namespace} take long to be listed") from None
        if isinstance(found, ClusterError):
            raise ClusterError(str(found), found.status)
        return found

    def _serves(self, listing: _Listing, since: datetime) -> bool:
        now = self._clock()
        if listing.failed:
            return now - PAUSE < listing.begun <= now
        # One from further in the future was planned by a clock that was set back since.
        return max(since, now - OLDEST) <= listing.begun <= now + GAP

    def _begin(self, namespace: str) -> _Listing:
        now = self._clock()
        self._listings = {
            n: each for n, each in self._listings.items() if each.begun > now - OLDEST
        }
        last = self._listings.get(namespace)
        begun = max(now, last.begun + GAP) if last and last.begun <= now else now
        reading = self._read(namespace, (begun - now).total_seconds())
        listing = _Listing(begun, asyncio.create_task(reading, name=f"workloads of {namespace}"))
        self._listings[namespace] = listing
        return listing

    async def _read(self, namespace: str, wait: float) -> tuple[Workload, ...] | ClusterError:
        await asyncio.sleep(wait)
        kinds = [self._list(path.format(namespace)) for path in BUILT_IN]
        try:
            found = await asyncio.gather(*kinds, self._list_rollouts(namespace))
        except ClusterError as error:
            logger.warning("the workloads of %s cannot be listed: %s", namespace, error)
            return error
        return tuple(workload for kind in found for workload in kind)

    async def _list(self, path: str) -> list[Workload]:
        return [read_workload(metadata) async for metadata in self._cluster.metadata(path)]

    async def _list_rollouts(self, namespace: str) -> list[Workload]:
        try:
            return await self._list(ROLLOUTS.format(namespace))
        except NoSuchKind:
            return []
