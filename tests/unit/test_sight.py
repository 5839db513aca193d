"""What is told of a watch: trouble that lasts, and not a moment between two streams."""

from __future__ import annotations

import pytest

from customevents.sight import DEAF, GOOD_FOR, Sight
from customevents.watch import LONGEST_PAUSE, LONGEST_PAUSE_UNANSWERED, pause


class Time:
    """A monotonic clock that moves when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr("customevents.sight.time.monotonic", clock)
    return clock


def test_it_is_in_trouble_until_the_first_list() -> None:
    sight = Sight("shop")
    assert sight.trouble == "not watching in namespace shop: kopf has listed nothing yet"
    sight.sees()
    assert sight.trouble == ""


def test_a_short_while_without_a_watch_is_no_trouble(time: Time) -> None:
    sight = Sight("")
    sight.sees()
    time.now += GOOD_FOR
    sight.lost("the Kubernetes API answered 403", answered=True)
    time.now += DEAF - 1
    assert sight.trouble == ""
    time.now += 2
    assert sight.trouble == "not watching: the Kubernetes API answered 403"


def test_streams_that_end_at_once_are_no_watch(time: Time) -> None:
    sight = Sight("")
    sight.sees()
    time.now += GOOD_FOR
    for _ in range(10):
        sight.lost("its streams end as soon as they begin", answered=True)
        time.now += DEAF / 5
        sight.sees()
    sight.lost("its streams end as soon as they begin", answered=True)
    assert sight.trouble


@pytest.mark.parametrize(
    ("answered", "longest"), [(True, LONGEST_PAUSE), (False, LONGEST_PAUSE_UNANSWERED)]
)
def test_each_failure_doubles_the_pause_up_to_the_longest(answered: bool, longest: float) -> None:
    pauses = [pause(failures, answered=answered) for failures in range(1, 2000)]
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert max(pauses) == pauses[-1] == longest
