"""The composition root: each part is built once, started, watched over, and drained.

No silent death: a part that raises, returns or is cancelled before the drain is a failure; then
the process drains as on SIGTERM and exits 1. Kubernetes starts it again; the state is in the
cluster.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from customevents import __version__, health, kube
from customevents.delivery.courier import Courier
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.lifecycle import Policy
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.resource.errors import PartFailed, SettingsError
from customevents.resource.event import read_event
from customevents.scope.cluster_name import from_setting
from customevents.settings import Settings
from customevents.watch import Watch

logger = logging.getLogger(__name__)

#: What a drain may take beyond an attempt's timeout, in seconds.
GRACE = 20.0


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Operator:
    """The running operator: its parts, and the future through which their failures are told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        #: Done: drain. With an exception: a part failed.
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._inbox = Inbox(now)
        self._journal = Journal()
        self._watch = Watch(self._from_watch, namespaces=settings.watch_namespaces)
        self._parts: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT, then drain. Raises what a part failed with."""
        for asked in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(asked, self._finish)
        async with AsyncExitStack() as stack:
            courier = await self._build(stack)
            for number in range(self._settings.delivery_in_flight):
                self._own(courier.run(), f"courier {number}")
            self._watch.start(failed=self._watch_failed)
            stack.callback(self._watch.stop)
            try:
                await self._over
            finally:
                await self._drain()

    async def _build(self, stack: AsyncExitStack) -> Courier:
        settings = self._settings
        key = KeyFile(settings.api_key_file)
        cluster = await stack.enter_async_context(kube.connect())
        api = await stack.enter_async_context(
            EventsClient(settings.base_url, key, timeout=settings.delivery_post_timeout)
        )
        await self._serve_probes(stack)
        logger.info("customevents %s posts to %s", __version__, settings.base_url)
        return Courier(
            inbox=self._inbox,
            journal=self._journal,
            cluster=cluster,
            api=api,
            cluster_name=from_setting(settings.cluster_name),
            policy=Policy(
                deadline_seconds=settings.delivery_deadline,
                on_unknown_outcome=settings.delivery_on_unknown_outcome,
                paused=settings.delivery_paused,
            ),
            with_provenance=settings.provenance_enabled,
            clock=now,
            jitter=random.Random(),
        )

    async def _serve_probes(self, stack: AsyncExitStack) -> None:
        host, port = self._settings.health_host, self._settings.health_port
        try:
            bound = await stack.enter_async_context(
                health.serve(host, port, alive=lambda: None, ready=self._ready)
            )
        except OSError as error:
            raise SettingsError(
                f"CUSTOMEVENTS_HEALTH_PORT: cannot listen on {host}:{port}: {error.strerror}"
            ) from None
        logger.info("probes are answered on port %d", bound)

    def _ready(self) -> str | None:
        return None if self._watch.started else "the watch has not started yet"

    def _from_watch(self, change: str | None, raw: dict[str, Any]) -> None:
        """On kopf's thread: everything of ours happens on our own loop."""
        self._loop.call_soon_threadsafe(self._take_in, change, raw)

    def _watch_failed(self, error: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._fail, error)

    def _take_in(self, change: str | None, raw: dict[str, Any]) -> None:
        try:
            event = read_event(raw)
        except ValueError as error:
            logger.error("%s cannot be read: %s", raw["metadata"]["name"], error)
            return
        if change == "DELETED":
            self._inbox.forget(event)
        else:
            self._inbox.offer(event)

    def _own(self, part: Coroutine[Any, Any, None], name: str) -> None:
        """Run a part for as long as the operator lives."""
        task = asyncio.create_task(part, name=name)
        task.add_done_callback(self._ended)
        self._parts.append(task)

    def _ended(self, part: asyncio.Task[None]) -> None:
        error = None if part.cancelled() else part.exception()
        self._fail(error or PartFailed(f"{part.get_name()} ended although nobody asked it to"))

    def _fail(self, error: BaseException) -> None:
        if not self._over.done():
            self._over.set_exception(error)

    def _finish(self) -> None:
        logger.info("asked to stop: %d attempts are under way", self._inbox.busy)
        if not self._over.done():
            self._over.set_result(None)

    async def _drain(self) -> None:
        """Take nothing new; let attempts under way end and their results be recorded."""
        self._inbox.close()
        patience = self._settings.delivery_post_timeout + GRACE
        _, late = await asyncio.wait(self._parts, timeout=patience)
        for part in late:
            part.cancel()
        if late:
            logger.error("%d attempts were still under way after %.0f s", len(late), patience)
        logger.info("drained")


async def run(settings: Settings) -> None:
    """Run the operator until it is asked to stop."""
    await Operator(settings).run()
