"""P1, P3: at least once across crashes; every POST that may be a duplicate is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

import pytest

from customevents import sandbox
from operating import eventually
from promises import driving
from promises.conftest import FULL
from promises.driving import Api
from promises.fleet import Fleet, tally, told

EVENTS, KILLS, ROUNDS = (2000, 6, 10) if FULL else (600, 3, 1)

#: Attempts that can be under way at once: each crash may double no more.
IN_FLIGHT = 16


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_sigkill_in_mid_drain_loses_nothing_and_counts_every_duplicate(
    seed: int,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    moments = random.Random(seed)
    driving.create(administrator, [namespace], EVENTS)
    operators.start()
    operators.start()
    begun = time.monotonic()
    for kill in range(KILLS):
        share = EVENTS * (kill + moments.uniform(0.2, 0.9)) / (KILLS + 1)
        eventually("the drain goes on", partial(told, timeline, share), within=90)
        operators.leader().kill()
        operators.start()
    events = driving.until_terminal(administrator, namespace, within=180)
    found = tally(events, timeline)
    figure(f"P1 SIGKILL x {KILLS}: {found}; {time.monotonic() - begun:.0f} s")
    found.check(duplicates=KILLS * IN_FLIGHT)
