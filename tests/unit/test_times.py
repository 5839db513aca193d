"""Times that anybody may have planted, and what is reckoned with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.resource.times import FIRST, LAST, later, read_time
from unit.builders import NOW

ZONES = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)


@pytest.mark.parametrize(
    "said",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01t12:00:00z",
        "2026-05-01T12:00:00",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01T12:00:00.000000000Z",
        datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
    ids=str,
)
def test_a_time_is_read_in_utc(said: object) -> None:
    read = read_time(said)
    assert read == NOW
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "said",
    [
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:00", "1969-12-31T23:59:59Z"),
        *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:00", "9001-01-01T00:00:00Z"),
        *("2026-05-01T23:59:60Z", "soon", "", None, 5, True, ["2026-05-01T12:00:00Z"]),
    ],
    ids=str,
)
def test_what_cannot_be_a_time_of_ours_is_none(said: object) -> None:
    assert read_time(said) is None


@given(st.datetimes(timezones=ZONES) | st.text())
def test_whatever_is_planted_reads_as_a_time_or_as_none(said: object) -> None:
    read = read_time(said)
    assert read is None or FIRST <= read <= LAST


@given(
    st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC)),
    st.integers(0, 2**70) | st.floats(0, 1e30),
)
def test_no_sum_of_a_time_and_a_duration_leaves_the_years_that_there_are(
    time: datetime, seconds: float
) -> None:
    assert time <= later(time, seconds) <= LAST


def test_within_them_the_sum_is_exact() -> None:
    assert later(NOW, 0.25) == NOW + timedelta(seconds=0.25)
