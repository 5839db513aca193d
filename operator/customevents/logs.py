"""What the operator says, a line each: JSON for machines, text for people.

Nobody waits for whoever reads it: a reader that stands still (a full disk of the node, a paused
terminal) would else stop the event loop, and with it the Lease. A line is put into words where it
is said, since what it speaks of may be another thing a moment later, and a thread writes it.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import select
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: What a line about an event carries beside its words.
ABOUT_AN_EVENT = ("event", "delivery_id", "attempt")

#: Bytes that wait for their reader; what does not fit is counted.
MOST_WAITING = 1024 * 1024

#: Seconds for which the end of the process waits for the reader.
LAST_WORDS = 2.0

Format = Literal["json", "text"]


def set_up(level: str, form: Format) -> None:
    """Write lines of this level and above to stderr.

    From now on nobody waits who writes there: Python's own last words go the same way.
    """
    global _outlet
    handler: logging.Handler = logging.NullHandler()
    if sys.stderr is not None:  # else it was closed before we began
        form_of_a_line = JsonFormatter() if form == "json" else logging.Formatter(_TEXT)
        _outlet = Outlet(sys.stderr.fileno(), lambda missing: _notice(form_of_a_line, missing))
        sys.stderr = _outlet.as_text()
        atexit.register(_outlet.drain, LAST_WORDS)
        handler = _Handler(sys.stderr)
        handler.setFormatter(form_of_a_line)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # kopf has a line for each try; watch.py says once what is wrong.
    if level != "DEBUG":
        logging.getLogger("kopf").setLevel(logging.CRITICAL + 1)


def lines_dropped() -> int:
    """How many lines were not written, as nobody read them."""
    return _outlet.dropped if _outlet else 0


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


class Outlet(io.RawIOBase):
    """Takes what is written at once, and passes it on in a thread, in order."""

    def __init__(self, descriptor: int, notice: Callable[[int], str]) -> None:
        """`notice` words the line that says how many lines are missing in its place."""
        self._descriptor = descriptor
        self._notice = notice
        #: Lines that were dropped, ever.
        self.dropped = 0
        #: Of them, those of which the reader does not know.
        self._missing = 0
        self._waiting: list[bytes] = []
        self._size = 0
        self._writing = False
        self._changed = Condition()
        Thread(target=self._pass_on, name="the log", daemon=True).start()

    def as_text(self) -> TextIO:
        """The stream for text; each write to it is taken or dropped as a whole."""
        unbuffered: Any = self
        return io.TextIOWrapper(
            unbuffered, encoding="utf-8", errors="backslashreplace", write_through=True
        )

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The file descriptor behind it."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer, /) -> int:
        """Take it, or count it: this never waits."""
        said = bytes(data)
        with self._changed:
            if self._size + len(said) > MOST_WAITING:
                self._miss(said.count(b"\n"))
            else:
                self._waiting.append(said)
                self._size += len(said)
                self._changed.notify_all()
        return len(said)

    def drain(self, patience: float) -> None:
        """Wait until all is written, so many seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._writing, patience)

    def _pass_on(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                self._writing = True
                said, missing = b"".join(self._waiting), self._missing
                self._waiting, self._size, self._missing = [], 0, 0
            # What was dropped came when no more fitted behind the lines that are taken now.
            notice = self._notice(missing).encode() if missing else b""
            if not self._is_written(said + notice):
                with self._changed:
                    self._missing += missing
                    self._miss(said.count(b"\n"))

    def _is_written(self, data: bytes) -> bool:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # who shares the pipe with us asked not to wait for it
                select.select((), (self._descriptor,), ())
            except OSError:
                return False
        return True

    def _miss(self, lines: int) -> None:
        self.dropped += lines
        self._missing += lines


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's spelling
        """Say which line cannot be put into words; what it was to say may be anything."""
        error = type(sys.exception()).__name__
        words = f"the line at {record.filename}:{record.lineno} cannot be written: {error}"
        about = {"name": record.name, "levelname": "ERROR", "msg": words}
        self.stream.write(self.format(logging.makeLogRecord(about)) + self.terminator)


def _notice(formatter: logging.Formatter, missing: int) -> str:
    words = f"{missing} lines were not written here: nobody read the log"
    about = {"name": __name__, "levelname": "WARNING", "msg": words}
    return formatter.format(logging.makeLogRecord(about)) + "\n"


_outlet: Outlet | None = None
