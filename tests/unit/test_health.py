"""The probes say what is wrong, and are well all the same where that is one namespace's."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from customevents import health
from customevents.health import Finding
from customevents.run import Probes
from customevents.settings import Settings
from customevents.watch import Watch
from unit.in_memory import World
from unit.instant import at_once
from unit.leases import Scene, held_by


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


def test_a_leader_that_waits_a_lost_list_out_is_ready_and_says_why_it_sends_nothing() -> None:
    """A rollout that waits for it must not fail for that."""
    scene = Scene()
    scene.leases.change(held_by("", annotation="no list"))

    async def look() -> Finding:
        journal = scene.journal()
        assert (await journal.acquire()).quarantine
        parts = SimpleNamespace(throttle=World().throttle, election=journal.election)
        return Probes(cast(Any, None), cast(Any, parts), Watch(namespaces=())).ready()

    why = "nothing is sent for 45 s: the Lease or its list was lost"
    assert at_once(look()) == Finding(True, [why])


@pytest.mark.parametrize(
    ("rate", "seconds", "alive"),
    [(10.0, 330.0, True), (10.0, 340.0, False), (0.001, 2300.0, True), (0.001, 2340.0, False)],
)
def test_an_event_that_waits_for_its_turn_by_a_slow_rate_is_not_stuck(
    rate: float, seconds: float, alive: bool
) -> None:
    parts = SimpleNamespace(
        inbox=SimpleNamespace(longest_busy=lambda: seconds), election=SimpleNamespace(valid=True)
    )
    settings = Settings(api_key_file=Path("/key"), delivery_rate=rate)
    found = Probes(settings, cast(Any, parts), Watch(namespaces=())).alive()
    assert found.ok is alive
