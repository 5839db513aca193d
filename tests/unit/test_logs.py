"""A line of the log is one JSON object, whatever it is about."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from customevents.logs import JsonFormatter


def line(record: logging.LogRecord) -> dict[str, Any]:
    text = JsonFormatter().format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def record(message: str, *args: object, **about: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "customevents.run", "levelname": "INFO", "msg": message, "args": args, **about}
    )
    made.created = 1767323045.6789
    return made


def test_a_line_has_time_level_logger_and_words() -> None:
    assert line(record("%d attempts are under way", 3)) == {
        "time": "2026-01-02T03:04:05.678Z",
        "level": "INFO",
        "logger": "customevents.run",
        "message": "3 attempts are under way",
    }


def test_a_line_about_an_event_names_it_and_its_delivery() -> None:
    about = {"event": "shop/checkout", "delivery_id": "an-id", "attempt": 2, "other": "left out"}
    found = line(record("shop/checkout is Delivered", **about))
    assert {key: found[key] for key in ("event", "delivery_id", "attempt")} == {
        "event": "shop/checkout",
        "delivery_id": "an-id",
        "attempt": 2,
    }
    assert "other" not in found


def test_a_traceback_stays_in_its_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        found = line(record("it broke", exc_info=sys.exc_info()))
    assert "Traceback" in found["traceback"]
    assert "two\nlines" in found["traceback"]
