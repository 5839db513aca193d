"""What reached the sandbox: every request, and the events among them that were accepted.

SQLite in memory or in a file, one connection, used from the event loop's thread only. A write
takes some ten microseconds, so it happens in line: the order of the sequence numbers is the order
of arrival, and an event is on record before its answer leaves. The file need not survive a power
cut, hence the relaxed `synchronous`; it does survive a kill of the process.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from customevents.resource.errors import SettingsError
from customevents.sandbox.contract import Event
from customevents.sandbox.faults import Target

Answered = int | Literal["waiting", "dropped", "garbage", "abandoned"]
"""The status answered; or: not yet, by a reset, by garbage, not at all as the client left."""

ID_DETAIL = "customevents.dev/id"
"""The detail in which the operator repeats its delivery id."""

#: Characters of one text where many events are listed.
BRIEF = 1000

#: Characters of a summary there: all of what a CustomEvent may have.
BRIEF_SUMMARY = 4096

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
-- The answers are counted at each change: without this, by reading every body.
CREATE INDEX IF NOT EXISTS answers ON requests (target, sequence, answered);
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


class StoreError(SettingsError):
    """The database cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Arrival:
    """One request as it arrived. The names of its headers, never their values."""

    target: Target
    received_ms: int
    header_names: tuple[str, ...]
    idempotency_key: str | None
    body: str


Place = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A sequence number, as SQLite holds them."""


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    limit: Annotated[int, Field(ge=1, le=10_000)] = 100
    after: Place = 0


class RequestQuery(_Page):
    """Which requests, oldest first, behind the sequence number `after`."""

    target: Target = "events"


class EventQuery(_Page):
    """Which events, in which order; every filter given must hold.

    `cluster`, `namespace` and `service` find the events whose scope names them; an event that is
    not narrowed in that dimension is not among them, although it reaches them.
    """

    order: Literal["oldest", "newest"] = "oldest"
    before: Place | None = None
    brief: bool = False
    """Whether to leave out what each event reaches, and what is long: for a list of many."""
    event_type: str | None = None
    severity: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    service: str | None = None
    q: str | None = None
    delivery_id: str | None = None


class Store:
    """The record. `changed` is called after each change of it.

    Raises StoreError if the database cannot be opened.
    """

    def __init__(self, database: str, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        #: Who has read the record knows by this that it was begun anew.
        self.epoch = token_hex(8)
        try:
            self._db = sqlite3.connect(database)
        except sqlite3.Error as error:
            raise StoreError(f"cannot open the database {database}: {error}") from error
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            self._end_waits()
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"cannot use the database {database}: {error}") from error

    def _end_waits(self) -> None:
        """What waited when the process was killed, nobody answers any more."""
        with self._db:
            query = "UPDATE requests SET answered = 'abandoned' WHERE answered = 'waiting'"
            self._db.execute(query)

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
        self._changed()
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
            event.model_dump_json(exclude_unset=True),
        )
        self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def answered(self, sequence: int, answered: Answered) -> None:
        """State what became of a request that was recorded as waiting."""
        with self._db:
            self._db.execute(
                "UPDATE requests SET answered = ? WHERE sequence = ?", (answered, sequence)
            )
        self._changed()

    def last_sequence(self) -> int:
        """Return the sequence number of the newest request; 0 if none ever arrived."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'requests'"
        found = self._db.execute(query).fetchone()
        return found[0] if found else 0

    def answers_since(self, sequence: int) -> dict[str, int]:
        """Count what was answered to the events behind this sequence number."""
        query = (
            "SELECT answered, count(*) FROM requests"
            " WHERE sequence > ? AND target = 'events' GROUP BY answered"
        )
        return {str(answered): count for answered, count in self._db.execute(query, (sequence,))}

    def newest_requests(self, limit: int) -> list[dict[str, Any]]:
        """Return the last requests with events, newest first, in brief."""
        query = (
            f"SELECT {_REQUEST} FROM requests"  # noqa: S608 - a text of this module
            " WHERE target = 'events' ORDER BY sequence DESC LIMIT ?"
        )
        found = [_request_document(row) for row in self._db.execute(query, (limit,))]
        kept = ("sequence", "receivedAt", "problems", "answered")
        return [
            {"summary": _summary(each["body"]), **{name: each[name] for name in kept}}
            for each in found
        ]

    def requests(self, query: RequestQuery) -> dict[str, Any]:
        """Return a page of requests, as JSON shows them."""
        rows = self._db.execute(
            f"SELECT {_REQUEST} FROM requests"  # noqa: S608 - a text of this module
            " WHERE target = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (query.target, query.after, query.limit + 1),
        ).fetchall()
        return _page("requests", [_request_document(row) for row in rows], query.limit)

    def events(self, query: EventQuery) -> dict[str, Any]:
        """Return a page of accepted events, as JSON shows them."""
        where, values = _conditions(query)
        order = "DESC" if query.order == "newest" else "ASC"
        rows = self._db.execute(
            # The conditions are texts of this module; what was asked for is in the values.
            f"SELECT {_EVENT} FROM events WHERE {where} ORDER BY sequence {order} LIMIT ?",  # noqa: S608
            (*values, query.limit + 1),
        ).fetchall()
        document = _brief_document if query.brief else _event_document
        return _page("events", [document(row) for row in rows], query.limit)

    def event(self, sequence: int) -> dict[str, Any] | None:
        """Return one accepted event, as JSON shows it."""
        query = f"SELECT {_EVENT} FROM events WHERE sequence = ?"  # noqa: S608 - as above
        row = self._db.execute(query, (sequence,)).fetchone()
        return _event_document(row) if row else None

    def clear_requests(self) -> None:
        """Forget all requests; sequence numbers go on, and events stay."""
        with self._db:
            self._db.execute("DELETE FROM requests")
        self._changed()

    def clear_events(self) -> None:
        """Forget all accepted events; the requests that brought them stay."""
        with self._db:
            self._db.execute("DELETE FROM events")
        self.epoch = token_hex(8)
        self._changed()


_REQUEST = (
    "sequence, received_ms, header_names, idempotency_key, body, problems, accepted, answered"
)
_EVENT = "sequence, received_ms, idempotency_key, delivery_id, body"


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
        ("sequence < ?", query.before),
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


def _brief_document(row: tuple[Any, ...]) -> dict[str, Any]:
    document = _event_document(row)
    body = document["body"]
    body["summary"] = body["summary"][:BRIEF_SUMMARY]
    details = body.get("details", {})
    for name, text in details.items():
        details[name] = text[:BRIEF]
    return document


def _summary(body: str) -> str:
    """What a body that may be anything is about."""
    try:
        return str(json.loads(body)["summary"])[:BRIEF]
    except (ValueError, TypeError, LookupError, RecursionError):
        return "no event" if body else "not read"


def _moment(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
