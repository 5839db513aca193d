"""The events API in memory: it takes one POST after the other, and knows of no duplicate.

What it counts is what would stand on the timeline. It answers by what it was told, by the key that
it was shown, and by what the world has in store for the request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import KeyFileError
from simulation import fates, story

if TYPE_CHECKING:
    from simulation.world import World

#: A summary that the API refuses for good.
REFUSED = "refused"


@dataclass
class Sent:
    """One POST, from when it left a replica."""

    number: int
    at: float
    who: str
    source: str
    uid: str
    delivery_id: str
    summary: str
    #: Whether it stands on the timeline, or will when it arrives.
    applies: bool = False
    arrived: bool = False
    #: The status that was read by who sent it; 0: none.
    answered: int = 0

    @property
    def is_confirmed(self) -> bool:
        """Whether who sent it knows that it was taken."""
        return 200 <= self.answered < 300


@dataclass
class Remote:
    """The timeline, and the key that it takes."""

    world: World
    posts: list[Sent] = field(default_factory=list)
    #: What is mounted: good, wrong or missing; and how often that changed.
    key: str = "good"
    keys: int = 0
    #: What every request meets while it lasts; empty: nothing.
    weather: str = ""


@dataclass
class Client:
    """One replica's way to it: what `EventsClient` is in the real world."""

    world: World
    who: str
    timeout: float
    asked: Counter[str] = field(default_factory=Counter)
    _keys_seen: int = -1

    async def post(self, body: dict[str, Any], delivery_id: str) -> Answer | NoAnswer:
        """Send one event, once. Raises KeyFileError."""
        self._read_key()
        remote = self.world.remote
        sent = Sent(
            number=len(remote.posts),
            at=self.world.loop.time(),
            who=self.who,
            source=body["details"]["customevents.dev/source"],
            uid=self.world.in_flight().get(delivery_id, ""),
            delivery_id=delivery_id,
            summary=body["summary"],
        )
        self.world.posted(sent)
        remote.posts.append(sent)
        found = await self._send("POST remote", sent)
        if isinstance(found, Answer):
            sent.answered = found.status
        self.world.judge.ended(sent, found)
        return found

    async def validate(self) -> Answer | NoAnswer:
        """Ask whether the key is good. Raises KeyFileError."""
        self._read_key()
        found = await self._send("GET validate", None)
        self.world.judge.probed(self.who, found)
        return found

    async def knows_cluster(self, name: str) -> bool | None:
        """Whether the account has a cluster of this name; None: no answer. Raises KeyFileError."""
        self._read_key()
        answer = await self._send("GET clusters", None)
        return True if answer == Answer(200) and name else None

    async def key_changed(self) -> bool:
        """Whether the mounted key is another one than at the last request."""
        return self.world.remote.keys != self._keys_seen

    def _read_key(self) -> None:
        self._keys_seen = self.world.remote.keys
        if self.world.remote.key == "missing":
            raise KeyFileError("the API key's file is missing")

    async def _send(self, what: str, sent: Sent | None) -> Answer | NoAnswer:
        self.asked[what] += 1
        number, world = self.asked[what], self.world
        fate = world.fate(self.who, what, number)
        if world.is_parted(self.who, "remote", "there"):
            fate = "unreachable"
        elif world.remote.weather:
            fate = world.remote.weather
        status = self._status(sent)  # by the key that it carries
        if fate == "200" and status >= 300:
            fate = ""
        if sent is not None:
            sent.applies = fates.is_done(fate) and status < 300
        answer: asyncio.Future[Answer | NoAnswer] = asyncio.get_running_loop().create_future()
        arrive = partial(self._arrive, what, number, fate, status, sent, answer)
        world.loop.call_later(world.way(self.who, what, number, "there"), arrive, context=Context())
        world.at_point(self.who, (what,), "sent")
        try:
            async with asyncio.timeout(self.timeout):
                found = await answer
        except TimeoutError:
            return NoAnswer(Stage.SENT, "TimeoutError")
        world.at_point(self.who, (what,), "answered")
        return found

    def _arrive(
        self,
        what: str,
        number: int,
        fate: str,
        status: int,
        sent: Sent | None,
        answer: asyncio.Future[Answer | NoAnswer],
    ) -> None:
        world = self.world
        if sent is not None:
            sent.arrived = True
        about = what if sent is None else f"POST {sent.source}"
        if sent is not None or fate:
            world.say(self.who, f"{about}: {story.of_a_request(status, fate)}")
        found = _found(fate, status)
        world.counted(self.who, what, found if not fate else None)
        world.at_point(self.who, (what,), "done")
        if found is None or world.is_parted(self.who, "remote", "back"):
            return
        back = world.way(self.who, what, number, "back")
        world.loop.call_later(back, _give, answer, found, context=Context())

    def _status(self, sent: Sent | None) -> int:
        """What the API itself says to it."""
        if self.world.remote.key != "good":
            return 403
        if sent is None:
            return 200
        return 400 if REFUSED in sent.summary else 201


def _found(fate: str, status: int) -> Answer | NoAnswer | None:
    """What comes back; None: nothing."""
    if fate.startswith("hang"):
        return None
    if fate.startswith("reset"):
        return NoAnswer(Stage.SENT, "ClientOSError")
    if fate == "unreachable":
        return NoAnswer(Stage.CONNECT, "refused")
    if fate == "certificate":
        return NoAnswer(Stage.CERTIFICATE, "it is another's")
    if fates.number(fate):
        return Answer(fates.number(fate), fates.seconds(fate) or None)
    return Answer(status)


def _give(answer: asyncio.Future[Answer | NoAnswer], found: Answer | NoAnswer) -> None:
    if not answer.done():
        answer.set_result(found)
