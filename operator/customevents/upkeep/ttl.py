"""Deletes events that are finished, so many seconds after that, as their authors asked.

As with a Job, `ttlSecondsAfterFinished` counts from the end of the delivery. An object that Argo
CD, Flux or Helm keeps would be created and sent again, so it stays; what is one of their hooks
goes, as nothing creates it again.

It keeps of each object what a delete needs. The delete names uid and resourceVersion: an edit that
nobody has sent yet is not deleted with it.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

from customevents.clocks import happened
from customevents.resource.errors import ClusterError, Conflict, Gone
from customevents.resource.event import CustomEvent
from customevents.resource.times import later

logger = logging.getLogger(__name__)

#: Seconds: the tool whose hook it is must have seen how the delivery ended.
LEAST_FOR_HOOKS = 300

#: Seconds until a delete that failed is tried again: after the first time, and at most.
AGAIN, LONGEST_AGAIN = 60.0, 3600.0

#: Seconds after which the clock is looked at again: the API server's may have been set.
LOOK_AGAIN = 60.0

#: Timers that are kept beside those of the objects that wait, before the rest is thrown away.
MOST_STALE = 64


class _Grave(NamedTuple):
    due: datetime
    namespace: str
    name: str
    resource_version: int
    #: Deletes of it that failed, one after another.
    failures: int = 0


class Cluster(Protocol):
    """What is needed of Kubernetes."""

    async def delete_event(
        self, namespace: str, name: str, *, uid: str, resource_version: int
    ) -> None:
        """Delete this very version; raises Gone, Conflict if it is another one, ClusterError."""


def removal_time(event: CustomEvent) -> datetime | None:
    """When an event is to be deleted; None: never, or it is not finished."""
    record, seconds = event.status.delivery, event.spec.get("ttlSecondsAfterFinished")
    if seconds is None or record.finished_time is None or not record.state.finished:
        return None
    if not event.settled or event.is_created_again:
        return None
    if event.is_hook:
        seconds = max(seconds, LEAST_FOR_HOOKS)
    return later(record.finished_time, seconds)


def _pause(error: ClusterError) -> float:
    """Seconds for which the API server is left alone: its trouble is that of every object."""
    busy = error.status in (0, 429) or error.status >= 500
    return min(max(error.retry_after, 1.0 if busy else 0.0), LONGEST_AGAIN)


class TtlCollector:
    """Deletes what the watch has shown as finished, in time."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._graves: dict[str, _Grave] = {}
        #: When they are due; an entry whose object has changed since is skipped.
        self._timers: list[tuple[datetime, str]] = []
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._graves)

    def offer(self, event: CustomEvent) -> None:
        """Take in an object as the watch shows it."""
        due = removal_time(event)
        if due is None:
            self.forget(event)
            return
        before = self._graves.get(event.uid)
        self._graves[event.uid] = _Grave(due, event.namespace, event.name, event.resource_version)
        if before is None or before.due != due:
            self._set_timer(event.uid, due)

    def forget(self, event: CustomEvent) -> None:
        """It is gone, or is not to be deleted any more."""
        if self._graves.pop(event.uid, None) is not None:
            self._tidy()

    async def run(self) -> None:
        """Delete, for ever."""
        while True:
            while self._timers and self._timers[0][0] <= self._clock():
                due, uid = heapq.heappop(self._timers)
                grave = self._graves.get(uid)
                if grave is not None and grave.due == due:
                    await self._bury(uid, grave)
            await self._until_due()

    async def _bury(self, uid: str, grave: _Grave) -> None:
        path = f"{grave.namespace}/{grave.name}"
        try:
            await self._cluster.delete_event(
                grave.namespace, grave.name, uid=uid, resource_version=grave.resource_version
            )
        except (Gone, Conflict):
            pass  # the watch tells what is there now
        except ClusterError as error:
            if not grave.failures:
                logger.warning("%s cannot be deleted yet: %s", path, error)
            self._put_off(uid, grave)
            await asyncio.sleep(_pause(error))
            return
        except Exception:  # whatever it is, it is this object's trouble
            if not grave.failures:
                logger.exception("%s cannot be deleted yet", path)
            self._put_off(uid, grave)
            return
        else:
            logger.info("%s is deleted, as its ttlSecondsAfterFinished says", path)
        if self._graves.get(uid) == grave:
            del self._graves[uid]

    def _put_off(self, uid: str, grave: _Grave) -> None:
        if self._graves.get(uid) != grave:
            return  # it changed meanwhile, and has its own time
        wait = min(AGAIN * 2.0 ** min(grave.failures, 16), LONGEST_AGAIN)
        due = later(self._clock(), wait)
        self._graves[uid] = grave._replace(due=due, failures=grave.failures + 1)
        self._set_timer(uid, due)

    def _set_timer(self, uid: str, due: datetime) -> None:
        heapq.heappush(self._timers, (due, uid))
        self._tidy()
        self._wake.set()

    def _tidy(self) -> None:
        """Throw away the timers of objects that are gone, once they are the greater part."""
        if len(self._timers) > 2 * len(self._graves) + MOST_STALE:
            self._timers = [(grave.due, uid) for uid, grave in self._graves.items()]
            heapq.heapify(self._timers)

    async def _until_due(self) -> None:
        self._wake.clear()
        wait = None
        if self._timers:
            wait = min((self._timers[0][0] - self._clock()).total_seconds(), LOOK_AGAIN)
        await happened(self._wake, wait)
