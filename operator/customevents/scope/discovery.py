"""Asks the cluster for its workloads, as fresh as the question needs them.

What was released together is applied together, but not at once: `kubectl apply -f dir/` goes by the
alphabet, so an event may come before its Deployment. So a release is looked for when the object is
some seconds old, and when it is missed, again and again until the object is older. What is still
missed then is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, count, takewhile
from typing import TypeVar

from customevents.resource.errors import ClusterError
from customevents.resource.release import Release
from customevents.resource.times import later
from customevents.scope.resolve import Resolution, Unresolved, services_unknown, with_services
from customevents.scope.search import Match, Search, Workload, match
from customevents.scope.workloads import OLDEST, MetadataLists, Workloads

T = TypeVar("T")

#: Seconds of an object's age after which a release that is not there is not expected any more.
BELIEVED = 15.0

#: Seconds between two looks.
EVERY = 3.0

#: How old the list may be by which nothing is selected: what it says holds an event.
MISS = timedelta(seconds=2)

#: How long an event waits when the workloads that decide its scope cannot be listed just now.
TROUBLE = timedelta(seconds=10)

#: Seconds for which an event with names waits for them to be looked up, at most.
PATIENCE = 1.0


@dataclass(frozen=True)
class NotYet:
    """It is too early to tell; nothing is said, and the event looked at again then."""

    until: datetime


class Discovery:
    """Completes resolutions, and counts what they match."""

    def __init__(
        self, cluster: MetadataLists, clock: Callable[[], datetime], *, settle: float
    ) -> None:
        """`settle`: seconds of age before a release is looked for."""
        self._workloads = Workloads(cluster, clock)
        self._clock = clock
        self._settle = settle

    async def complete(
        self, resolution: Resolution, changed: datetime
    ) -> Resolution | Unresolved | NotYet:
        """Do the search of a resolution, for an object that last changed at `changed`."""
        search = resolution.search
        if search is None:
            return resolution
        try:
            if isinstance(search.by, Release):
                return await self._released(resolution, search, changed)
            return await self._selected(resolution, search, changed)
        except ClusterError as error:
            if passes(error):
                return NotYet(self._clock() + TROUBLE)
            return services_unknown(search.namespace, error)

    async def _released(
        self, resolution: Resolution, search: Search, changed: datetime
    ) -> Resolution | Unresolved | NotYet:
        looks = looks_for(changed, self._settle)
        past = [look for look in looks if look <= self._clock()]
        if not past:
            return NotYet(looks[0])
        workloads = await self._workloads.of(search.namespace, since=past[-1])
        if past != looks and not any(map(search.finds, workloads)):
            return NotYet(looks[len(past)])
        return with_services(resolution, workloads)

    async def _selected(
        self, resolution: Resolution, search: Search, changed: datetime
    ) -> Resolution | Unresolved:
        found = await self._judged(
            [search.namespace],
            changed,
            judge=lambda workloads: with_services(resolution, workloads),
            is_hit=lambda found: isinstance(found, Resolution),
            oldest_miss=MISS,
        )
        if isinstance(found, Resolution):
            return found
        # While the object is young, what it selects may just be on its way.
        now = self._clock()
        soon = next((look for look in looks_for(changed, EVERY) if look > now), None)
        return replace(found, again=soon)

    async def match(
        self, names: Collection[str], namespaces: Sequence[str], changed: datetime
    ) -> Match | None:
        """How the names in a scope match the workloads there; None: that cannot be told quickly."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._judged(
                    namespaces,
                    changed,
                    judge=lambda workloads: match(names, workloads),
                    is_hit=lambda found: not found.unmatched,
                    oldest_miss=OLDEST,
                )
        except (ClusterError, TimeoutError):
            return None

    async def _judged(
        self,
        namespaces: Sequence[str],
        changed: datetime,
        *,
        judge: Callable[[Collection[Workload]], T],
        is_hit: Callable[[T], bool],
        oldest_miss: timedelta,
    ) -> T:
        """Judge the workloads of some namespaces; what an older list misses, a fresh one must."""
        now = self._clock()
        found = judge(await self._list(namespaces, now - OLDEST))
        if is_hit(found):
            return found
        since = min(now, max(known_after(changed), now - oldest_miss))
        return judge(await self._list(namespaces, since))

    async def _list(self, namespaces: Sequence[str], since: datetime) -> list[Workload]:
        lists = [self._workloads.of(namespace, since=since) for namespace in namespaces]
        return list(chain.from_iterable(await asyncio.gather(*lists)))


def looks_for(changed: datetime, settle: float) -> list[datetime]:
    """When a release is looked for, until it is found; at the last look a miss is believed."""
    last = max(settle, BELIEVED)
    ages = [*takewhile(lambda age: age < last, count(settle, EVERY)), last]
    return [later(changed, age) for age in ages]


def known_after(changed: datetime) -> datetime:
    """When an object was there for certain, as it is: its times are whole seconds, cut off."""
    return later(changed, 1)


def passes(error: ClusterError) -> bool:
    """Whether an error goes away by itself: no answer, a list cut short, or a busy server.

    So does 404: these kinds are everywhere, so the API server cannot have said it of their lists.
    """
    return error.status in (0, 404, 410, 429) or error.status >= 500
