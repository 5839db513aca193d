"""The list of what is not delivered: its order, and what stands in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from customevents.commands.options import Form
from customevents.commands.output import for_programs
from customevents.commands.table import (
    Line,
    flat,
    oldest_first,
    print_lines,
    read_line,
)
from unit.builders import NOW, later, raw_event

HELD = {
    "conditions": [
        {"type": "Delivered", "status": "False", "reason": "Refused", "message": "No\x1b[2J."}
    ],
    "delivery": {
        "state": "Retrying",
        "attempts": 3,
        "nextAttemptTime": "2026-05-01T12:00:30.000000Z",
    },
}


def row(**parts: Any) -> Line:
    return read_line(raw_event(**parts))


def as_data(rows: list[Line], form: Form) -> str:
    return for_programs([flat(row) for row in rows], form)


def test_the_oldest_comes_first_counted_from_its_last_change() -> None:
    old = row(name="b", creationTimestamp="2026-05-01T11:00:00Z")
    new = row(name="a", creationTimestamp="2026-05-01T11:30:00Z")
    edited = row(
        name="c",
        creationTimestamp="2026-01-01T00:00:00Z",
        managedFields=[{"time": "2026-05-01T11:59:00Z"}],
    )
    assert oldest_first([edited, new, old]) == [old, new, edited]


def test_programs_get_flat_objects() -> None:
    (made,) = json.loads(as_data([row(status=HELD)], Form.JSON))
    assert made == {
        "namespace": "shop",
        "name": "checkout-1-4-2",
        "eventType": "release",
        "state": "Retrying",
        "reason": "Refused",
        "message": "No\x1b[2J.",
        "attempts": 3,
        "changed": "2026-05-01T12:00:00Z",
        "nextAttemptTime": "2026-05-01T12:00:30Z",
    }


def test_nothing_steers_the_terminal_of_a_reader(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([row(status=HELD)], NOW, namespaces=False)
    assert "No [2J." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")],
)
def test_an_age_is_said_as_kubectl_says_it(
    capsys: pytest.CaptureFixture[str], seconds: int, age: str
) -> None:
    print_lines([row(status=HELD)], later(seconds), namespaces=False)
    assert age in capsys.readouterr().out.split()


def test_a_clock_that_is_behind_makes_no_negative_age(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([row(status=HELD)], datetime(2026, 1, 1, tzinfo=UTC), namespaces=False)
    assert "0s" in capsys.readouterr().out.split()


def test_an_object_that_cannot_be_read_is_one_line_among_the_others() -> None:
    odd = row(name="odd", status={"delivery": {"state": "NotKnownYet"}})
    first, second = json.loads(as_data(oldest_first([row(), odd]), Form.JSON))
    assert (first["name"], first["state"]) == ("checkout-1-4-2", "Pending")
    assert (second["namespace"], second["name"], second["state"]) == ("shop", "odd", "Unreadable")
    assert second["message"].startswith("shop/odd cannot be read: status.delivery.state must be ")
    assert second["changed"] == "2026-05-01T12:00:00Z"


@pytest.mark.parametrize(
    "odd",
    [
        {"spec": ["a"]},
        {"spec": "a"},
        {"metadata": {"name": 7}},
        {"metadata": {"namespace": None}},
        {"metadata": {"generation": "one"}},
        {"metadata": {"labels": ["a"]}},
        {"metadata": {"resourceVersion": float("inf")}},
        {"metadata": {"creationTimestamp": ["a"], "uid": 7}},
        {"status": {"conditions": {}}},
        {"status": {"delivery": {"lastOutcome": {"class": ["a"]}}}},
        {"status": ["a"]},
        {"status": "a"},
    ],
    ids=str,
)
def test_whatever_somebody_stored_is_a_row_among_the_others(
    odd: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = raw_event(name="odd")
    metadata = whole["metadata"] | odd.get("metadata", {})
    rows = oldest_first([read_line({**whole, **odd, "metadata": metadata}), row()])
    assert [row.state for row in rows if row.name != "checkout-1-4-2"] == ["Unreadable"]
    print_lines(rows, NOW, namespaces=True)
    said = capsys.readouterr().out
    assert "checkout-1-4-2" in said
    assert " cannot be read: " in said
    assert len(json.loads(as_data(rows, Form.JSON))) == 2
    assert "cannot be read" in as_data(rows, Form.YAML)


@pytest.mark.parametrize("stored", [7, None, ["a"], 1.5, True])
def test_a_type_that_is_no_text_is_shown_all_the_same(
    stored: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    print_lines([read_line({**raw_event(), "spec": {"eventType": stored}})], NOW, namespaces=False)
    assert str(stored) in capsys.readouterr().out


def test_what_is_no_object_does_not_keep_the_others_from_being_listed() -> None:
    assert read_line({}).state == "Unreadable"
