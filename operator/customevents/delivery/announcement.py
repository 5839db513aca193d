"""What the operator says about itself, on its Lease: `check`, `render` and `list` read it there.

So the command line needs neither the API key nor a way to the operator's pod: the right to read one
Lease is enough. Nothing of the key is in it but whether it works.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from customevents import __version__
from customevents.delivery.gate import Gate, Key
from customevents.delivery.inbox import Inbox
from customevents.delivery.lease import STATE
from customevents.delivery.pacing import BreakerState
from customevents.resource.errors import KeyFileError
from customevents.resource.status import Time
from customevents.scope.cluster_name import ClusterName

logger = logging.getLogger(__name__)

#: Seconds until the account is asked again whether it knows this cluster, if it gave no answer.
ASK_AGAIN = 60.0

#: Namespaces that are not watched of which the Lease tells; there is little room on it.
MOST_UNWATCHED = 3


class _Model(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, frozen=True, extra="ignore", validate_by_name=True
    )


class Announcement(_Model):
    """The state annotation, as JSON."""

    version: str = ""
    endpoint: str = ""
    #: Whether the events API takes the key.
    key: Key = Key.UNKNOWN
    cluster_name: str = ""
    cluster_name_source: str = ""
    #: namespace/name of Komodor agents that are not believed about the name.
    agents_elsewhere: tuple[str, ...] = ()
    #: Whether the account knows a cluster of this name; None: it was not asked yet.
    cluster_known: bool | None = None
    #: Why the endpoint is paused.
    paused: str = ""
    #: Why nothing is sent until the operator is restarted.
    halted: str = ""
    breaker: BreakerState = BreakerState.HALF_OPEN
    #: Undelivered events in the queue, and when the oldest that shall be sent was written.
    waiting: int = 0
    oldest: Time | None = None
    #: Seconds by which the operator's clock is ahead of the API server's.
    clock_skew: float | None = None
    #: A line for each of the first namespaces that are not watched.
    unwatched: tuple[str, ...] = ()
    #: What decides how an event is resolved, by the names of the settings.
    settings: dict[str, Any] = Field(default_factory=dict)


def read_announcement(lease: dict[str, Any]) -> Announcement | None:
    """What stands on a Lease; None if that says nothing, or cannot be read."""
    text = lease["metadata"].get("annotations", {}).get(STATE)
    if text is None:
        return None
    try:
        return Announcement.model_validate_json(text)
    except ValidationError:
        return None


class Account(Protocol):
    """What is asked of the events API."""

    async def knows_cluster(self, name: str) -> bool | None:
        """Whether the account has a cluster of this name; None: no answer. Raises KeyFileError."""


class Announcer:
    """Puts the announcement together from the parts as they are now."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        gate: Gate,
        account: Account,
        cluster: Callable[[], ClusterName | None],
        agents_elsewhere: Callable[[], tuple[str, ...]],
        endpoint: str,
        clock_skew: Callable[[], float | None],
        unwatched: Callable[[], Sequence[str]],
        settings: dict[str, Any],
    ) -> None:
        self._inbox = inbox
        self._gate = gate
        self._account = account
        self._cluster = cluster
        self._agents_elsewhere = agents_elsewhere
        self._endpoint = endpoint
        self._clock_skew = clock_skew
        self._unwatched = unwatched
        self._settings = settings
        #: The name that the account was asked about, and its answer.
        self._asked: tuple[str, bool | None] = ("", None)

    def __call__(self) -> str:
        """The announcement as its annotation holds it."""
        found = self._cluster()
        name = found.name if found else ""
        skew = self._clock_skew()
        announcement = Announcement(
            version=__version__,
            endpoint=self._endpoint,
            key=self._gate.key,
            cluster_name=name,
            cluster_name_source=found.source if found else "",
            agents_elsewhere=self._agents_elsewhere(),
            cluster_known=self._asked[1] if self._asked[0] == name else None,
            paused=self._gate.paused,
            halted=self._gate.halted,
            breaker=self._gate.breaker,
            waiting=len(self._inbox),
            oldest=self._inbox.oldest(),
            clock_skew=None if skew is None else round(skew, 1),
            unwatched=tuple(self._unwatched()[:MOST_UNWATCHED]),
            settings=self._settings,
        )
        return announcement.model_dump_json(by_alias=True)

    async def run(self) -> None:
        """Ask the account once about each name of this cluster, for ever."""
        while True:
            found = self._cluster()
            if found is not None and not self._is_answered(found.name):
                self._asked = (found.name, await self._ask(found.name))
            await asyncio.sleep(ASK_AGAIN)

    def _is_answered(self, name: str) -> bool:
        return self._asked[0] == name and self._asked[1] is not None

    async def _ask(self, name: str) -> bool | None:
        try:
            known = await self._account.knows_cluster(name)
        except KeyFileError:
            return None
        if known is False:
            logger.warning("the account knows no cluster of the name %s", name)
        return known
