"""How a test is run for each of some rows."""

from __future__ import annotations

import pytest

from kubectl.row import Row


def every(rows: list[Row]) -> pytest.MarkDecorator:
    """Once for each, called by its sentence."""
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.sentence)
