"""The ways between the replicas and the API server: they take time, and lose things.

A request is done at one moment, when it arrives; what becomes of its answer is another matter. Who
asked may be gone by then: what was on its way still arrives.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from customevents import answers
from customevents.answers import Response, asked
from customevents.kube import REQUEST_TIMEOUT
from customevents.resource.errors import ClusterError
from customevents.resource.lease import IN_FLIGHT, read_entries
from simulation import fates, story
from simulation.apiserver import ApiServer, Reply

if TYPE_CHECKING:
    from simulation.world import World

_KINDS = {
    "leases": "lease",
    "configmaps": "configmap",
    "customevents": "event",
    "events": "notice",
}


def named(method: str, path: str) -> str:
    """What a request is, in a few words, such as `PUT lease`."""
    about = asked(path)
    if path.partition("?")[0].endswith("/status"):
        return f"{method} status"
    kind = _KINDS.get(about.plural, "")
    if about.name or method == "POST":
        return f"{method} {kind or 'other'}"
    if kind == "event":
        return "LIST open work" if "fieldSelector" in path else "LIST events"
    return "LIST workloads"


def told(what: str, path: str) -> str:
    """A request as a story tells it: with the event that it is about."""
    about = asked(path)
    if about.plural != "customevents" or not about.name:
        return what
    return f"{what} of {path.split('/')[5]}/{about.name}"


@dataclass
class Line:
    """One replica's way to the API server."""

    world: World
    who: str
    #: How many requests of each kind there were.
    asked: Counter[str] = field(default_factory=Counter)

    async def exchange(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> Response:
        """One request. Raises ClusterError if it is not answered."""
        what = named(method, path)
        self.asked[what] += 1
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                return await self._ask(method, path, body, headers, what)
        except TimeoutError:
            self.world.say(self.who, f"{told(what, path)}: no answer")
            raise ClusterError("the Kubernetes API did not answer: TimeoutError") from None

    async def _ask(
        self, method: str, path: str, body: Any, headers: dict[str, str], what: str
    ) -> Response:
        world, number = self.world, self.asked[what]
        fate = world.fate(self.who, what, number)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        kinds = {"content_type": headers["Content-Type"], "accept": headers["Accept"]}
        # As text: what is on its way does not change with what its sender goes on to do.
        paged = path.replace(f"limit={answers.PAGE}", f"limit={world.plan.page}")
        request = partial(_handle, world.server, method, paged, json.dumps(body), kinds)
        names = (what, "commit") if self._commits(what, body) else (what,)
        arrive = partial(self._arrive, request, path, names, number, fate, answer)
        await world.begins(self.who, names)
        # From here on it is the world's: it arrives also where nobody waits for it any more.
        there = world.way(self.who, what, number, "there")
        world.loop.call_later(there, arrive, context=Context())
        world.at_point(self.who, names, "sent")
        found = await answer
        world.at_point(self.who, names, "answered")
        return found

    def _commits(self, what: str, body: Any) -> bool:
        """Whether a write of the Lease lists an attempt that is not listed yet."""
        if what != "PUT lease":
            return False
        stated = read_entries(body["metadata"]["annotations"].get(IN_FLIGHT)).entries
        return not set(stated) <= set(self.world.intents())

    def _arrive(
        self,
        request: Callable[[], Reply],
        path: str,
        names: tuple[str, ...],
        number: int,
        fate: str,
        answer: asyncio.Future[Response],
    ) -> None:
        world, what = self.world, names[0]
        if world.is_down or world.is_parted(self.who, "kubernetes", "there"):
            fate = "reset before" if world.is_down else "hang before"
        fate = fate or world.policy(what, path)
        found: Response | None = None
        if fates.is_done(fate):
            reply = request()
            date = format_datetime(world.now(), usegmt=True)
            found = Response(reply.status, reply.body, reply.retry_after, date)
            if fate or not what.startswith(("GET", "LIST")):
                said = story.of_a_request(found.status, fate)
                world.say(self.who, f"{told(what, path)}: {said}")
            world.judge.done(self.who, what, found)
            world.at_point(self.who, names, "done")
            if world.is_parted(self.who, "kubernetes", "back"):
                world.say(self.who, f"{told(what, path)}: the answer is lost on its way")
                fate = "hang after"
        else:
            world.say(self.who, f"{told(what, path)}: {story.of_a_request(0, fate)}")
        if fates.number(fate):
            found = fates.refusal(fate)
        self._answer(found, fate, what, number, answer)

    def _answer(
        self,
        found: Response | None,
        fate: str,
        what: str,
        number: int,
        answer: asyncio.Future[Response],
    ) -> None:
        world = self.world
        world.counted(self.who, what, found if not fate else None)
        if fate.startswith("hang"):
            return
        back = world.way(self.who, what, number, "back")
        if fate.startswith("reset"):
            lost = ClusterError("the Kubernetes API did not answer: ClientOSError")
            world.loop.call_later(back, _fail, answer, lost, context=Context())
        else:
            world.loop.call_later(back, _give, answer, found, context=Context())


def _handle(server: ApiServer, method: str, path: str, body: str, kinds: dict[str, str]) -> Reply:
    return server.handle(method, path, json.loads(body), **kinds)


def _give(answer: asyncio.Future[Response], found: Response) -> None:
    if not answer.done():
        answer.set_result(found)


def _fail(answer: asyncio.Future[Response], error: ClusterError) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # whoever waited for it may be dead
