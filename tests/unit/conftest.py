"""What the unit tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from customevents.eventsapi.key import KeyFile
from unit.poster import CANARY

# What Hypothesis stores stays in the checkout; examples are not kept from run to run.
set_hypothesis_home_dir(Path(__file__).parents[2] / ".cache" / "hypothesis")
settings.register_profile(
    "customevents",
    max_examples=30,
    deadline=None,
    database=None,
    derandomize="CI" in os.environ,
)
settings.load_profile("customevents")


@pytest.fixture
def key(tmp_path: Path) -> KeyFile:
    """A usable key, whose content must never show up anywhere."""
    (tmp_path / "api-key").write_text(f"{CANARY}\n")
    return KeyFile(tmp_path / "api-key")
