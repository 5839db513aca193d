"""A client that posts one small event, for the client's tests."""

from __future__ import annotations

from typing import Any

from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from unit.raw_server import RawServer

BODY: dict[str, Any] = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
CANARY = "canary-5a1f-key"
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"


def client(where: str | RawServer, key: KeyFile, *, timeout: float = 5.0) -> EventsClient:
    """A client of this endpoint; it must be closed."""
    endpoint = where if isinstance(where, str) else f"http://127.0.0.1:{where.port}"
    return EventsClient(endpoint, key, timeout=timeout, connect_timeout=min(timeout, 1.0))


async def post(where: str | RawServer, key: KeyFile) -> Answer | NoAnswer:
    """What is known after one event was posted there."""
    async with client(where, key) as api:
        return await api.post(BODY, "5e0c")
