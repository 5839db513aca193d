"""Events as an operator posts them, for the page to show."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from customevents.sandbox import Running
from customevents.sandbox.contract import Event
from customevents.sandbox.store import Arrival, Store

SERVICES = ("checkout", "cart", "search", "mailer")
INVENTORY = {"prod-eu-1": {"shop": list(SERVICES)}, "staging": {"shop": ["checkout"]}}


def event(number: int = 1, **fields: Any) -> dict[str, Any]:
    """One that is like the others but for its number, and for what is given."""
    made = {
        "eventType": ("release", "migration", "incident")[number % 3],
        "summary": f"event {number}",
        "severity": ("information", "information", "warning", "error")[number % 4],
        "scope": {"clusters": ["prod-eu-1"], "namespaces": ["shop"]},
        "details": {"number": str(number), **origin(f"event-{number}")},
    }
    return {key: value for key, value in {**made, **fields}.items() if value is not None}


def origin(name: str) -> dict[str, str]:
    return {
        "customevents.dev/source": f"shop/{name}",
        "customevents.dev/id": f"id-of-{name}",
        "customevents.dev/occurredAt": "2026-05-01T10:00:00Z",
    }


def post(sandbox: Running, *events: dict[str, Any], answered: int = 201) -> None:
    """Post them over one connection; each must be answered so."""
    with closing(http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)) as wire:
        headers = {"x-api-key": "test-key", "Content-Type": "application/json"}
        for each in events:
            wire.request("POST", "/mgmt/v1/events", json.dumps(each), headers)
            answer = wire.getresponse()
            said = answer.read()
            assert answer.status == answered, said


def fill(database: str, events: Sequence[dict[str, Any]], *, apart_ms: int = 1000) -> None:
    """Put them into a sandbox's database; the last has just arrived, the others so much before."""
    fill_at(database, events, [(len(events) - index) * apart_ms for index in range(len(events))])


def fill_at(database: str, events: Sequence[dict[str, Any]], ages_ms: Sequence[int]) -> None:
    """The same, with the age of each."""
    now = time.time_ns() // 1_000_000
    store = Store(database)
    for each, age in zip(events, ages_ms, strict=True):
        arrival = Arrival("events", now - age, (), None, json.dumps(each))
        store.record(arrival, answered=201, event=Event.model_validate(each))
    store.close()
