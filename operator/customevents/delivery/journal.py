"""Leadership and the write-ahead log, both in one Lease.

Nothing is sent before its intent is committed to the cluster. A status write for each would double
the price of an event; so all intents that are about to be sent are written at once, in the Lease
that elects the leader. The swap of that Lease is also the fence: who is no longer the holder cannot
commit, and so cannot send.

While we hold the Lease, the list in memory is the truth, and every write states it whole. Every
write is a compare-and-swap on the resourceVersion read before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from customevents.clocks import happened
from customevents.delivery.lease import (
    Intent,
    Leases,
    Observed,
    TakenOver,
    Terms,
    holder,
    next_transition,
    read_entries,
    readable,
    stated,
)
from customevents.delivery.trouble import Trouble
from customevents.resource.errors import ClusterError, Conflict, Gone, LeadershipLost

logger = logging.getLogger(__name__)

#: Seconds: a swap without an answer by then has an unknown outcome.
SWAP_TIMEOUT = 4.0

#: Seconds: what was stopped and resumed must not send on an older commit.
COMMIT_VALID = 5.0

#: Seconds that a write waits for company while other attempts are under way.
GATHER = 0.008

#: HTTP's status for what is not there.
NOT_FOUND = 404

#: Seconds between two looks of a standby.
POLL = 2.0


#: What is said while a Lease is not had, or not written, and when it is again.
_TAKING = ("waiting for the Lease", "the Lease answers again")
_WRITING = (
    "the Lease cannot be written, and nothing is sent until it can",
    "the Lease is written again",
)


class Journal:
    """The Lease, from `acquire` to `release`; `run` writes it meanwhile."""

    def __init__(
        self,
        leases: Leases,
        terms: Terms,
        *,
        uptime: Callable[[], float],
        wall: Callable[[], datetime],
        state: Callable[[], str],
    ) -> None:
        """`uptime` counts seconds, also those in which the process or the machine was stopped.

        `state` is what the operator says about itself; it is written along with renewals.
        """
        self._leases = leases
        self._terms = terms
        self._uptime = uptime
        self._wall = wall
        self._state = state
        self._says, self._say_at = "", float("-inf")
        self._lease: dict[str, Any] = {}
        self._entries: dict[str, Intent] = {}
        self._leads = False
        self._taking = Trouble(*_TAKING, uptime=uptime, wall=wall)
        self._writing = Trouble(*_WRITING, uptime=uptime, wall=wall)
        self._waiting: list[asyncio.Future[float]] = []
        self._wake = asyncio.Event()
        self._valid_until = float("-inf")
        self._renew_at = float("-inf")
        self._lost: LeadershipLost | None = None
        self._seen_before = self._log_lost = False
        self._unreadable = 0
        self._held_back_until = float("-inf")
        #: How often the log was not there; writes of the Lease; intents that they committed.
        self.times_lost = self.writes = self.committed = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def acquire(self) -> TakenOver:
        """Wait until the Lease is ours, however long that takes."""
        observed = Observed()
        while True:
            pause = min(POLL, self._terms.duration / 3)
            try:
                taken = await self._try(observed)
            except (ClusterError, TimeoutError) as error:
                pause = max(pause, self._taking.failed(error))
                self._entries = {}
            else:
                self._taking.ended()
                if taken is not None:
                    return taken
            await asyncio.sleep(pause)

    async def run(self) -> None:
        """Commit intents and renew. Raises LeadershipLost; returns never."""
        while True:
            await self._something_to_write()
            if len(self._entries) > 2 * len(self._waiting) > 0:
                await asyncio.sleep(GATHER)
            waiting, self._waiting = self._waiting, []
            try:
                begun = await self._swap()
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

    @property
    def valid(self) -> bool:
        """Whether the Lease was written recently enough to be ours still."""
        return self._uptime() < self._valid_until

    @property
    def lease_uid(self) -> str:
        """The Lease's own; empty until it was had."""
        return str(self._lease.get("metadata", {}).get("uid", ""))

    @property
    def trouble(self) -> str:
        """What keeps this process from leading, or the leader from sending; empty: nothing.

        One line that stays the same while the trouble does. That another process leads is none.
        """
        if self.holds_back:
            seconds = f"{self._terms.quarantine:.0f} s"
            return f"nothing is sent for {seconds}: the Lease or its list was lost"
        if not self._leads:
            return str(self._taking) if self._taking.lasts else ""
        if self._writing.lasts or (self._writing and not self.valid):
            return str(self._writing)
        return "" if self.valid else "the Lease has run out, and is not written"

    @property
    def holds_back(self) -> bool:
        """Whether it waits, as it must, for attempts that nobody knows of to end."""
        return self._uptime() < self._held_back_until

    def may_send(self, committed: float) -> bool:
        """Whether a commit still stands: the Lease is valid, and this process was not stopped."""
        return self.valid and self._uptime() - committed < COMMIT_VALID

    def say(self) -> None:
        """Write what the operator says about itself now, and not with the next renewal."""
        self._say_at = self._renew_at = float("-inf")
        self._wake.set()

    def entry(self, uid: str) -> Intent | None:
        """The attempt of this object whose result is not on it yet."""
        return self._entries.get(uid)

    def drop(self, uid: str) -> None:
        """The result is on the object, the object is gone, or nothing was applied."""
        self._entries.pop(uid, None)

    async def release(self) -> None:
        """Let the next one begin at once. Call it when `run` has ended."""
        if self._lost is not None or not self._leads:
            return
        try:
            async with asyncio.timeout(SWAP_TIMEOUT):
                await self._let_go()
        except LeadershipLost:
            pass  # that was our own write, its answer lost; or another holds it by now
        except (ClusterError, TimeoutError) as error:
            words = str(error) or f"not within {SWAP_TIMEOUT:.0f} s"
            logger.warning("the Lease could not be released, the next leader waits: %s", words)

    async def _let_go(self) -> None:
        refused = False
        while True:
            try:
                if refused:
                    self._go_on_from(await self._leases.read())
                await self._leases.replace(self._stated(holder=""))
                return
            except Gone:
                raise
            except ClusterError as error:
                refused = True
                await asyncio.sleep(self._writing.failed(error))

    async def _try(self, observed: Observed) -> TakenOver | None:
        """One look of a standby; None: another holds the Lease. Raises what the look ended with."""
        try:
            async with asyncio.timeout(SWAP_TIMEOUT):
                lease = readable(await self._leases.read())
        except (ClusterError, TimeoutError) as error:
            # In whatever words: to create replaces nothing, and tells whether it is there.
            if isinstance(error, ClusterError) and error.status == NOT_FOUND:
                return await self._found()
            observed.failed()
            raise
        self._seen_before = True
        # Only a write of our own, its answer lost, keeps a lost log from being seen again.
        self._log_lost &= holder(lease) == self._terms.identity
        if not observed.is_free(lease, self._terms, self._uptime()):
            return None
        return await self._take(lease)

    async def _found(self) -> TakenOver:
        """There is no Lease: the first installation, or somebody deleted it."""
        self._log_lost |= self._seen_before
        await self._create()
        return self._taken()

    async def _take(self, lease: dict[str, Any]) -> TakenOver:
        """Swap a free Lease in, with its list kept."""
        listed = read_entries(lease)
        self._log_lost |= not listed.whole
        self._unreadable = max(self._unreadable, listed.unreadable)
        self._entries = {entry.uid: entry for entry in listed.entries}
        spec = lease["spec"] | {
            "leaseTransitions": next_transition(lease),
            "acquireTime": self._now(),
        }
        self._lease = {**lease, "spec": spec}
        begun = self._uptime()
        await self._write(self._leases.replace(self._stated()), begun)
        return self._taken()

    def _taken(self) -> TakenOver:
        self._leads = True
        if self._unreadable:
            logger.error("%d rows of the Lease name no attempt: dropped", self._unreadable)
        if self._log_lost:
            self.times_lost += 1
            self._hold_back()
        return TakenOver(tuple(self._entries.values()), self._log_lost * self._terms.quarantine)

    def _hold_back(self) -> None:
        self._held_back_until = self._uptime() + self._terms.quarantine

    async def _something_to_write(self) -> None:
        self._wake.clear()
        if self._waiting:
            return
        await happened(self._wake, max(0.0, self._renew_at - self._uptime()))

    async def _swap(self) -> float:
        """State the whole list, until that succeeded; the uptime at which it began."""
        while True:
            begun = self._uptime()
            try:
                await self._write(self._leases.replace(self._stated()), begun)
            except Gone:
                await self._restore()
            except (ClusterError, TimeoutError) as error:
                # A conflict, a refusal, or its answer was lost: the Lease itself tells.
                await asyncio.sleep(self._writing.failed(error))
                await self._read_again()
            else:
                self._writing.ended()
                return begun

    async def _read_again(self) -> None:
        """Go on from the Lease as it is now, if it is still ours."""
        while True:
            try:
                async with asyncio.timeout(SWAP_TIMEOUT):
                    lease = await self._leases.read()
            except Gone:
                return await self._restore()
            except (ClusterError, TimeoutError) as error:
                await asyncio.sleep(self._writing.failed(error))
            else:
                return self._go_on_from(lease)

    def _go_on_from(self, found: dict[str, Any]) -> None:
        lease = readable(found)
        if holder(lease) != self._terms.identity:
            raise LeadershipLost(f"{holder(lease) or 'somebody else'} holds the Lease now")
        self._lease = lease

    async def _restore(self) -> None:
        """Make a deleted Lease anew, after a wait in which everybody's attempts end."""
        self.times_lost += 1
        logger.error(
            "the Lease was deleted: nothing is sent for %.0f s, then it is made anew",
            self._terms.quarantine,
        )
        self._hold_back()
        await asyncio.sleep(self._terms.quarantine)
        while True:
            try:
                return await self._create()
            except Conflict:
                return await self._read_again()
            except (ClusterError, TimeoutError) as error:
                await asyncio.sleep(self._writing.failed(error))

    async def _create(self) -> None:
        self._lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "spec": {"leaseTransitions": 0, "acquireTime": self._now()},
        }
        begun = self._uptime()
        await self._write(self._leases.create(self._stated()), begun)

    async def _write(self, request: Coroutine[Any, Any, dict[str, Any]], begun: float) -> None:
        async with asyncio.timeout(SWAP_TIMEOUT):
            self._lease = readable(await request)
        self.writes += 1
        self._valid_until = begun + self._terms.duration
        self._renew_at = begun + self._terms.renew_every

    def _stated(self, *, holder: str | None = None) -> dict[str, Any]:
        """The Lease as it shall be: our list, whole."""
        if self._uptime() >= self._say_at:
            # A little sooner than the next renewal, which else might come a moment before this.
            self._says = self._state()
            self._say_at = self._uptime() + 0.9 * self._terms.renew_every
        return stated(
            self._lease,
            entries=self._entries.values(),
            state=self._says,
            holder=self._terms.identity if holder is None else holder,
            duration=self._terms.duration,
            now=self._now(),
        )

    def _now(self) -> str:
        # Always six decimals: a time without them is refused.
        return self._wall().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
