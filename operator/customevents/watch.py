"""The trigger: kopf watches CustomEvents and hands each raw object on. The only module with kopf.

kopf is the trigger and not the engine: its handlers of `on.create` record a success before the
status is written and send everything in flight once more at SIGTERM. So there is one `on.event`
handler, no storages, no finalizers, no peering.

kopf runs on a thread with an event loop of its own. When it stops, for whatever reason, it cancels
every task that was created since its start on its loop: here these are only its own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import kopf
import uvloop

from customevents.resource.errors import PartFailed
from customevents.resource.event import GROUP, PLURAL

#: What the handler gets: the kind of the change (None: from the first list) and the raw object.
Handler = Callable[[str | None, dict[str, Any]], None]


class Watch:
    """kopf on its thread, from `start` to `stop`."""

    def __init__(self, handler: Handler, *, namespaces: Sequence[str]) -> None:
        """`handler` is called on kopf's thread. No namespaces: all of them."""
        self._handler = handler
        self._namespaces = tuple(namespaces)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._started = threading.Event()
        self._stop = threading.Event()
        self._failed: Callable[[BaseException], None] = lambda _: None
        self._shown: float | None = None

    @property
    def started(self) -> bool:
        """Whether kopf is up; what exists already follows within the first list."""
        return self._started.is_set()

    @property
    def age(self) -> float | None:
        """Seconds since it last showed anything, or was started; None before that."""
        return None if self._shown is None else time.monotonic() - self._shown

    def start(self, failed: Callable[[BaseException], None]) -> None:
        """Start watching; `failed` is called on kopf's thread if that ends before `stop`."""
        self._failed = failed
        self._shown = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns when kopf is gone, mostly at once."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._operator())
        except BaseException as error:
            self._failed(error)
        else:
            if not self._stop.is_set():
                self._failed(PartFailed("the watch ended although nobody asked it to"))

    async def _operator(self) -> None:
        await kopf.operator(
            registry=self._registry(),
            settings=_settings(namespaced=bool(self._namespaces)),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            ready_flag=self._started,
            stop_flag=self._stop,
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(_login)

        @kopf.on.event(GROUP, PLURAL, registry=registry)
        async def on_event(event: kopf.RawEvent, **_: Any) -> None:
            self._shown = time.monotonic()
            # kopf only logs what is raised here, and the event would wait for its next change.
            try:
                self._handler(event["type"], dict(event["object"]))
            except Exception as error:
                self._failed(error)

        return registry


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_kubeconfig(**kwargs) or kopf.login_with_service_account(**kwargs)


def _settings(*, namespaced: bool) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.queueing.idle_timeout = 0.1
    settings.queueing.worker_limit = None
    settings.watching.chunk_size = 500
    # The right to list this one CRD is enough.
    settings.watching.field_selectors["apiextensions.k8s.io", "customresourcedefinitions"] = (
        f"metadata.name={PLURAL}.{GROUP}"
    )
    # Else kopf asks for rights on namespaces and CRDs that a namespaced operator has not.
    settings.scanning.disabled = namespaced
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 5.0
    # On a thread kopf warns that it leaves the signals alone: that is what we want.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
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
