"""What the operator says, a line each: JSON for machines, text for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

#: What a line about an event carries beside its words.
ABOUT_AN_EVENT = ("event", "delivery_id", "attempt")

Format = Literal["json", "text"]


def set_up(level: str, form: Format) -> None:
    """Write lines of this level and above to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # kopf has a line for each try; watch.py says once what is wrong.
    if level != "DEBUG":
        logging.getLogger("kopf").setLevel(logging.CRITICAL + 1)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, also for a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: time (RFC 3339, UTC), level, logger, words, what it is about."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: getattr(record, key) for key in ABOUT_AN_EVENT if hasattr(record, key)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
