"""The list of what is not delivered: its order, and what stands in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from customevents.commands.listing import for_programs, oldest_first, print_table
from customevents.commands.options import Form
from unit.builders import NOW, event, later

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


def test_the_oldest_comes_first_counted_from_its_last_change() -> None:
    old = event(name="b", creationTimestamp="2026-05-01T11:00:00Z")
    new = event(name="a", creationTimestamp="2026-05-01T11:30:00Z")
    edited = event(
        name="c",
        creationTimestamp="2026-01-01T00:00:00Z",
        managedFields=[{"time": "2026-05-01T11:59:00Z"}],
    )
    assert oldest_first([edited, new, old]) == [old, new, edited]


def test_programs_get_flat_objects() -> None:
    (row,) = json.loads(for_programs([event(status=HELD)], Form.JSON))
    assert row == {
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
    print_table([event(status=HELD)], NOW, namespaces=False)
    assert "No [2J." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")],
)
def test_an_age_is_said_as_kubectl_says_it(
    capsys: pytest.CaptureFixture[str], seconds: int, age: str
) -> None:
    print_table([event(status=HELD)], later(seconds), namespaces=False)
    assert age in capsys.readouterr().out.split()


def test_a_clock_that_is_behind_makes_no_negative_age(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([event(status=HELD)], datetime(2026, 1, 1, tzinfo=UTC), namespaces=False)
    assert "0s" in capsys.readouterr().out.split()
