"""Writes what the operator says about itself, where everybody may read it: a ConfigMap.

It is written when it changed and at most every few seconds, but at once for a pause and its end.
Now and then it is written without a change, so that a reader can tell that somebody is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from customevents import __version__
from customevents.delivery.inbox import Inbox
from customevents.delivery.throttle import Throttle
from customevents.resource.errors import ClusterError, Conflict, Gone, KeyFileError
from customevents.resource.operator_state import STATE, OperatorState, Resolving
from customevents.scope.cluster_name import ClusterName

logger = logging.getLogger(__name__)

#: Seconds between two writes, and between two without a change; a pause is looked for more often.
EVERY, AT_LEAST_EVERY = 5.0, 60.0
LOOK_EVERY = 0.5

#: Seconds by which the end of a rest may differ from one look to the next and be the same.
SAME = 2.0

#: Seconds that the last word may take: the next leader waits.
SIGN_OFF = 1.0

#: Seconds until the account is asked again whether it knows this cluster, if it gave no answer.
ASK_AGAIN = 60.0


class ConfigMap(Protocol):
    """The one ConfigMap. All raise ClusterError; `read` Gone, `create` and `replace` Conflict."""

    async def read(self) -> dict[str, Any]:
        """It, as it is."""

    async def create(self, config_map: dict[str, Any]) -> dict[str, Any]:
        """Make it, if there is none."""

    async def replace(self, config_map: dict[str, Any]) -> dict[str, Any]:
        """Swap it, if it is still at the resourceVersion that is named."""


class Account(Protocol):
    """What is asked of the events API."""

    async def knows_cluster(self, name: str) -> bool | None:
        """Whether the account has a cluster of this name; None: no answer. Raises KeyFileError."""


@dataclass(frozen=True)
class Facts:
    """What the state is put together from, beside the inbox and the throttle."""

    leader: str
    endpoint: str
    settings: Resolving
    cluster: Callable[[], ClusterName | None]
    agents_elsewhere: Callable[[], tuple[str, ...]]
    clock_skew: Callable[[], float | None]
    #: How many namespaces are not watched.
    unwatched: Callable[[], int]
    #: Whether it is this process that leads.
    leads: Callable[[], bool]


class StateReporter:
    """Puts the state together from the parts as they are now, and writes it."""

    def __init__(
        self,
        config_map: ConfigMap,
        inbox: Inbox,
        throttle: Throttle,
        account: Account,
        facts: Facts,
        *,
        clock: Callable[[], datetime],
        uptime: Callable[[], float],
    ) -> None:
        self._config_map = config_map
        self._inbox = inbox
        self._throttle = throttle
        self._account = account
        self._facts = facts
        self._clock = clock
        self._uptime = uptime
        #: The name that the account was asked about, and its answer.
        self._asked: tuple[str, bool | None] = ("", None)
        #: The ConfigMap as it was last seen; empty: it is to be read.
        self._seen: dict[str, Any] = {}
        self._reported: tuple[str, ...] = ()
        self._written: OperatorState | None = None
        self._written_at = float("-inf")
        self._is_over = False
        #: Whether the first words were written, or could not be.
        self.begun = asyncio.Event()
        #: When the rest is over that the endpoint asked for, as it was told last.
        self._rest: datetime | None = None
        #: What the last write was refused with.
        self._told = ""

    @property
    def state(self) -> OperatorState:
        """The state now; when it is written is left out."""
        facts = self._facts
        found, skew = facts.cluster(), facts.clock_skew()
        name = found.name if found else ""
        return OperatorState(
            version=__version__,
            leader=facts.leader,
            endpoint=facts.endpoint,
            key=self._throttle.key,
            cluster_name=name,
            cluster_name_source=found.source if found else "",
            agents_elsewhere=facts.agents_elsewhere(),
            cluster_known=self._asked[1] if self._asked[0] == name else None,
            paused=self._throttle.paused,
            rests_until=self._rests_until,
            halted=self._throttle.halted,
            breaker=self._throttle.breaker,
            waiting=len(self._inbox),
            oldest=self._inbox.oldest(),
            clock_skew=None if skew is None else round(skew),
            unwatched=facts.unwatched(),
            settings=facts.settings,
        )

    @property
    def _rests_until(self) -> datetime | None:
        """The same each time, while it is: what did not change is not written again."""
        rest = self._throttle.rest
        if rest <= 0.0:
            self._rest = None
            return None
        until = self._clock() + timedelta(seconds=rest)
        if self._rest is None or abs(until - self._rest) > timedelta(seconds=SAME):
            self._rest = until.replace(microsecond=0)
        return self._rest

    async def run(self) -> None:
        """Write what is new, for ever."""
        due = float("-inf")
        while True:
            urgent = self._urgent
            if urgent != self._reported or self._uptime() >= due:
                self._reported, due = urgent, self._uptime() + EVERY
                await self._report()
                self.begun.set()
            await asyncio.sleep(LOOK_EVERY)

    async def sign_off(self) -> None:
        """Say that nobody leads, once, and before somebody else does; then nothing more is said."""
        self._is_over = True
        gone = self.state.model_copy(update={"leader": "", "renewed": self._clock()})
        with contextlib.suppress(ClusterError, TimeoutError):
            async with asyncio.timeout(SIGN_OFF):
                if self._seen and self._facts.leads():
                    await self._config_map.replace({**self._seen, "data": {STATE: gone.to_json()}})

    async def ask_account(self) -> None:
        """Ask the account once about each name of this cluster, for ever."""
        while True:
            found = self._facts.cluster()
            if found is not None and (self._asked[0] != found.name or self._asked[1] is None):
                self._asked = (found.name, await self._ask(found.name))
            await asyncio.sleep(ASK_AGAIN)

    @property
    def _urgent(self) -> tuple[str, ...]:
        """What is written at once."""
        throttle, found = self._throttle, self._facts.cluster()
        name = found.name if found else ""
        rests = "rests" if throttle.rest else ""
        return throttle.paused, throttle.halted, throttle.key, throttle.breaker, name, rests

    async def _report(self) -> None:
        """What fails is told once, and tried again when the next is due."""
        state, now = self.state, self._uptime()
        is_fresh = state == self._written and now < self._written_at + AT_LEAST_EVERY
        if is_fresh or self._is_over or not self._facts.leads():
            return  # who does lead says so there, and is not to be written over
        text = state.model_copy(update={"renewed": self._clock()}).to_json()
        try:
            self._seen = await self._put({STATE: text})
        except ClusterError as error:
            self._seen = {}
            if self._told != str(error):
                logger.warning("what the operator says of itself cannot be written: %s", error)
            self._told = str(error)
        else:
            self._written, self._written_at, self._told = state, now, ""

    async def _put(self, data: dict[str, str]) -> dict[str, Any]:
        try:
            seen = self._seen or await self._config_map.read()
            return await self._config_map.replace({**seen, "data": data})
        except Gone:
            new = {"apiVersion": "v1", "kind": "ConfigMap", "data": data}
            return await self._config_map.create(new)
        except Conflict:
            if self._is_over:
                return self._seen  # that was our last word, or the next leader's first
            seen = await self._config_map.read()
            return await self._config_map.replace({**seen, "data": data})

    async def _ask(self, name: str) -> bool | None:
        try:
            known = await self._account.knows_cluster(name)
        except KeyFileError:
            return None
        if known is False:
            logger.warning("the account knows no cluster of the name %s", name)
        return known
