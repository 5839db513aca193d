"""Full jitter: later and later on average, never beyond the cap, and not all at once."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.delivery.state import backoff


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 4), (2, 8), (3, 16), (4, 32), (5, 64), (6, 128), (7, 256), (8, 300), (9, 300)],
)
def test_the_longest_delay_doubles_with_each_attempt_up_to_five_minutes(
    attempts: int, seconds: int
) -> None:
    assert backoff(attempts, 1.0) == seconds


@pytest.mark.parametrize("attempts", [1, 5, 50])
def test_the_shortest_delay_is_none_at_all(attempts: int) -> None:
    assert backoff(attempts, 0.0) == 0.0


@given(st.integers(0, 10**12), st.floats(0.0, 1.0))
def test_no_number_of_attempts_leads_out_of_bounds(attempts: int, jitter: float) -> None:
    assert 0.0 <= backoff(attempts, jitter) <= 300.0


def test_a_crowd_that_failed_together_does_not_come_back_together() -> None:
    dice = random.Random(1)
    delays = sorted(backoff(8, dice.random()) for _ in range(1000))
    quarters = [delays[250], delays[500], delays[750]]
    assert quarters == pytest.approx([75, 150, 225], abs=20)
