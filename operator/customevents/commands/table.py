"""What is not delivered, as a table for people, or as JSON or YAML for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from customevents.commands.options import Form, says_all
from customevents.resource.errors import UnreadableEvent
from customevents.resource.event import path_of, read_event
from customevents.resource.status import State
from customevents.resource.times import FIRST, read_time

#: Columns of a line that is not for a screen: enough for every message, so that none is folded.
UNFOLDED = 10_000

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


def for_programs(rows: Sequence[Line], form: Form) -> str:
    """The rows as JSON or YAML: a list of flat objects."""
    flat = [_flat(row) for row in rows]
    if form is Form.JSON:
        return json.dumps(flat, indent=2, ensure_ascii=not says_all())
    return yaml.safe_dump(flat, sort_keys=False, allow_unicode=says_all()).rstrip()


def print_table(rows: Sequence[Line], now: datetime, *, namespaces: bool) -> None:
    """The rows as a table on standard output: coloured and folded for a screen alone."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=UNFOLDED)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (["NAMESPACE"] if namespaces else []) + ["NAME", "TYPE", "STATE", "REASON"]:
        table.add_column(title, overflow="fold")
    table.add_column("AGE", no_wrap=True)
    table.add_column("MESSAGE", overflow="fold", ratio=1)
    for row in rows:
        table.add_row(*([_text(row.namespace)] if namespaces else []), *_cells(row, now))
    console.print(table)


def _cells(row: Line, now: datetime) -> list[Text]:
    return [
        _text(row.name),
        _text(row.event_type),
        _text(row.state, STYLES.get(row.state, "")),
        _text(row.reason),
        _text(_age(row.changed, now)),
        _text(row.message),
    ]


def _flat(row: Line) -> dict[str, Any]:
    flat = {
        "namespace": row.namespace,
        "name": row.name,
        "eventType": row.event_type,
        "state": row.state,
        "reason": row.reason,
        "message": row.message,
        "attempts": row.attempts,
        "changed": _rfc3339(row.changed),
    }
    if row.next_attempt:
        flat["nextAttemptTime"] = _rfc3339(row.next_attempt)
    return flat


def _text(words: str, style: str = "") -> Text:
    """A cell as it is meant: no markup, and nothing that would steer a terminal."""
    return Text("".join(c if c.isprintable() else " " for c in words), style)


def _rfc3339(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _age(since: datetime, now: datetime) -> str:
    """As kubectl has it: the largest unit that makes a number of two digits or so."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
