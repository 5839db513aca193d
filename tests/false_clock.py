"""The command line on a machine whose clock is as many seconds ahead as a file says, at any time.

Run as `python false_clock.py FILE COMMAND ...`.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from customevents import cli, clocks

AHEAD = Path(sys.argv.pop(1))


class FalseClock(datetime):
    """The only thing of this machine that is wrong."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=float(AHEAD.read_text()))


machine: Any = clocks
machine.datetime = FalseClock
cli.main()
