"""`GET /sandbox/changes`: what arrives, and what the faults do, told as it happens.

Server-sent events, so that a browser takes a broken stream up again by itself. Nothing is queued
for anybody: who follows is woken, and reads from the record what stands behind the last thing that
they were told. So no reader can be too slow, and none misses an event.

Messages: `events` (a list, oldest first; the id says up to where), `state` (faults, switches, what
was answered), `beat` (the connection lives) and `reset` (the record was begun anew: read it all).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from customevents.sandbox.api import SANDBOX, Sandbox
from customevents.sandbox.store import EventQuery

#: Seconds between two messages: what arrives in them is told at once.
PACE = 0.05

#: Seconds without news after which a beat is sent.
BEAT = 10.0

#: Events in one message.
BATCH = 200

#: Requests that the state shows.
RECENT = 8


def routes() -> list[web.RouteDef]:
    """Return the stream's route."""
    return [web.get("/sandbox/changes", follow, allow_head=False)]


async def follow(request: web.Request) -> web.StreamResponse:
    """Tell what happens behind `Last-Event-ID`, or `after`, until either side goes."""
    sandbox = request.app[SANDBOX]
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    await response.write(b"retry: 1000\n\n")
    place = request.headers.get("Last-Event-ID") or request.query.get("after", "")
    await _Follower(sandbox, response, place or f"{sandbox.store.epoch}:0").run()
    return response


class _Follower:
    """One reader, and how far they have been told.

    Invariant: everything up to `_sequence` of the record `_epoch` was told, in order.
    """

    def __init__(self, sandbox: Sandbox, response: web.StreamResponse, place: str) -> None:
        self._sandbox = sandbox
        self._response = response
        self._state = ""
        self._epoch, _, sequence = place.partition(":")
        self._sequence = int(sequence[:18]) if sequence.isdecimal() else 0  # as SQLite holds them

    async def run(self) -> None:
        while not self._sandbox.closing.is_set():
            # Taken before reading: what changes while it is read wakes the next round.
            coming = self._sandbox.changes.coming
            if self._epoch != self._sandbox.store.epoch:
                await self._say("reset", {})
                return
            await self._tell_state()
            while self._epoch == self._sandbox.store.epoch and await self._tell_events():
                pass  # in between, a slow reader was waited for, and the record may be another
            try:
                async with asyncio.timeout(BEAT):
                    await coming.wait()
            except TimeoutError:
                await self._say("beat", {})
            await asyncio.sleep(PACE)

    async def _tell_state(self) -> None:
        state = state_document(self._sandbox)
        if (said := json.dumps(state)) != self._state:
            self._state = said
            await self._say("state", state)

    async def _tell_events(self) -> bool:
        """Tell one batch; whether there may be another."""
        query = EventQuery(after=self._sequence, limit=BATCH, brief=True)
        page = self._sandbox.store.events(query)
        if page["events"]:
            self._sequence = page["events"][-1]["sequence"]
            await self._say("events", page["events"], f"{self._epoch}:{self._sequence}")
        return page["next"] is not None

    async def _say(self, event: str, document: object, place: str = "") -> None:
        lines = [f"event: {event}", f"data: {json.dumps(document)}"]
        if place:
            lines.append(f"id: {place}")
        await self._response.write("\n".join([*lines, "", ""]).encode())


def state_document(sandbox: Sandbox) -> dict[str, Any]:
    """What a page shows beside the events."""
    return {
        "faults": sandbox.faults.document(),
        "behaviour": sandbox.behaviour.model_dump(by_alias=True),
        "answers": sandbox.store.answers_since(sandbox.faults_since),
        "recent": sandbox.store.newest_requests(RECENT),
        "inventory": sandbox.inventory is not None,
    }
