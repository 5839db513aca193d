"""What fails again and again is tried later and later, and told once."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

import pytest

from customevents.resource.errors import ClusterError, Conflict
from customevents.trouble import LASTING, LATEST, LEAST, Trouble
from unit.builders import Clock

FORBIDDEN = ClusterError("the Kubernetes API answered 403: leases is forbidden", 403)
BUSY = ClusterError("the Kubernetes API answered 503: busy", 503, retry_after=7.0)
CHANGED = Conflict("the Kubernetes API answered 409: changed since", 409)


class Watch:
    """A clock that counts seconds."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def uptime() -> Watch:
    return Watch()


@pytest.fixture
def trouble(uptime: Watch) -> Trouble:
    return Trouble("it fails", "it works again", uptime=uptime, wall=Clock(), chance=random.random)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_each_try_waits_up_to_twice_as_long_and_never_longer_than_two_seconds(
    trouble: Trouble,
) -> None:
    waits = [trouble.failed(FORBIDDEN) for _ in range(2000)]
    for wait, longest in zip(waits, (0.1, 0.2, 0.4, 0.8, 1.6, 2.0), strict=False):
        assert LEAST * longest <= wait <= longest
    assert all(LEAST * LATEST <= wait <= LATEST for wait in waits[5:])
    assert len(set(waits[5:])) > 1000  # jitter


def test_retry_after_is_a_lower_bound(trouble: Trouble) -> None:
    assert trouble.failed(BUSY) == 7.0
    assert trouble.failed(FORBIDDEN) < 7.0


def test_it_is_told_once_a_kind_and_so_is_its_end(
    trouble: Trouble, uptime: Watch, said: Callable[[], list[str]]
) -> None:
    for _ in range(100):
        trouble.failed(FORBIDDEN)
        trouble.failed(BUSY)
        trouble.failed(TimeoutError())
    uptime.seconds += 12
    trouble.ended()
    trouble.ended()
    assert said() == [
        "it fails: the Kubernetes API answered 403: leases is forbidden",
        "it fails: the Kubernetes API answered 503: busy",
        "it fails: the Kubernetes API did not answer in time",
        "it works again after 12 s",
    ]


def test_trouble_that_comes_again_is_told_again(
    trouble: Trouble, said: Callable[[], list[str]]
) -> None:
    for _ in range(2):
        trouble.failed(FORBIDDEN)
        trouble.ended()
    assert len(said()) == 4


def test_one_conflict_is_no_trouble_and_two_in_a_row_are(
    trouble: Trouble, said: Callable[[], list[str]]
) -> None:
    for _ in range(3):
        assert trouble.failed(CHANGED) == 0.0
        assert not trouble
        trouble.ended()
    assert said() == []
    trouble.failed(CHANGED)
    assert trouble.failed(CHANGED) > 0.0
    assert trouble


def test_it_says_since_when_in_words_that_stay_and_lasts_after_half_a_minute(
    trouble: Trouble, uptime: Watch
) -> None:
    assert (str(trouble), trouble.lasts) == ("", False)
    trouble.failed(FORBIDDEN)
    words = str(trouble)
    assert words == (
        "it fails: the Kubernetes API answered 403: leases is forbidden "
        "(since 2026-05-01T12:00:00+00:00)"
    )
    assert not trouble.lasts
    uptime.seconds += LASTING
    trouble.failed(FORBIDDEN)
    assert trouble.lasts
    assert str(trouble) == words
