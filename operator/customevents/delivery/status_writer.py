"""The result PATCH: what became of an event is put on its object, however long that takes.

Each write is a compare-and-swap on the delivery record, so that a deposed leader's late write
cannot take "Delivered" back to "Retrying". Where another record stands, the two are merged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from customevents.delivery import state
from customevents.delivery.counters import Counters
from customevents.delivery.state import Verdict
from customevents.resource.errors import (
    ClusterError,
    Conflict,
    Gone,
    SchemaTooOld,
    StatusRefused,
    UnreadableEvent,
)
from customevents.resource.event import CustomEvent, read_event, read_same
from customevents.resource.status import Status
from customevents.trouble import Pauses

logger = logging.getLogger(__name__)

_TOO_OLD = (
    "the CRD in the cluster drops what the operator writes. Apply the CRD of this version, then "
    "restart the operator"
)

_ANOTHER = "another operator sends the same events. Uninstall one of the two, then restart this one"

#: HTTP statuses that say that this very object cannot be written so: bad, too large, invalid.
OF_ONE_OBJECT = frozenset({400, 413, 422})


class Statuses(Protocol):
    """What is needed of Kubernetes; objects are as the API server sends them.

    Both raise Gone and ClusterError; `patch_status` also Conflict and StatusRefused.
    """

    async def patch_status(self, event: CustomEvent, status: dict[str, Any]) -> dict[str, Any]:
        """Replace the status, if uid and delivery record are still the event's."""

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        """Read one CustomEvent."""


@dataclass(frozen=True)
class StatusWriter:
    """Writes verdicts on their objects."""

    cluster: Statuses
    clock: Callable[[], datetime]
    counters: Counters
    #: Told of each write: the object before and after it, and what is to be warned of.
    recorded: Callable[[CustomEvent, CustomEvent, str], None]
    #: Told when going on could send events twice.
    alarm: Callable[[str], None]
    #: Whether each attempt of this operator is known: another one is another operator's then.
    knows_all: Callable[[], bool]
    #: Objects with attempts of the last leader, which may still record them itself; and until when
    #: these may still arrive.
    taken_over: dict[str, datetime] = field(default_factory=dict)

    async def write(self, event: CustomEvent, verdict: Verdict) -> CustomEvent | None:
        """Put a verdict on its object and return that as it is now; None if the object is gone.

        Tried until it succeeds; a status that would not change is not written.
        Raises StatusRefused or another ClusterError if it is refused for what it is,
        UnreadableEvent if what stands there cannot be read, and SchemaTooOld if the cluster drops
        what is written.
        """
        base, pauses = event, Pauses(f"{event.path}: the status cannot be written")
        generation: int | None = event.generation  # what the verdict is about
        while True:
            status = state.to_status(verdict, base, generation, self.clock())
            if status == base.status:
                return base
            try:
                return await self._put(base, status, verdict)
            except (Conflict, Gone) as refusal:
                await pauses.after_crossing(refusal)
                # Also whether it is gone is for the object itself to say.
                found = await self.find(event.namespace, event.name, event.uid)
                if found is None:
                    self._gone(event, verdict)
                    return None
                if found.stored_record == base.stored_record:
                    # No other record is in the way: there is nothing to merge with.
                    base = found
                    continue
                self._look_for_another(event, found, verdict)
                verdict, ours = state.merged(event, found, verdict)
                if verdict.record == found.status.delivery:
                    return found
                base = found
                generation = generation if ours else found.status.delivered.observed_generation
            except ClusterError as error:
                if error.status in OF_ONE_OBJECT:
                    raise
                await pauses.after(error)

    async def find(self, namespace: str, name: str, uid: str) -> CustomEvent | None:
        """The object as it is now; None if it is gone, or another one of the same name.

        Raises UnreadableEvent if it cannot be read.
        """
        pauses = Pauses(f"{namespace}/{name} cannot be read")
        while True:
            try:
                return await self.look(namespace, name, uid)
            except ClusterError as error:
                await pauses.after(error)

    async def look(self, namespace: str, name: str, uid: str) -> CustomEvent | None:
        """As `find`, but asked once. Raises ClusterError."""
        try:
            return read_same(await self.cluster.get_event(namespace, name), uid)
        except Gone:
            return None

    def _gone(self, event: CustomEvent, verdict: Verdict) -> None:
        """There is nothing to write on; what is not finished never will be."""
        if verdict.record.state.finished:
            logger.info("%s was deleted before its result was written", event.path)
            return
        logger.info("%s was deleted before it was delivered", event.path)
        self.counters.cancelled(event.namespace)

    async def _put(self, base: CustomEvent, status: Status, verdict: Verdict) -> CustomEvent:
        try:
            fresh = await self._patch(base, status)
        except StatusRefused as error:
            # What matters is that the event is not sent again for it.
            essence = Status(conditions=status.conditions, delivery=status.delivery.essence)
            fresh = await self._patch(base, essence)
            logger.error("%s: only the essence of its status is taken: %s", base.path, error)
        if fresh.status.delivery.essence != verdict.record.essence:
            self.alarm(_TOO_OLD)
            raise SchemaTooOld(_TOO_OLD)
        _log(fresh, verdict)
        self.recorded(base, fresh, verdict.warning)
        return fresh

    async def _patch(self, base: CustomEvent, status: Status) -> CustomEvent:
        try:
            return read_event(await self.cluster.patch_status(base, status.to_json()))
        except UnreadableEvent as error:  # something in between answered, or the answer is cut
            raise ClusterError(f"the answer to a write is none: {error}") from None

    def _look_for_another(self, event: CustomEvent, found: CustomEvent, verdict: Verdict) -> None:
        if event.uid in self.taken_over or not self.knows_all():
            return  # it may be of who led before us, or leads now
        if state.is_foreign(event, found, verdict.record):
            # The alarm is read by everybody, and so names nobody's event.
            logger.error("%s: another operator recorded an attempt on it", event.path)
            self.alarm(_ANOTHER)


def _log(event: CustomEvent, verdict: Verdict) -> None:
    record = verdict.record
    logger.info(
        "%s is %s: %s",
        event.path,
        record.state,
        verdict.message,
        extra={"event": event.path, "delivery_id": record.id, "attempt": record.attempts},
    )
