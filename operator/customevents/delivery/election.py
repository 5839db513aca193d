"""Who leads: one Lease, as every elected controller holds it.

Every write is a compare-and-swap on the resourceVersion read before. That is the fence: who is no
longer the holder cannot write, and what the journal commits stands in these very writes.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from customevents.resource.errors import ClusterError, Conflict, Gone, LeadershipLost
from customevents.resource.lease import holder, next_transition, readable, stated_duration
from customevents.trouble import Trouble

logger = logging.getLogger(__name__)

#: Seconds: a swap without an answer by then has an unknown outcome.
SWAP_TIMEOUT = 4.0

#: Seconds: what was stopped and resumed must not send on an older commit.
COMMIT_VALID = 5.0

#: HTTP's statuses for what may not be asked, and for what is not there.
FORBIDDEN, NOT_FOUND = 403, 404

#: Seconds between two looks of a standby.
POLL = 2.0

#: What earlier versions wrote there, for everybody to read.
RETIRED = "customevents.dev/state"

#: What is said while a Lease is not had, or not written, and when it is again.
_TAKING = ("waiting for the Lease", "the Lease answers again")
_WRITING = (
    "the Lease cannot be written, and nothing is sent until it can",
    "the Lease is written again",
)


@dataclass(frozen=True)
class Terms:
    """Times of the Lease in seconds; `post_timeout` is that of an attempt."""

    identity: str
    duration: float = 15.0
    post_timeout: float = 30.0

    @property
    def renew_every(self) -> float:
        """A third of the duration: two renewals may fail."""
        return self.duration / 3

    @property
    def quarantine(self) -> float:
        """After this, no attempt of an unknown leader can still be under way."""
        return self.duration + self.post_timeout


class Leases(Protocol):
    """What is needed of Kubernetes: one Lease, as the API server sends it.

    All raise ClusterError; `read` Gone, `create` and `replace` Conflict.
    """

    async def read(self) -> dict[str, Any]:
        """The Lease as it is."""

    async def create(self, lease: dict[str, Any]) -> dict[str, Any]:
        """Make it, if there is none."""

    async def replace(self, lease: dict[str, Any]) -> dict[str, Any]:
        """Swap it, if it is still at the resourceVersion that `lease` names."""


class Traces(Protocol):
    """What an operator leaves beside its Lease; raises ClusterError."""

    async def read(self) -> dict[str, Any]:
        """It, as it is; raises Gone."""


class Log(Protocol):
    """What stands on the Lease beside who holds it."""

    def __len__(self) -> int:
        """How many attempts it lists."""

    def read(self, lease: dict[str, Any]) -> bool:
        """Take over what a Lease lists; whether that is all that was written there."""

    def forget(self) -> None:
        """The Lease that was read was not had."""

    def stated(self, *, whole: bool) -> dict[str, str]:
        """The annotations that every write states; `whole`: nothing was lost of what they list."""


class Election:
    """The Lease, from `acquire` to `release`; who holds it keeps it by `swap`."""

    def __init__(
        self,
        leases: Leases,
        terms: Terms,
        *,
        traces: Traces,
        uptime: Callable[[], float],
        wall: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        """`uptime` counts seconds, also those in which the process or the machine was stopped.

        `traces` are there where somebody has led before. `chance` is drawn from 0 to 1.
        """
        self.terms = terms
        self._leases = leases
        self._traces = traces
        self._uptime = uptime
        self._wall = wall
        self._lease: dict[str, Any] = {}
        self._observed = Observed()
        self._taking = Trouble(*_TAKING, uptime=uptime, wall=wall, chance=chance)
        self._writing = Trouble(*_WRITING, uptime=uptime, wall=wall, chance=chance)
        self._leads = self._is_lost = False
        self._seen_before = self._log_lost = False
        self._valid_until = float("-inf")
        self._renew_at = float("-inf")
        self._held_back_until = float("-inf")
        #: How often the Lease or its list was not there; and writes of the Lease.
        self.times_lost = self.writes = 0

    @property
    def valid(self) -> bool:
        """Whether the Lease was written recently enough to be ours still."""
        return self._uptime() < self._valid_until and not self._is_lost

    @property
    def knows_all(self) -> bool:
        """Whether each attempt of this operator is ours, or on the list that we took over.

        Not if another may lead by now, or if a Lease or its list was lost: whoever made attempts
        before that, and slept since, may still record them.
        """
        return self.valid and not self.times_lost

    @property
    def renew_in(self) -> float:
        """Seconds until it must be written again."""
        return max(0.0, self._renew_at - self._uptime())

    @property
    def lease_uid(self) -> str:
        """The Lease's own; empty until it was had."""
        return str(self._lease.get("metadata", {}).get("uid", ""))

    @property
    def holds_back(self) -> bool:
        """Whether it waits, as it must, for attempts that nobody knows of to end."""
        return self._uptime() < self._held_back_until

    @property
    def trouble(self) -> str:
        """What keeps this process from leading, or the leader from sending; empty: nothing.

        One line that stays the same while the trouble does. That another process leads is none.
        """
        if self.holds_back:
            seconds = f"{self.terms.quarantine:.0f} s"
            return f"nothing is sent for {seconds}: the Lease or its list was lost"
        if not self._leads:
            return str(self._taking) if self._taking.lasts else ""
        if self._writing.lasts or (self._writing and not self.valid):
            return str(self._writing)
        return "" if self.valid else "the Lease has run out, and is not written"

    def may_send(self, committed: float) -> bool:
        """Whether a commit still stands: the Lease is valid, and this process was not stopped."""
        return self.valid and self._uptime() - committed < COMMIT_VALID

    async def acquire(self, log: Log) -> float:
        """Wait until the Lease is ours, however long that takes.

        The seconds to hold back then: its list was lost, so attempts of the last leader may be
        under way that nobody knows of.
        """
        while True:
            pause = min(POLL, self.terms.duration / 3)
            try:
                is_ours = await self._try(log)
            except (ClusterError, TimeoutError) as error:
                pause = max(pause, self._taking.failed(error))
                log.forget()
            else:
                self._taking.ended()
                if is_ours:
                    return self._begin()
            await asyncio.sleep(pause)

    async def swap(self, log: Log) -> float:
        """State all that the log says, until that succeeded; the uptime at which it began.

        Raises LeadershipLost.
        """
        try:
            return await self._swap(log, holder=self.terms.identity)
        except LeadershipLost:
            self._is_lost = True
            raise

    async def release(self, log: Log) -> None:
        """Let the next one begin at once. Call it when nothing is swapped any more."""
        if self._is_lost or not self._leads:
            return
        try:
            async with asyncio.timeout(SWAP_TIMEOUT):
                await self._give_back(log)
        except LeadershipLost:
            pass  # that was our own write, its answer lost; or another holds it by now
        except (ClusterError, TimeoutError) as error:
            words = str(error) or f"not within {SWAP_TIMEOUT:.0f} s"
            logger.warning("the Lease could not be released, the next leader waits: %s", words)

    async def _give_back(self, log: Log) -> None:
        try:
            await self._swap(log, holder="")
        except Gone:
            if not log:
                raise
            # Somebody deleted it. What it listed goes to the next one, which waits for all else.
            self._log_lost = True
            self._hold_back()
            await self._create(log, holder="")

    async def _try(self, log: Log) -> bool:
        """One look of a standby: whether the Lease is ours. Raises what the look ended with."""
        try:
            async with asyncio.timeout(SWAP_TIMEOUT):
                lease = readable(await self._leases.read())
        except (ClusterError, TimeoutError) as error:
            # In whatever words: to create replaces nothing, and tells whether it is there.
            if isinstance(error, ClusterError) and error.status == NOT_FOUND:
                # The first installation; or somebody has led before, and somebody deleted it.
                self._log_lost = self._seen_before or await self._has_traces()
                await self._create(log)
                return True
            self._observed.failed()
            raise
        self._seen_before = True
        if not self._observed.is_free(lease, self.terms, self._uptime()):
            return False
        await self._seize(lease, log)
        return True

    async def _has_traces(self) -> bool:
        """Whether somebody may have led before. Raises what the look ended with."""
        try:
            async with asyncio.timeout(SWAP_TIMEOUT):
                await self._traces.read()
        except Gone:
            return False
        except ClusterError as error:
            if error.status != FORBIDDEN:
                raise
        return True

    async def _seize(self, lease: dict[str, Any], log: Log) -> None:
        """Swap a free Lease in, with its list kept."""
        self._log_lost = not log.read(lease)
        spec = {"leaseTransitions": next_transition(lease), "acquireTime": self._now()}
        self._lease = {**lease, "spec": lease["spec"] | spec}
        await self._write(self._leases.replace(self._stated(log, self.terms.identity)))

    def _begin(self) -> float:
        self._leads = True
        if not self._log_lost:
            return 0.0
        self._hold_back()
        return self.terms.quarantine

    def _hold_back(self) -> None:
        self.times_lost += 1
        self._held_back_until = self._uptime() + self.terms.quarantine

    async def _swap(self, log: Log, *, holder: str) -> float:
        # A swap that is refused, or not answered, may have been another's or our own: nothing is
        # tried again before the Lease was read, and is still ours.
        while True:
            try:
                begun = await self._write(self._leases.replace(self._stated(log, holder)))
            except Gone:
                if not holder:
                    raise
                await self._restore(log)
            except (ClusterError, TimeoutError) as error:
                # A conflict, a refusal, or its answer was lost: the Lease itself tells.
                await asyncio.sleep(self._writing.failed(error))
                await self._read_again(log, holder)
            else:
                self._writing.ended()
                return begun

    async def _read_again(self, log: Log, holder: str) -> None:
        """Go on from the Lease as it is now, if it is still ours."""
        while True:
            try:
                async with asyncio.timeout(SWAP_TIMEOUT):
                    lease = await self._leases.read()
            except Gone:
                if not holder:
                    raise
                return await self._restore(log)
            except (ClusterError, TimeoutError) as error:
                await asyncio.sleep(self._writing.failed(error))
            else:
                return self._go_on_from(lease)

    def _go_on_from(self, found: dict[str, Any]) -> None:
        lease = readable(found)
        if holder(lease) != self.terms.identity:
            raise LeadershipLost(f"{holder(lease) or 'somebody else'} holds the Lease now")
        self._lease = lease

    async def _restore(self, log: Log) -> None:
        """Make a deleted Lease anew, after a wait in which everybody's attempts end."""
        logger.error(
            "the Lease was deleted: nothing is sent for %.0f s, then it is made anew",
            self.terms.quarantine,
        )
        self._hold_back()
        heard = self._uptime()
        await asyncio.sleep(self.terms.quarantine)
        while self._uptime() - heard < self.terms.quarantine + COMMIT_VALID:
            try:
                return await self._create(log)
            except Conflict:
                return await self._read_again(log, self.terms.identity)
            except (ClusterError, TimeoutError) as error:
                if isinstance(error, ClusterError) and error.status:
                    heard = self._uptime()
                await asyncio.sleep(self._writing.failed(error))
        # Stopped or cut off for so long: another may have led, and its Lease be deleted as well.
        raise LeadershipLost("the Lease was gone for too long")

    async def _create(self, log: Log, *, holder: str | None = None) -> None:
        self._lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "spec": {"leaseTransitions": 0, "acquireTime": self._now()},
        }
        holder = self.terms.identity if holder is None else holder
        await self._write(self._leases.create(self._stated(log, holder)))

    async def _write(self, request: Coroutine[Any, Any, dict[str, Any]]) -> float:
        """Do it; the uptime at which it began, from which on the Lease counts as ours."""
        begun = self._uptime()
        async with asyncio.timeout(SWAP_TIMEOUT):
            self._lease = readable(await request)
        self.writes += 1
        self._valid_until = begun + self.terms.duration
        self._renew_at = begun + self.terms.renew_every
        return begun

    def _stated(self, log: Log, holder: str) -> dict[str, Any]:
        """The Lease as it shall be."""
        metadata = self._lease.get("metadata", {})
        # Who goes before the attempts have ended that nobody knows of leaves that to the next one.
        whole = not self._log_lost or (self._leads and not self.holds_back)
        annotations = {**metadata.get("annotations", {}), **log.stated(whole=whole)}
        annotations.pop(RETIRED, None)
        return {
            **self._lease,
            "metadata": {**metadata, "annotations": annotations},
            "spec": {
                **self._lease["spec"],
                "holderIdentity": holder,
                "leaseDurationSeconds": max(1, math.ceil(self.terms.duration)),
                "renewTime": self._now(),
            },
        }

    def _now(self) -> str:
        # Always six decimals: a time without them is refused.
        return self._wall().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Observed:
    """For how long a standby has seen the Lease unchanged, by its own clock alone."""

    def __init__(self) -> None:
        self._version = ""
        self._since: float | None = None

    def is_free(self, lease: dict[str, Any], terms: Terms, now: float) -> bool:
        """Whether it was released, is held under our own name, or its holder is silent."""
        if holder(lease) in ("", terms.identity):
            return True
        version = str(lease["metadata"].get("resourceVersion"))
        if self._since is None or version != self._version:
            self._version, self._since = version, now
        return now - self._since >= stated_duration(lease, terms.duration)

    def failed(self) -> None:
        """What could not be read may have changed: count anew."""
        self._since = None
