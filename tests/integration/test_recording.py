"""The recorded terminal of the README: the session is played again, and shows the same."""

from __future__ import annotations

import difflib
import runpy
from pathlib import Path

from localcluster import Cluster

SCRIPT = Path(__file__).parents[2] / "docs" / "recording.py"


def test_the_recording_shows_what_a_terminal_shows_today(cluster: Cluster, tmp_path: Path) -> None:
    recording = runpy.run_path(str(SCRIPT))
    kept: Path = recording["PICTURE"]

    today: str = recording["drawn"](recording["recorded"](cluster, tmp_path))

    changed = "\n".join(
        difflib.unified_diff(
            kept.read_text().splitlines(), today.splitlines(), kept.name, "today", lineterm="", n=0
        )
    )
    assert not changed, f"run `make recording`:\n{changed}"
