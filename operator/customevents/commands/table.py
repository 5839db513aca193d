"""A line for each object of a list: as a row of a table, or as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text

from customevents.commands import output
from customevents.resource.errors import UnreadableEvent
from customevents.resource.event import CustomEvent, path_of, read_event
from customevents.resource.status import State
from customevents.resource.times import FIRST, read_time

#: The state of an object whose own state cannot be read.
UNREADABLE = "Unreadable"

STYLES: dict[str, str] = {
    UNREADABLE: "red",
    State.FAILED: "red",
    State.EXPIRED: "red",
    State.HELD: "yellow",
    State.RETRYING: "yellow",
}


@dataclass(frozen=True)
class Line:
    """What is said of one object."""

    namespace: str
    name: str
    event_type: str
    state: str
    reason: str
    message: str
    attempts: int
    changed: datetime
    next_attempt: datetime | None = None


def read_line(raw: dict[str, Any]) -> Line:
    """The row of an object as the API server sends it; one that cannot be read is named as such."""
    try:
        event = read_event(raw)
    except UnreadableEvent as error:
        return _unreadable(raw, str(error))
    return line_of(event)


def line_of(event: CustomEvent) -> Line:
    """The row of an event."""
    condition, record = event.status.delivered, event.status.delivery
    return Line(
        event.namespace,
        event.name,
        str(event.spec.get("eventType", "")),
        record.state.value,
        condition.reason,
        condition.message,
        record.attempts,
        event.changed,
        record.next_attempt_time,
    )


def _unreadable(raw: dict[str, Any], why: str) -> Line:
    namespace, _, name = path_of(raw).partition("/")
    since = read_time((raw.get("metadata") or {}).get("creationTimestamp")) or FIRST
    return Line(namespace, name, "", UNREADABLE, "", why, 0, since)


def oldest_first(rows: Iterable[Line]) -> list[Line]:
    """In the order in which they were written or last changed."""
    return sorted(rows, key=lambda row: (row.changed, row.namespace, row.name))


def print_lines(rows: Sequence[Line], now: datetime, *, namespaces: bool) -> None:
    """The rows as a table on standard output."""
    where = ["NAMESPACE"] if namespaces else []
    output.print_table(
        [*where, "NAME", "TYPE", "STATE", "REASON", "AGE", "MESSAGE"],
        [([output.text(row.namespace)] if namespaces else []) + _cells(row, now) for row in rows],
    )


def _cells(row: Line, now: datetime) -> list[Text]:
    return [
        output.text(row.name),
        output.text(row.event_type),
        output.text(row.state, STYLES.get(row.state, "")),
        output.text(row.reason),
        output.text(output.span((now - row.changed).total_seconds())),
        output.text(row.message),
    ]


def flat(row: Line) -> dict[str, Any]:
    """The row as plain data, for programs."""
    made = {
        "namespace": row.namespace,
        "name": row.name,
        "eventType": row.event_type,
        "state": row.state,
        "reason": row.reason,
        "message": row.message,
        "attempts": row.attempts,
        "changed": output.rfc3339(row.changed),
    }
    if row.next_attempt:
        made["nextAttemptTime"] = output.rfc3339(row.next_attempt)
    return made
