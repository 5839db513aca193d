"""Rate, breaker and Retry-After: when an attempt may be made, whoever makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.delivery.outcome import Outcome
from customevents.delivery.throttle import Breaker, TokenBucket
from customevents.eventsapi.retry_after import retry_after
from customevents.resource.operator_state import BreakerState
from customevents.resource.status import OutcomeClass
from unit.builders import NOW
from unit.instant import at_once
from unit.throttled import Place

# --- The rate


def take(bucket: TokenBucket, now: float) -> bool:
    """Take a token if there is one."""
    if bucket.wait(now) > 0:
        return False
    bucket.spend()
    return True


def go(bucket: TokenBucket, now: float) -> bool:
    """Take a token if there is one, and go with it."""
    taken = take(bucket, now)
    if taken:
        bucket.gone(now)
    return taken


def test_a_new_bucket_is_empty_and_fills_with_time() -> None:
    bucket = TokenBucket(rate=10.0, burst=20)
    assert bucket.wait(100.0) == pytest.approx(0.1)
    assert not take(bucket, 100.05)
    assert go(bucket, 100.11)
    assert not take(bucket, 100.11)


def test_a_bucket_that_was_left_alone_holds_a_burst_and_no_more() -> None:
    bucket = TokenBucket(rate=10.0, burst=20)
    bucket.wait(0.0)
    assert sum(go(bucket, 3600.0) for _ in range(100)) == 20


def test_a_rate_of_nothing_is_no_limit() -> None:
    bucket = TokenBucket(rate=0.0, burst=1)
    assert all(take(bucket, 0.0) for _ in range(1000))


@given(
    st.floats(0.1, 1000.0),
    st.integers(1, 50),
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=60),
)
def test_no_window_of_time_admits_more_than_a_burst_and_the_rate(
    rate: float, burst: int, pauses: list[float]
) -> None:
    bucket, now, admitted = TokenBucket(rate, burst), 0.0, []
    for pause in pauses:
        now += pause / rate
        while go(bucket, now):
            admitted.append(now)
    for first, begin in enumerate(admitted):
        for last, end in enumerate(admitted[first:], first):
            assert last - first + 1 <= burst + rate * (end - begin) + 1e-6


@given(
    st.floats(0.1, 1000.0),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0.0, 20.0), st.booleans()), min_size=1, max_size=60),
)
def test_nor_do_more_go_at_once_where_those_that_were_admitted_wait_for_their_commit(
    rate: float, burst: int, pauses: list[tuple[float, bool]]
) -> None:
    bucket, now, waiting, gone = TokenBucket(rate, burst), 0.0, 0, []
    for pause, is_committed in pauses:
        now += pause / rate
        while waiting < 16 and take(bucket, now):
            waiting += 1
        while is_committed and waiting:
            bucket.gone(now)
            waiting -= 1
            gone.append(now)
    for first, begin in enumerate(gone):
        for last, end in enumerate(gone[first:], first):
            assert last - first + 1 <= burst + rate * (end - begin) + 1e-6


@given(st.floats(0.1, 1000.0), st.integers(1, 50), st.integers(1, 100))
def test_who_waits_as_long_as_the_bucket_says_gets_a_token(
    rate: float, burst: int, tokens: int
) -> None:
    bucket, now = TokenBucket(rate, burst), 0.0
    for _ in range(tokens):
        now += bucket.wait(now) + 1e-9
        assert go(bucket, now)
    assert now == pytest.approx(tokens / rate, rel=1e-3)


# --- The breaker

NEVER_ARRIVED = Outcome(OutcomeClass.NEVER_ARRIVED, None)
LOST = Outcome(OutcomeClass.UNKNOWN, None)
BAD_GATEWAY = Outcome(OutcomeClass.UNKNOWN, 502)
BUSY = Outcome(OutcomeClass.REFUSED_FOR_NOW, 503)
CREATED = Outcome(OutcomeClass.SUCCESS, 201)
NOT_SENT = Outcome(OutcomeClass.NOT_SENT, None)


def attempt(breaker: Breaker, outcome: Outcome, now: float = 0.0) -> None:
    breaker.begin()
    breaker.end(outcome, now)


def opened(now: float = 0.0) -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker(closed=True)
    for _ in range(5):
        attempt(breaker, NEVER_ARRIVED, now)
    return breaker


@pytest.mark.parametrize("outcome", [NEVER_ARRIVED, LOST, BAD_GATEWAY, BUSY], ids=str)
def test_the_fifth_failure_in_a_row_opens_the_breaker_for_thirty_seconds(
    outcome: Outcome,
) -> None:
    breaker = Breaker(closed=True)
    for _ in range(4):
        attempt(breaker, outcome, 7.0)
        assert breaker.state(7.0) is BreakerState.CLOSED
    attempt(breaker, outcome, 7.0)
    assert breaker.state(36.9) is BreakerState.OPEN
    assert breaker.wait(27.0) == 10.0
    assert breaker.state(37.0) is BreakerState.HALF_OPEN


ANSWERS = [CREATED, Outcome(OutcomeClass.REFUSED, 400), Outcome(OutcomeClass.REFUSED_FOR_NOW, 429)]


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_an_answer_between_failures_begins_the_row_anew(answer: Outcome) -> None:
    breaker = Breaker(closed=True)
    for outcome in [*[LOST] * 4, answer, *[LOST] * 4]:
        attempt(breaker, outcome)
    assert breaker.state(0.0) is BreakerState.CLOSED


def test_a_half_open_breaker_lets_one_go_at_a_time() -> None:
    breaker = opened()
    assert breaker.wait(30.0) == 0.0
    breaker.begin()
    assert breaker.wait(30.0) is None
    breaker.end(None, 30.0)
    assert breaker.wait(30.0) == 0.0


def test_an_old_attempt_that_ends_lets_no_second_trial_go() -> None:
    breaker = Breaker(closed=True)
    for _ in range(7):
        breaker.begin()
    for _ in range(5):
        breaker.end(NEVER_ARRIVED, 0.0)
    assert breaker.wait(30.0) is None, "two are under way still"
    breaker.end(None, 30.0)
    assert breaker.wait(30.0) is None
    breaker.end(None, 30.0)
    assert breaker.wait(30.0) == 0.0


def test_a_trial_that_succeeds_closes_the_breaker() -> None:
    breaker = opened()
    attempt(breaker, CREATED, 31.0)
    assert breaker.state(31.0) is BreakerState.CLOSED
    for _ in range(4):
        attempt(breaker, LOST, 31.0)
    assert breaker.state(31.0) is BreakerState.CLOSED


def test_a_trial_that_fails_opens_the_breaker_again() -> None:
    breaker = opened()
    attempt(breaker, LOST, 31.0)
    assert breaker.state(60.9) is BreakerState.OPEN
    assert breaker.state(61.0) is BreakerState.HALF_OPEN


def test_what_was_not_sent_says_nothing_about_the_endpoint() -> None:
    breaker = opened()
    attempt(breaker, NOT_SENT, 31.0)
    assert breaker.state(31.0) is BreakerState.HALF_OPEN


def test_a_new_leader_is_half_open() -> None:
    assert Breaker().state(0.0) is BreakerState.HALF_OPEN


# --- Retry-After


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        (" 17 ", 17),
        ("3600", 3600),
        ("3601", 3600),
        ("9" * 5000, 3600),
        ("Fri, 01 May 2026 12:00:30 GMT", 30),
        ("Fri, 01 May 2026 14:00:30 +0200", 30),
        ("Fri, 01 May 2026 12:00:30 -0000", 30),
        ("Friday, 01-May-26 12:00:30 GMT", 30),
        ("Fri, 01 May 2026 15:00:00 GMT", 3600),
        ("Fri, 01 May 2026 11:59:59 GMT", 0),
        ("Fri, 01 May 9999 12:00:00 -2359", 3600),
        ("Fri, 01 May 2026 12:00:00 +99999999999999", 0),
        (None, 0),
        ("", 0),
        ("-17", 0),
        ("1.5", 0),
        ("1e3", 0),
        ("٣", 0),
        ("²", 0),
        ("soon", 0),
        ("2026-05-01T12:00:30Z", 0),
    ],
)
def test_a_retry_after_is_obeyed_up_to_an_hour_and_garbage_ignored(
    header: str | None, seconds: float
) -> None:
    assert retry_after(header, NOW) == seconds


DAYS = st.datetimes(
    min_value=datetime(1900, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11))]),
)
PIECES = st.sampled_from(
    ["Fri", ",", " ", "01", "May", "2026", "12:00:30", "GMT", "+", "-", "9" * 30, ":", "\t", "("]
)


@given(
    st.one_of(
        st.text(),
        st.integers().map(str),
        DAYS.map(format_datetime),
        st.lists(PIECES).map("".join),
        st.integers().map(lambda zone: f"Fri, 01 May 2026 12:00:30 {zone:+}"),
    )
)
def test_no_retry_after_raises_or_leads_out_of_bounds(header: str) -> None:
    assert 0.0 <= retry_after(header, NOW) <= 3600.0


# --- All of it


def closed_for(*, rate: float = 0.0, is_open: bool = False, pauses: Sequence[float] = ()) -> float:
    """The seconds for which nobody is let in, after answers that asked for these pauses."""

    async def asked() -> float:
        place = Place()
        place.bucket.rate = rate
        for pause in pauses:
            place.throttle.leave(Outcome(OutcomeClass.REFUSED_FOR_NOW, 429, pause=pause))
        for _ in range(5 * is_open):
            place.throttle.leave(NEVER_ARRIVED)
        closed = await place.enter()
        return 0.0 if closed is None else round(closed.seconds, 1)

    return at_once(asked())


def test_an_attempt_goes_back_for_the_longest_trouble_and_not_for_the_rate() -> None:
    assert closed_for(rate=0.1, is_open=True) == 30.0
    assert closed_for(rate=0.1, is_open=True, pauses=[90.0]) == 90.0


def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    assert closed_for(pauses=[90.0, 5.0, 0.0]) == 90.0


def test_a_new_leader_lets_one_event_go_first_whatever_it_asks_for_next() -> None:
    async def begin() -> None:
        place = Place(breaker=Breaker())
        assert await place.enter() is None
        second = asyncio.create_task(place.enter())
        await asyncio.sleep(100.0)
        assert not second.done()
        place.throttle.leave(CREATED)
        assert await second is None
        for _ in range(16):
            assert await place.enter() is None

    at_once(begin())
