"""One kopf: it lists the CustomEvents, watches them, and shows each change. The only module of it.

kopf is the trigger and not the engine: its handlers of `on.create` record a success before the
status is written and send everything in flight once more at SIGTERM. So there is one `on.event`
handler, no storages, no finalizers, no peering.

Who imports this imports kopf, which takes a tenth of a second that only a leader needs to spend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import aiohttp
import kopf
from kopf._core.engines.peering import Identity  # kopf names its type nowhere else

from customevents.answers import PAGE
from customevents.resource.event import GROUP, PLURAL

#: Seconds between the tries of one request, which are kopf's own; it ends with the last of them.
TRIES = (0.5, 1.0, 2.0)

#: Seconds: the API server is asked to end each stream after so long, which it does with a bookmark;
#: one that has shown nothing for longer is held back by something in between.
STREAM, SILENT = 45, 50.0


async def spawn(
    server: str,
    session: aiohttp.ClientSession,
    show: Callable[[str | None, dict[str, Any]], None],
    namespace: str,
) -> Collection[asyncio.Task[Any]]:
    """Begin to watch a namespace ("" = all); the tasks of which each lasts as long as it does."""
    registry = kopf.OperatorRegistry()
    sessions = iter([kopf.AiohttpSession(server=server, aiohttp_session=session)])

    async def login(**_: Any) -> kopf.AiohttpSession | None:
        return next(sessions, None)  # where it is refused kopf ends, and does not ask for ever

    kopf.on.login(registry=registry)(login)

    async def shown(event: kopf.RawEvent, **_: Any) -> None:
        show(event["type"], dict(event["object"]))

    kopf.on.event(GROUP, PLURAL, registry=registry, id="event")(shown)
    return await kopf.spawn_tasks(
        registry=registry,
        settings=_settings(),
        # Its own would be made of the user's name, which a pod's user may not have, and of what a
        # name server says. Only peers would read it.
        identity=Identity("customevents"),
        clusterwide=not namespace,
        namespaces=(namespace,) if namespace else (),
    )


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.process.ultimate_exiting_timeout = None  # it would end the whole process
    settings.queueing.idle_timeout = 0.1
    settings.queueing.worker_limit = None
    settings.watching.chunk_size = PAGE
    # Else the first bookmark would end the list, and sieve.py gives bookmarks of its own.
    settings.watching.initial_streaming = False
    settings.watching.server_timeout = STREAM
    settings.watching.inactivity_timeout = SILENT
    # A resource or namespace that goes and comes back ends the watch, and it is begun anew.
    settings.scanning.disabled = True
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 5.0
    settings.networking.error_backoffs = TRIES
    return settings


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing, and does not copy the body to compare it either."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing: the delivery's state is in the status, which is ours."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
