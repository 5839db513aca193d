"""The operator, with the time written down at which each event passes each of its stations.

    python benchmarks/traced.py TRACE.json run

What `customevents run` does, a little slower; the file is written at its end.
"""

from __future__ import annotations

import atexit
import functools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from customevents import run, sieve
from customevents.cli import main
from customevents.delivery import courier, journal, status_writer

#: By uid: the station, and when it was passed; seconds.
passed: defaultdict[str, dict[str, float]] = defaultdict(dict)


def note(uid: str, station: str) -> None:
    """It is there now; only the first time counts."""
    passed[uid].setdefault(station, time.monotonic())


def before(owner: Any, method: str, station: str, uid: Callable[..., str]) -> None:
    """Write down each call of a plain method."""
    plain = getattr(owner, method)

    @functools.wraps(plain)
    def noted(*args: Any, **kwargs: Any) -> Any:
        note(uid(*args, **kwargs), station)
        return plain(*args, **kwargs)

    setattr(owner, method, noted)


def around(owner: Any, method: str, stations: tuple[str, str], uid: Callable[..., str]) -> None:
    """Write down the begin and the end of a coroutine."""
    plain = getattr(owner, method)

    @functools.wraps(plain)
    async def noted(*args: Any, **kwargs: Any) -> Any:
        note(uid(*args, **kwargs), stations[0])
        result = await plain(*args, **kwargs)
        note(uid(*args, **kwargs), stations[1])
        return result

    setattr(owner, method, noted)


def _of_line(_: Any, line: bytes) -> str:
    try:
        said = json.loads(line)
        uid: str = said["object"]["metadata"]["uid"]
        return uid if said["type"] == "ADDED" else f"later {uid}"
    except (ValueError, KeyError, TypeError):
        return "none"


before(sieve.Sieve, "line", "seen", _of_line)
before(run.Operator, "take_in", "taken in", lambda *given: given[2]["metadata"]["uid"])
around(courier.Courier, "walk", ("its turn", "walked"), lambda _, event: event.uid)
around(journal.Journal, "commit", ("filled in", "committed"), lambda _, intent: intent.uid)
around(courier.Courier, "_post", ("posting", "answered"), lambda *given: given[1].event.uid)
around(
    status_writer.StatusWriter,
    "_patch",
    ("writing", "written"),
    lambda *given: given[1].uid,
)


def save(file: Path) -> None:
    """Keep what was written down."""
    file.write_text(json.dumps(passed))


if __name__ == "__main__":
    atexit.register(save, Path(sys.argv.pop(1)))
    main()
