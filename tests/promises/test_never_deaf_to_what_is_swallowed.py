"""What a watch keeps back, while everything else comes in it, is found by looking round."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from promises.ear import DEAF, Ear
from proxy import DropFrames, Rule

ANY_WATCH = "/customevents.*watch=true"

#: Seconds until a round has found what no watch showed: it goes every 60 s, and looks at nothing
#: that is younger than 30 s.
ROUND = 100.0

#: Seconds until all that is finished was looked at, too.
LONG_ROUND = 680.0


@pytest.fixture(scope="module")
def ear(listener: Callable[[str], Ear]) -> Iterator[Ear]:
    """An operator that watches everything."""
    listening = listener("cluster")
    yield listening
    listening.stop()


@pytest.mark.full
def test_a_stream_that_goes_on_swallows_a_new_event(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        ear.proxy.add(Rule("GET", ANY_WATCH, DropFrames(known.name("new")), count=None))
        with ear.spending() as spent:
            heard = ear.hears(known, ROUND)
            figure(f"never deaf {ear.mode}, a new event is swallowed: {heard}; {spent()}")
        ear.check(known, heard, ROUND)
        assert max(heard.edit, heard.resend) < DEAF


@pytest.mark.full
def test_a_stream_that_goes_on_swallows_an_edit_and_a_resend(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        swallowed = f"{known.name('edited')}|{known.name('resent')}"
        ear.proxy.add(Rule("GET", ANY_WATCH, DropFrames(swallowed), count=None))
        with ear.spending() as spent:
            heard = ear.hears(known, LONG_ROUND)
            figure(f"never deaf {ear.mode}, edits are swallowed: {heard}; {spent()}")
        ear.check(known, heard, LONG_ROUND)
