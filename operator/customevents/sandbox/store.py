"""What reached the sandbox: every request, and the events among them that were accepted.

SQLite in memory or in a file, one connection, used from the event loop's thread only. A write
takes some ten microseconds, so it happens in line: the order of the sequence numbers is the order
of arrival, and an event is on record before its answer leaves. The file need not survive a power
cut, hence the relaxed `synchronous`; it does survive a kill of the process.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from customevents.sandbox.contract import Event
from customevents.sandbox.faults import Target

Answered = int | Literal["waiting", "dropped", "garbage", "abandoned"]
"""The status answered; or: not yet, by a reset, by garbage, not at all as the client left."""

ID_DETAIL = "customevents.dev/id"
"""The detail in which the operator repeats its delivery id."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    header_names TEXT NOT NULL,
    idempotency_key TEXT,
    body TEXT NOT NULL,
    problems TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    answered NOT NULL  -- no type, so that statuses stay numbers and words stay words
);
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY,
    received_ms INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    idempotency_key TEXT,
    delivery_id TEXT,
    search_text TEXT NOT NULL,
    body TEXT NOT NULL
);
"""


class StoreError(Exception):
    """The database cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Arrival:
    """One request as it arrived. The names of its headers, never their values."""

    target: Target
    received_ms: int
    header_names: tuple[str, ...]
    idempotency_key: str | None
    body: str


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    limit: Annotated[int, Field(ge=1, le=10_000)] = 100
    after: Annotated[int, Field(ge=0)] = 0


class RequestQuery(_Page):
    """Which requests, oldest first, behind the sequence number `after`."""

    target: Target = "events"


class EventQuery(_Page):
    """Which events, oldest first; every filter given must hold.

    `cluster`, `namespace` and `service` find the events whose scope names them; an event that is
    not narrowed in that dimension is not among them, although it reaches them.
    """

    event_type: str | None = None
    severity: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    service: str | None = None
    q: str | None = None
    delivery_id: str | None = None


class Store:
    """The record. Raises StoreError if the database cannot be opened."""

    def __init__(self, database: str) -> None:
        try:
            self._db = sqlite3.connect(database)
        except sqlite3.Error as error:
            raise StoreError(f"cannot open the database {database}: {error}") from error
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"cannot use the database {database}: {error}") from error

    def close(self) -> None:
        """Close the database; nothing may be called afterwards."""
        self._db.close()

    def record(
        self,
        arrival: Arrival,
        *,
        answered: Answered,
        event: Event | None = None,
        problems: Sequence[str] = (),
    ) -> int:
        """Record a request, with the event if it is accepted; return its sequence number."""
        row = (
            arrival.target,
            arrival.received_ms,
            json.dumps(arrival.header_names),
            arrival.idempotency_key,
            arrival.body,
            json.dumps(problems),
            event is not None,
            answered,
        )
        with self._db:
            cursor = self._db.execute(
                "INSERT INTO requests VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", row
            )
            assert cursor.lastrowid is not None
            if event:
                self._insert_event(cursor.lastrowid, arrival, event)
        return cursor.lastrowid

    def _insert_event(self, sequence: int, arrival: Arrival, event: Event) -> None:
        row = (
            sequence,
            arrival.received_ms,
            event.eventType,
            event.severity,
            arrival.idempotency_key,
            arrival.idempotency_key or event.details.get(ID_DETAIL),
            _search_text(event),
            arrival.body,
        )
        self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def settle(self, sequence: int, answered: Answered) -> None:
        """State what became of a request that was recorded as waiting."""
        with self._db:
            self._db.execute(
                "UPDATE requests SET answered = ? WHERE sequence = ?", (answered, sequence)
            )

    def requests(self, query: RequestQuery) -> dict[str, Any]:
        """Return a page of requests, as JSON shows them."""
        rows = self._db.execute(
            "SELECT sequence, received_ms, header_names, idempotency_key, body, problems, accepted,"
            " answered FROM requests WHERE target = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (query.target, query.after, query.limit + 1),
        ).fetchall()
        return _page("requests", [_request_document(row) for row in rows], query.limit)

    def events(self, query: EventQuery) -> dict[str, Any]:
        """Return a page of accepted events, as JSON shows them."""
        where, values = _conditions(query)
        columns = "sequence, received_ms, idempotency_key, delivery_id, body"
        rows = self._db.execute(
            # The conditions are texts of this module; what was asked for is in the values.
            f"SELECT {columns} FROM events WHERE {where} ORDER BY sequence LIMIT ?",  # noqa: S608
            (*values, query.limit + 1),
        ).fetchall()
        return _page("events", [_event_document(row) for row in rows], query.limit)

    def clear_requests(self) -> None:
        """Forget all requests; sequence numbers go on, and events stay."""
        with self._db:
            self._db.execute("DELETE FROM requests")

    def clear_events(self) -> None:
        """Forget all accepted events; the requests that brought them stay."""
        with self._db:
            self._db.execute("DELETE FROM events")


def _conditions(query: EventQuery) -> tuple[str, list[str | int]]:
    named = "EXISTS (SELECT 1 FROM json_each(events.body, '$.scope.{}') WHERE value = ?)"
    filters = (
        ("event_type = ?", query.event_type),
        ("severity = ?", query.severity),
        (named.format("clusters"), query.cluster),
        (named.format("namespaces"), query.namespace),
        (named.format("servicesNames"), query.service),
        ("instr(search_text, ?)", query.q and query.q.casefold()),
        ("delivery_id = ?", query.delivery_id),
    )
    wanted = [(condition, value) for condition, value in filters if value is not None]
    conditions = ["sequence > ?", *(condition for condition, _ in wanted)]
    return " AND ".join(conditions), [query.after, *(value for _, value in wanted)]


def _search_text(event: Event) -> str:
    scope = event.scope
    names = (*scope.clusters, *scope.namespaces, *scope.servicesNames)
    details = (text for pair in event.details.items() for text in pair)
    return "\n".join((event.eventType, event.summary, *names, *details)).casefold()


def _page(name: str, documents: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    more = len(documents) > limit
    return {name: documents[:limit], "next": documents[limit - 1]["sequence"] if more else None}


def _request_document(row: tuple[Any, ...]) -> dict[str, Any]:
    sequence, received_ms, header_names, idempotency_key, body, problems, accepted, answered = row
    return {
        "sequence": sequence,
        "receivedAt": _moment(received_ms),
        "headers": json.loads(header_names),
        "idempotencyKey": idempotency_key,
        "body": body,
        "accepted": bool(accepted),
        "problems": json.loads(problems),
        "answered": answered,
    }


def _event_document(row: tuple[Any, ...]) -> dict[str, Any]:
    sequence, received_ms, idempotency_key, delivery_id, body = row
    return {
        "sequence": sequence,
        "receivedAt": _moment(received_ms),
        "idempotencyKey": idempotency_key,
        "deliveryId": delivery_id,
        "body": json.loads(body),
    }


def _moment(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
