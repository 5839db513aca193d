"""What is not delivered, as a table for people, or as JSON or YAML for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from customevents.commands.options import Form
from customevents.resource.event import CustomEvent
from customevents.resource.status import State

#: Columns of a line that is not for a screen: enough for every message, so that none is folded.
UNFOLDED = 10_000

STYLES = {
    State.FAILED: "red",
    State.EXPIRED: "red",
    State.HELD: "yellow",
    State.RETRYING: "yellow",
}


def oldest_first(events: Sequence[CustomEvent]) -> list[CustomEvent]:
    """In the order in which they were written or last changed."""
    return sorted(events, key=lambda event: (event.changed, event.path))


def for_programs(events: Sequence[CustomEvent], form: Form) -> str:
    """The events as JSON or YAML: a list of flat objects."""
    rows = [_row(event) for event in events]
    if form is Form.JSON:
        return json.dumps(rows, indent=2, ensure_ascii=False)
    return yaml.safe_dump(rows, sort_keys=False, allow_unicode=True).rstrip()


def print_table(events: Sequence[CustomEvent], now: datetime, *, namespaces: bool) -> None:
    """The events as a table on standard output: coloured and folded for a screen alone."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=UNFOLDED)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (["NAMESPACE"] if namespaces else []) + ["NAME", "TYPE", "STATE", "REASON"]:
        table.add_column(title, overflow="fold")
    table.add_column("AGE", no_wrap=True)
    table.add_column("MESSAGE", overflow="fold", ratio=1)
    for event in events:
        table.add_row(*([_text(event.namespace)] if namespaces else []), *_cells(event, now))
    console.print(table)


def _cells(event: CustomEvent, now: datetime) -> list[Text]:
    row = _row(event)
    state = event.status.delivery.state
    return [
        _text(row["name"]),
        _text(row["eventType"]),
        _text(state, STYLES.get(state, "")),
        _text(row["reason"]),
        _text(_age(event.changed, now)),
        _text(row["message"]),
    ]


def _row(event: CustomEvent) -> dict[str, Any]:
    condition = event.status.delivered
    record = event.status.delivery
    row = {
        "namespace": event.namespace,
        "name": event.name,
        "eventType": event.spec.get("eventType", ""),
        "state": record.state.value,
        "reason": condition.reason,
        "message": condition.message,
        "attempts": record.attempts,
        "changed": _rfc3339(event.changed),
    }
    if record.next_attempt_time:
        row["nextAttemptTime"] = _rfc3339(record.next_attempt_time)
    return row


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
