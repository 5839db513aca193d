"""The model of the events API is held to the sandbox: the same answers, and the same timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest

from customevents import sandbox
from customevents.delivery.outcome import classify
from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.resource.errors import KeyFileError
from customevents.sandbox import Running
from simulation.fates import OF_THE_REMOTE_SIDE
from simulation.plan import Plan, Struck
from simulation.remote import Client
from simulation.world import EPOCH, World

#: Seconds until an attempt counts as unanswered: a hang is waited out.
TIMEOUT = 1.0

#: Each fate as the sandbox has it.
FAULTS: dict[str, dict[str, Any]] = {
    "302": {"status": 302, "redirect": "https://example.com/"},
    "404": {"status": 404},
    "408": {"status": 408},
    "409": {"status": 409},
    "429": {"status": 429},
    "429 in 20 s": {"status": 429, "retryAfter": 20},
    "500": {"status": 500},
    "503": {"status": 503},
    "503 in 5 s": {"status": 503, "retryAfter": 5},
    "reset before": {"drop": "afterReading"},
    "hang before": {"hang": True},
    "reset after": {"drop": "afterReading", "accept": True},
    "hang after": {"hang": True, "accept": True},
    "500 after": {"status": 500, "accept": True},
    "200": {"status": 200},
}

#: What no server answers: nobody is there, or somebody else.
UNANSWERED = {"unreachable", "certificate"}

Said = tuple[Any, ...]


@pytest.fixture(scope="module")
def timeline() -> Iterator[Running]:
    with sandbox.running() as running:
        yield running


def body(summary: str) -> dict[str, Any]:
    details = {"customevents.dev/source": "shop/e0"}
    return {"eventType": "release", "summary": summary, "details": details}


def said(found: Answer | NoAnswer) -> Said:
    """What the operator makes of it: to that the two must be equal, and not to the words."""
    outcome = classify(found, EPOCH)
    return outcome.kind, outcome.code, outcome.pause


def by_the_model(fate: str, summary: str, key: str = "good") -> tuple[Said, int]:
    """What a POST comes to, and how often it stands on the timeline."""
    struck = (Struck("a1", "POST remote", 1, fate),) if fate else ()
    world = World(Plan(seed=1, struck=struck))
    world.remote.key = key
    world.judge.began("a1")
    asked = Client(world, "a1", TIMEOUT)
    task = world.loop.create_task(asked.post(body(summary), "some-id"), context=Context())
    world.loop.run_until(10.0)
    return said(task.result()), sum(sent.applies and sent.arrived for sent in world.remote.posts)


def by_the_sandbox(
    timeline: Running, folder: Path, fault: dict[str, Any], summary: str, key: str = "test-key"
) -> tuple[Said, int]:
    timeline.call("DELETE", "/events")
    timeline.call("PUT", "/sandbox/faults", [fault] if fault else [])
    file = folder / "api-key"
    file.write_text(key)

    async def post() -> Answer | NoAnswer:
        async with EventsClient(timeline.url, KeyFile(file), timeout=TIMEOUT) as client:
            return await client.post(body(summary), "some-id")

    found = asyncio.run(post())
    return said(found), len(timeline.call("GET", "/events")["events"])


def test_each_fate_is_asked_of_both() -> None:
    assert set(OF_THE_REMOTE_SIDE) == FAULTS.keys() | UNANSWERED


@pytest.mark.parametrize("fate", ["", *FAULTS])
def test_a_post_comes_to_the_same(fate: str, timeline: Running, tmp_path: Path) -> None:
    fault = FAULTS.get(fate, {})
    assert by_the_model(fate, "e0 v1") == by_the_sandbox(timeline, tmp_path, fault, "e0 v1")


def test_so_does_one_with_a_wrong_key(timeline: Running, tmp_path: Path) -> None:
    found = by_the_sandbox(timeline, tmp_path, {}, "e0 v1", key="another-key")
    assert by_the_model("", "e0 v1", key="wrong") == found


def test_so_does_one_that_is_refused_for_what_it_is(timeline: Running, tmp_path: Path) -> None:
    fault = {"status": 400, "match": {"summary": "e0 refused"}}
    assert by_the_model("", "e0 refused") == by_the_sandbox(timeline, tmp_path, fault, "e0 refused")


def test_so_does_one_that_nobody_is_there_for(tmp_path: Path) -> None:
    with sandbox.running() as gone:
        pass
    file = tmp_path / "api-key"
    file.write_text("test-key")

    async def post() -> Answer | NoAnswer:
        async with EventsClient(gone.url, KeyFile(file), timeout=TIMEOUT) as client:
            return await client.post(body("e0 v1"), "some-id")

    assert by_the_model("unreachable", "e0 v1") == (said(asyncio.run(post())), 0)


def test_without_a_key_neither_sends_anything(timeline: Running, tmp_path: Path) -> None:
    world = World(Plan(seed=1))
    world.remote.key = "missing"
    task = world.loop.create_task(Client(world, "a1", TIMEOUT).post(body("e0 v1"), "some-id"))
    world.loop.run_until(1.0)
    assert isinstance(task.exception(), KeyFileError)

    async def post() -> None:
        missing = KeyFile(tmp_path / "nowhere")
        async with EventsClient(timeline.url, missing, timeout=TIMEOUT) as client:
            await client.post(body("e0 v1"), "some-id")

    with pytest.raises(KeyFileError):
        asyncio.run(post())
