"""Kubernetes Events: what a person should notice, said beside the object that it is about.

Never one per attempt, and always aside: a notice that cannot be written delays and fails no
delivery. What it says also stands on the object.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from customevents.resource.errors import ClusterError
from customevents.resource.event import GROUP, KIND, VERSION, CustomEvent
from customevents.resource.notice import Notice, Regarding, manifest
from customevents.resource.status import Reason, State

logger = logging.getLogger(__name__)

#: What a person should look at.
WARNED = frozenset({State.FAILED, State.EXPIRED, State.HELD})

#: Notices that wait to be written; of more, the newest are not told.
MOST_WAITING = 1000

#: Seconds between two writes: a burst of refusals is no burst of writes.
BETWEEN = 0.05


class Notices(Protocol):
    """What is needed of Kubernetes."""

    async def create_notice(self, namespace: str, notice: dict[str, Any]) -> None:
        """Write one, as events.k8s.io/v1 has it; raises ClusterError."""


def notice(
    before: CustomEvent, after: CustomEvent, warning: str = "", *, of_deliveries: bool
) -> Notice | None:
    """What to say of a status that was just written; None: nothing that is new to a person.

    `warning`: what a person should notice although the event was delivered.
    """
    was, now = before.status, after.status
    record, condition = now.delivery, now.delivered
    known = (was.delivery.id, was.delivery.state, was.delivered.reason)
    if known == (record.id, record.state, condition.reason):
        return None
    regarding = Regarding(f"{GROUP}/{VERSION}", KIND, after.namespace, after.name, after.uid)
    if record.state in WARNED:
        return Notice(regarding, "Warning", condition.reason, condition.message)
    if record.state is State.DELIVERED and warning:
        return Notice(regarding, "Warning", Reason.NO_SERVICES_MATCH, warning)
    if record.state is State.DELIVERED and of_deliveries:
        return Notice(regarding, "Normal", condition.reason, condition.message)
    return None


class EventRecorder:
    """Takes notices at once, and writes them one after another."""

    def __init__(
        self,
        cluster: Notices,
        operator: Callable[[], Regarding],
        *,
        reporter: str,
        of_deliveries: bool,
        clock: Callable[[], datetime],
    ) -> None:
        """`operator` stands for the operator itself; `of_deliveries`: also where all went well."""
        self._cluster = cluster
        self._operator = operator
        self._reporter = reporter
        self._clock = clock
        self._of_deliveries = of_deliveries
        self._waiting: asyncio.Queue[Notice] = asyncio.Queue(MOST_WAITING)

    def recorded(self, before: CustomEvent, after: CustomEvent, warning: str) -> None:
        """A status was written."""
        if found := notice(before, after, warning, of_deliveries=self._of_deliveries):
            self._enqueue(found)

    def warn(self, reason: str, message: str) -> None:
        """Something is wrong with the operator or its endpoint, and not with one event."""
        self._enqueue(Notice(self._operator(), "Warning", reason, message))

    async def run(self) -> None:
        """Write what was taken, for ever."""
        while True:
            told = await self._waiting.get()
            try:
                written = manifest(told, reporter=self._reporter, now=self._clock())
                await self._cluster.create_notice(told.regarding.namespace, written)
            except ClusterError as error:
                logger.warning("a Kubernetes Event was not written: %s", error)
            await asyncio.sleep(BETWEEN)

    def _enqueue(self, told: Notice) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(told)
