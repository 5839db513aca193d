"""What the operator keeps of an event that waits: enough to send it, not the whole object."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from contract.schemas import crd_schema

EVENTS = 20_000
PROGRAM = Path(__file__).with_name("waiting_events.py")

#: Bytes, and seconds.
MOST = 100e6
LONGEST = 5.0


def test_20000_waiting_events_take_at_most_100_mb(figure: Callable[[str], None]) -> None:
    status = crd_schema("status")["default"]
    command = [sys.executable, str(PROGRAM), str(EVENTS), json.dumps(status)]
    cost = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    figure(
        f"memory of {EVENTS} waiting events: {cost['bytes'] / 1e6:.0f} MB, "
        f"taken in within {cost['seconds']:.1f} s"
    )
    assert cost["bytes"] <= MOST
    assert cost["seconds"] <= LONGEST
