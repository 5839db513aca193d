"""The probes say what is wrong, and are well all the same where that is one namespace's."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request

import pytest
from aiohttp import web

from customevents import health
from customevents.health import Finding


async def metrics(_: web.Request) -> web.Response:
    return web.Response()


def answered(found: Finding) -> tuple[int, str]:
    async def ask() -> tuple[int, str]:
        async with health.serve(
            "127.0.0.1", 0, alive=Finding, ready=lambda: found, metrics=metrics
        ) as port:
            return await asyncio.to_thread(get, f"http://127.0.0.1:{port}/readyz")

    return asyncio.run(ask())


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("found", "status", "text"),
    [
        (Finding(), 200, "ok\n"),
        (Finding(True, ["not watching: why"]), 200, "ok\nnot watching: why\n"),
        (Finding(False, ["one", "two"]), 503, "one\ntwo\n"),
    ],
)
def test_a_probe_says_a_line_for_each_trouble(found: Finding, status: int, text: str) -> None:
    assert answered(found) == (status, text)
