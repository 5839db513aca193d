"""The write-ahead log: nothing is sent before its intent is committed to the cluster.

A status write for each would double the price of an event; so all intents that are about to be sent
are written at once, in the Lease that elects the leader. While we hold that, the list in memory is
the truth, and every write states it whole.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from customevents.clocks import happened
from customevents.delivery.election import Election
from customevents.delivery.state import Intent
from customevents.resource import names
from customevents.resource.errors import LeadershipLost
from customevents.resource.lease import is_count

logger = logging.getLogger(__name__)

IN_FLIGHT = "customevents.dev/in-flight"
FORMAT = 1

#: From here on nothing more is begun. All annotations of an object together hold 256 KiB; with the
#: longest names an entry takes 420 bytes, and a hundred attempts may be on their way to the list.
MOST_ENTRIES = 500

#: Seconds that a write waits for company while other attempts are under way.
GATHER = 0.008


@dataclass(frozen=True)
class TakenOver:
    """What a new leader finds: attempts that nobody recorded, and how long to hold back."""

    entries: tuple[Intent, ...]
    #: Seconds: the list was lost, so attempts may be under way that nobody knows of.
    quarantine: float


class Journal:
    """The list of attempts under way; `run` keeps it, and the Lease, in the cluster.

    An entry stands from before its commit until its result is on record, or nothing was applied.
    """

    def __init__(self, election: Election) -> None:
        self.election = election
        self._entries: dict[str, Intent] = {}
        self._waiting: list[asyncio.Future[float]] = []
        self._wake = asyncio.Event()
        self._lost: LeadershipLost | None = None
        self._unreadable = 0
        #: Intents that were committed.
        self.committed = 0

    def __len__(self) -> int:
        return len(self._entries)

    def has_room(self) -> bool:
        """Whether one more attempt may be begun."""
        return len(self._entries) < MOST_ENTRIES

    async def acquire(self) -> TakenOver:
        """Wait until the Lease is ours, with its list."""
        quarantine = await self.election.acquire(self)
        if self._unreadable:
            logger.error("%d rows of the Lease name no attempt: dropped", self._unreadable)
        return TakenOver(tuple(self._entries.values()), quarantine)

    async def run(self) -> None:
        """Commit intents and renew the Lease. Raises LeadershipLost; returns never."""
        while True:
            await self._something_to_write()
            if len(self._entries) > 2 * len(self._waiting) > 0:
                await asyncio.sleep(GATHER)
            waiting, self._waiting = self._waiting, []
            try:
                begun = await self.election.swap(self)
            except LeadershipLost as lost:
                self._lost = lost
                for commit in [*waiting, *self._waiting]:
                    if not commit.done():
                        commit.set_exception(lost)
                raise
            self.committed += len(waiting)
            for commit in waiting:
                if not commit.done():
                    commit.set_result(begun)

    async def commit(self, intent: Intent) -> float:
        """Write an intent down in the cluster; the uptime at which that write began.

        Raises LeadershipLost: then nothing may be sent.
        """
        if self._lost is not None:
            raise self._lost
        committed: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._entries[intent.uid] = intent
        self._waiting.append(committed)
        self._wake.set()
        return await committed

    def entry(self, uid: str) -> Intent | None:
        """The attempt of this object whose result is not on it yet."""
        return self._entries.get(uid)

    def drop(self, uid: str) -> None:
        """The result is on the object, the object is gone, or nothing was applied."""
        self._entries.pop(uid, None)

    async def release(self) -> None:
        """Let the next leader begin at once. Call it when `run` has ended."""
        await self.election.release(self)

    def read(self, lease: dict[str, Any]) -> bool:
        """Take over the list of a Lease; whether that is all that was written there."""
        found = read_entries(lease["metadata"]["annotations"].get(IN_FLIGHT))
        self._unreadable = max(self._unreadable, found.unreadable)
        self._entries = {entry.uid: entry for entry in found.entries}
        return found.whole

    def forget(self) -> None:
        """The Lease that was read was not had."""
        self._entries = {}

    def stated(self) -> dict[str, str]:
        """The list, whole, as each write of the Lease states it."""
        return {IN_FLIGHT: write_entries(self._entries.values())}

    async def _something_to_write(self) -> None:
        self._wake.clear()
        if self._waiting:
            return
        await happened(self._wake, self.election.renew_in)


@dataclass(frozen=True)
class Listed:
    """What a Lease says of attempts under way."""

    entries: tuple[Intent, ...] = ()
    #: Whether that is all that was written there.
    whole: bool = False
    #: Rows that name no attempt: the Lease was edited by hand.
    unreadable: int = 0


def write_entries(entries: Iterable[Intent]) -> str:
    """The attempts as one annotation holds them."""
    rows = [list(asdict(entry).values()) for entry in entries]
    return json.dumps({"format": FORMAT, "entries": rows}, separators=(",", ":"))


def read_entries(text: str | None) -> Listed:
    """The attempts that an annotation lists, as far as they can be read."""
    try:
        found = json.loads(text or "")
        rows = found["entries"] if found["format"] == FORMAT else None
    except (KeyError, TypeError, ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        return Listed()
    entries: dict[str, Intent] = {}
    for intent in filter(None, map(_read_row, rows)):
        known = entries.get(intent.uid, intent)
        # An object has one attempt at a time: of two, the later one counts the other as well.
        entries[intent.uid] = max(known, intent, key=lambda each: (each.sequence, each.attempt))
    unreadable = len(rows) - len(entries)
    return Listed(tuple(entries.values()), whole=not unreadable, unreadable=unreadable)


def _read_row(row: Any) -> Intent | None:
    """None if no attempt can be called so: by its name, no object could be asked for."""
    match row:
        case [str(uid), str(delivery_id), namespace, name, sequence, attempt] if (
            uid
            and delivery_id
            and names.is_namespace(namespace)
            and names.is_object(name)
            and is_count(sequence)
            and is_count(attempt)
        ):
            return Intent(uid, delivery_id, namespace, name, sequence, attempt)
    return None
