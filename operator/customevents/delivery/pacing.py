"""When the next attempt may be made.

Full jitter: a crowd of events that failed together does not come back together.
"""

from __future__ import annotations

import random
from datetime import timedelta

BASE_SECONDS = 2.0
LONGEST_SECONDS = 300.0


def backoff(attempts: int, source: random.Random) -> timedelta:
    """How long to wait after this many attempts: random(0, min(5 min, 2 s x 2^attempts))."""
    most = min(LONGEST_SECONDS, BASE_SECONDS * 2.0 ** min(attempts, 16))
    return timedelta(seconds=source.uniform(0.0, most))
