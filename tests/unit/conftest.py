"""What the unit tests share."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# What Hypothesis stores stays in the checkout; examples are not kept from run to run.
set_hypothesis_home_dir(Path(__file__).parents[2] / ".cache" / "hypothesis")
settings.register_profile(
    "customevents",
    max_examples=40,
    deadline=None,
    database=None,
    derandomize="CI" in os.environ,
)
settings.load_profile("customevents")
