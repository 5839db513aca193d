"""Deletes events that are finished, so many seconds after that, as their authors asked.

As with a Job, `ttlSecondsAfterFinished` counts from the end of the delivery. An object that Argo
CD, Flux or Helm keeps would be created and sent again, so it stays; what is one of their hooks
goes, as nothing creates it again.

It keeps of each object what a delete needs. The delete names uid and resourceVersion: an edit that
nobody has sent yet is not deleted with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from customevents.clocks import happened
from customevents.delay_queue import DelayQueue
from customevents.resource.errors import ClusterError, Conflict, Gone
from customevents.resource.event import CustomEvent
from customevents.resource.times import doubled, later

logger = logging.getLogger(__name__)

#: Seconds: the tool whose hook it is must have seen how the delivery ended.
LEAST_FOR_HOOKS = 300

#: Seconds until a delete that failed is tried again: after the first time, and at most.
AGAIN, LONGEST_AGAIN = 60.0, 3600.0

#: Seconds after which the clock is looked at again: the API server's may have been set.
LOOK_AGAIN = 60.0


class _Grave(NamedTuple):
    due: datetime
    uid: str
    namespace: str
    name: str
    resource_version: int
    #: Deletes of it that failed, one after another.
    failures: int = 0


class Deletes(Protocol):
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
    if not event.needs_nothing or event.is_created_again:
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

    def __init__(self, cluster: Deletes, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._graves: DelayQueue[_Grave] = DelayQueue()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._graves)

    def offer(self, event: CustomEvent) -> None:
        """Take in an object as the watch shows it."""
        due = removal_time(event)
        if due is None:
            self.forget(event)
            return
        version, known = event.resource_version, self._graves.get(event.uid)
        if known is not None and known.resource_version == version:
            return  # a list shows it once more, and it may have been put off
        self._put(_Grave(due, event.uid, event.namespace, event.name, version))

    def forget(self, event: CustomEvent) -> None:
        """It is gone, or is not to be deleted any more."""
        self._graves.remove(event.uid)

    def wants(self, raw: dict[str, Any]) -> bool:
        """Whether an object that is finished is to be deleted, or was."""
        is_asked = "ttlSecondsAfterFinished" in (raw.get("spec") or {})
        return is_asked or raw["metadata"].get("uid") in self._graves

    async def run(self) -> None:
        """Delete, for ever."""
        while True:
            while (grave := self._graves.pop_due(self._clock())) is not None:
                await self._bury(grave)
            await self._until_due()

    async def _bury(self, grave: _Grave) -> None:
        path = f"{grave.namespace}/{grave.name}"
        try:
            await self._cluster.delete_event(
                grave.namespace, grave.name, uid=grave.uid, resource_version=grave.resource_version
            )
            logger.info("%s is deleted, as its ttlSecondsAfterFinished says", path)
        except (Gone, Conflict):
            pass  # the watch tells what is there now
        except ClusterError as error:
            if not grave.failures:
                logger.warning("%s cannot be deleted yet: %s", path, error)
            self._put_off(grave)
            await asyncio.sleep(_pause(error))
        except Exception:  # whatever it is, it is this object's trouble
            if not grave.failures:
                logger.exception("%s cannot be deleted yet", path)
            self._put_off(grave)

    def _put_off(self, grave: _Grave) -> None:
        if grave.uid in self._graves:
            return  # it changed meanwhile, and has its own time
        wait = doubled(AGAIN, grave.failures, LONGEST_AGAIN)
        due = later(self._clock(), wait)
        self._put(grave._replace(due=due, failures=grave.failures + 1))

    def _put(self, grave: _Grave) -> None:
        self._graves.put(grave.uid, grave)
        self._wake.set()

    async def _until_due(self) -> None:
        self._wake.clear()
        wait, due = None, self._graves.next_time
        if due is not None:
            wait = min((due - self._clock()).total_seconds(), LOOK_AGAIN)
        await happened(self._wake, wait)
