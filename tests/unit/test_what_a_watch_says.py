"""What a kopf ended with is said once, in words for people, and never as a traceback."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import Any

import aiohttp
import pytest

from customevents.resource.errors import WatchFailed
from customevents.watch import Watch, _forgotten, _words


class Nobody:
    """A way to an API server that is not there; on port 9 nobody listens."""

    server = "http://127.0.0.1:9"

    def session(self, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(middlewares=middlewares)


class Anybody:
    """An observer to whom it is all the same."""

    def shown(self, change: str | None, raw: dict[str, Any]) -> None: ...

    def lists(self, namespace: str) -> None:
        pass

    def lost(self, namespace: str) -> None: ...

    def sees(self, namespace: str) -> None: ...


def failed(error: BaseException) -> None:
    raise AssertionError(error)


def test_while_there_is_no_api_server_the_log_has_one_line_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("customevents.sight.REACHABLE_WITHIN", 0.0)
    monkeypatch.setattr("customevents.watch.FIRST_PAUSE", 0.01)
    caplog.set_level(logging.INFO)
    logging.getLogger("kopf").setLevel(logging.CRITICAL + 1)  # as the operator has it
    watch = Watch(namespaces=())
    watch.start(Nobody(), Anybody(), failed)
    try:
        _begun_anew(watch, 5)
    finally:
        watch.stop()
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == [
        "not watching: the Kubernetes API did not answer: 127.0.0.1:9: Connection refused"
    ]


def _begun_anew(watch: Watch, times: int) -> None:
    end = time.monotonic() + 20.0
    while watch.restarts < times:
        assert time.monotonic() < end, "kopf is not begun anew"
        time.sleep(0.01)


def test_our_own_errors_are_said_without_the_name_of_a_class() -> None:
    assert _words(WatchFailed("its streams end")) == "its streams end"
    assert _words(ValueError("odd\nvalue")) == "ValueError: odd value"


def test_a_defect_in_what_kopf_forgot_is_said_in_full(caplog: pytest.LogCaptureFixture) -> None:
    async def forgetting() -> None:
        loop = asyncio.get_running_loop()
        _forgotten(loop, {"message": "it was", "exception": OSError("told")})
        _forgotten(loop, {"message": "it is a defect", "exception": TypeError("None")})

    asyncio.run(forgetting())
    assert [record.getMessage() for record in caplog.records] == ["it is a defect"]
