"""Objects as large as Kubernetes takes them do not outgrow the memory that the chart gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from promises import crowd
from promises.crowd import Api
from promises.fleet import Fleet

#: So many events, each with almost all of the 256 KiB of annotations that an object may have.
EVENTS = 600
ANNOTATIONS = {f"notes-{number}": "x" * 1000 for number in range(250)}

#: Bytes; the chart's limit is 384 Mi.
MOST = 300e6


@pytest.mark.full  # 150 MB through the API server take half a minute
def test_a_crowd_of_large_events_is_delivered_within_300_mb(
    administrator: Api, namespace: str, operators: Fleet, figure: Callable[[str], None]
) -> None:
    for number in range(EVENTS):
        crowd.create_one(
            administrator, namespace, f"large-{number}", f"{number}", annotations=ANNOTATIONS
        )
    running = operators.start()
    crowd.until_terminal(administrator, namespace, within=120)
    peak = most_resident(running.process.pid)
    figure(f"memory while {EVENTS} events of 256 KiB are delivered: {peak / 1e6:.0f} MB at most")
    assert peak <= MOST


def most_resident(pid: int) -> int:
    """The most memory that this process ever had, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
