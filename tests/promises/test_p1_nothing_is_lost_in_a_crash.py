"""P1, P3: at least once across crashes; every POST that may be a duplicate is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

import pytest

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.conftest import FULL
from promises.crowd import Api
from promises.fleet import Fleet, tally, told

EVENTS, KILLS, ROUNDS = (2000, 6, 10) if FULL else (600, 3, 1)

#: Attempts that can be under way at once, with a rate limit and without: each crash may double no
#: more.
IN_FLIGHT, UNLIMITED = 16, 64

#: What a crash left in flight is tried again no sooner than so many seconds after it.
SOONER = {"delivery_post_timeout": "5"}

#: Instead of the fleet's and SOONER, which are there to save time.
DEFAULTS = {"delivery_rate": "10", "lease_duration": "15"}


@pytest.mark.parametrize(
    ("seed", "in_flight"), [*((seed, IN_FLIGHT) for seed in range(ROUNDS)), (0, UNLIMITED)]
)
def test_sigkill_in_mid_drain_loses_nothing_and_counts_every_duplicate(
    seed: int,
    in_flight: int,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    operators.settings.update(SOONER, delivery_in_flight=str(in_flight))
    crowd.create(administrator, [namespace], EVENTS)
    begun = time.monotonic()
    kill_in_mid_drain(operators, timeline, random.Random(seed), EVENTS, KILLS)
    events = crowd.until_terminal(administrator, namespace, within=180)
    found = tally(events, timeline)
    figure(
        f"P1 SIGKILL x {KILLS}, {in_flight} in flight: {found}; {time.monotonic() - begun:.0f} s"
    )
    found.check(duplicates=KILLS * in_flight)


@pytest.mark.full  # a Lease of 15 s is waited for at each kill
def test_with_the_default_settings_sigkill_loses_nothing_and_counts_every_duplicate(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    events, kills = 400, 4
    operators.settings.update(DEFAULTS)
    crowd.create(administrator, [namespace], events)
    begun = time.monotonic()
    kill_in_mid_drain(operators, timeline, random.Random(0), events, kills)
    ended = crowd.until_terminal(administrator, namespace, within=300)
    found = tally(ended, timeline)
    seconds = time.monotonic() - begun
    figure(f"P1 SIGKILL x {kills}, default settings: {found}; {seconds:.0f} s")
    found.check(duplicates=kills * IN_FLIGHT)


def kill_in_mid_drain(
    operators: Fleet, timeline: sandbox.Running, moments: random.Random, events: int, kills: int
) -> None:
    """Kill the leader again and again while so many events are delivered; a standby is there."""
    operators.start()
    operators.start()
    for kill in range(kills):
        share = events * (kill + moments.uniform(0.2, 0.9)) / (kills + 1)
        eventually("the drain goes on", partial(told, timeline, share), within=90)
        operators.leader().kill()
        operators.start()
