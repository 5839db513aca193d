"""The write-ahead log: nothing is sent before its intent is committed to the cluster.

A status write for each would double the price of an event; so all intents that are about to be sent
are written at once, in the Lease that elects the leader. While we hold that, the list in memory is
the truth, and every write states it whole.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from customevents.clocks import happened
from customevents.delivery.election import Election
from customevents.resource.errors import LeadershipLost
from customevents.resource.lease import IN_FLIGHT, Intent, read_entries, write_entries

logger = logging.getLogger(__name__)

#: From here on nothing more is begun. All annotations of an object together hold 256 KiB; with the
#: longest names an entry takes 420 bytes, and a hundred attempts may be on their way to the list.
MOST_ENTRIES = 500

#: Seconds that a write waits for company: for each attempt that is under way, and at most.
GATHER, LONGEST_GATHER = 0.001, 0.05


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
        #: Those of which no courier is at work: what is left of the last leader, and what has a
        #: result that cannot be written yet.
        self._left: set[str] = set()
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
            await self._company()
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

    def leave(self, uid: str) -> None:
        """An entry stays, however long; its courier goes on with another event."""
        if uid in self._entries:
            self._left.add(uid)

    def drop(self, uid: str) -> None:
        """The result is on the object, the object is gone, or nothing was applied."""
        self._entries.pop(uid, None)
        self._left.discard(uid)
        if self._waiting:
            self._wake.set()  # fewer are under way: what waits for company may be half of them

    async def release(self) -> None:
        """Let the next leader begin at once. Call it when `run` has ended."""
        await self.election.release(self)

    def read(self, lease: dict[str, Any]) -> bool:
        """Take over the list of a Lease; whether that is all that was written there."""
        found = read_entries(lease["metadata"]["annotations"].get(IN_FLIGHT))
        self._unreadable = max(self._unreadable, found.unreadable)
        self._entries = {entry.uid: entry for entry in found.entries}
        self._left = set(self._entries)
        return found.whole

    def forget(self) -> None:
        """The Lease that was read was not had."""
        self._entries, self._left = {}, set()

    def stated(self, *, whole: bool) -> dict[str, str]:
        """The list as each write of the Lease states it; `whole`: nothing was lost of it."""
        return {IN_FLIGHT: write_entries(self._entries.values(), whole=whole)}

    async def _company(self) -> None:
        """Wait until half of the attempts under way wait for this write, or for a moment.

        Half: so one half is written down while the other is sent and recorded, and the API server
        always has work. With all in one write it would rest while they are sent, and with few in
        each, the writes would be most of its work.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + min(GATHER * self._under_way, LONGEST_GATHER)
        while 0 < 2 * len(self._waiting) < self._under_way:
            self._wake.clear()
            if not await happened(self._wake, end - clock()):
                return

    @property
    def _under_way(self) -> int:
        return len(self._entries) - len(self._left)

    async def _something_to_write(self) -> None:
        self._wake.clear()
        if self._waiting:
            return
        await happened(self._wake, self.election.renew_in)
