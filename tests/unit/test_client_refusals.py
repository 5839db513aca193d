"""What the client reads of a refusal, in each shape that the sandbox gives it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customevents import sandbox
from customevents.eventsapi.answer import Answer
from customevents.eventsapi.key import KeyFile
from unit.poster import BODY, CANARY, client

SHAPES = ("first", "second")


@pytest.fixture
def events_api() -> Iterator[sandbox.Running]:
    with sandbox.running(key=CANARY) as running:
        yield running


async def refused(
    events_api: sandbox.Running, key: KeyFile, body: dict[str, Any], **switches: str
) -> Answer:
    events_api.call("PUT", "/sandbox/behaviour", switches)
    async with client(events_api.url, key) as api:
        answer = await api.post(body, "5e0c")
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.asyncio
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"eventType": "t" * 61}, ("eventType",)),
        ({"summary": ""}, ("summary",)),
        ({"severity": "fatal"}, ("severity",)),
        ({"details": {"n": 1}}, ("details",)),
        ({"scope": {"clusters": []}}, ("scope.clusters",)),
        ({"scope": {"serviceNames": ["cart"]}}, ("scope.serviceNames",)),
        ({"color": "red"}, ("color",)),
        ({"summary": "", "scope": {"namespaces": [1]}}, ("summary", "scope.namespaces")),
    ],
)
async def test_a_refusal_names_the_fields_in_either_shape(
    key: KeyFile,
    events_api: sandbox.Running,
    shape: str,
    change: dict[str, Any],
    fields: tuple[str, ...],
) -> None:
    answer = await refused(events_api, key, {**BODY, **change}, errorShape=shape)
    assert answer.status == 400
    assert answer.refusal.fields == fields


@pytest.mark.asyncio
@pytest.mark.parametrize("shape", SHAPES)
async def test_what_is_switched_off_names_its_field_as_well(
    key: KeyFile, events_api: sandbox.Running, shape: str
) -> None:
    events_api.call("PUT", "/sandbox/inventory", {"prod": {"shop": ["cart"]}})
    body = {**BODY, "eventType": "t" * 31, "scope": {"clusters": ["dev"], "namespaces": ["shop"]}}
    switches = {"eventType": "30", "unknownNames": "refused", "errorShape": shape}
    answer = await refused(events_api, key, body, **switches)
    assert answer.refusal.fields == ("eventType", "scope.clusters")
    assert "more than 30 characters" in answer.refusal.hint


@pytest.mark.asyncio
async def test_the_second_shape_brings_the_request_by_its_name(
    key: KeyFile, events_api: sandbox.Running
) -> None:
    answer = await refused(events_api, key, {**BODY, "summary": ""}, errorShape="second")
    named = answer.refusal.request_id
    assert named
    assert answer.refusal.words == f": summary; request {named}"
    again = await refused(events_api, key, {**BODY, "summary": ""}, errorShape="second")
    assert again.refusal.request_id != named


@pytest.mark.asyncio
async def test_no_shape_names_nothing_and_the_status_stands(
    key: KeyFile, events_api: sandbox.Running
) -> None:
    answer = await refused(events_api, key, {**BODY, "summary": ""}, errorShape="none")
    assert (answer.status, answer.refusal.words) == (400, "")


@pytest.mark.asyncio
@pytest.mark.parametrize("shape", [*SHAPES, "none"])
async def test_what_is_about_no_field_names_none(
    key: KeyFile, events_api: sandbox.Running, shape: str
) -> None:
    key.path.write_text("another-key")
    answer = await refused(events_api, key, BODY, errorShape=shape)
    assert (answer.status, answer.refusal.fields) == (403, ())
    assert bool(answer.refusal.request_id) is (shape == "second")
