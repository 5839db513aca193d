"""A watch that is open and keeps things back is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from operating import PATIENCE
from promises import driving
from promises.hearing import DEAF, Ear
from proxy import DropFrames, Hold, Rule, Silence

ANY_WATCH = "/customevents.*watch=true"

#: Seconds until a round has found what no watch showed: it goes every 60 s, and looks at nothing
#: that is younger than 30 s.
ROUND = 100.0

#: Seconds until all that is finished was looked at, too.
LONG_ROUND = 680.0


@pytest.mark.full
def test_a_stream_falls_silent_while_nothing_happens(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        silence = ear.proxy.add(Rule("GET", ear.watches, Silence()))
        assert silence.reached.wait(PATIENCE)
        ear.hears_and_says(known, "a stream falls silent", figure)


@pytest.mark.full
def test_a_stream_falls_silent_before_an_echo(ear: Ear, figure: Callable[[str], None]) -> None:
    with ear.listening() as known:
        written = ear.proxy.add(Rule("PATCH", "/carrier/status", Hold()))
        driving.create_one(ear.api, ear.namespaces[0], "carrier", "whose record is not seen again")
        assert written.reached.wait(PATIENCE)
        silence = ear.proxy.add(Rule("GET", ear.watches, Silence()))
        assert silence.reached.wait(PATIENCE)
        written.release()
        ear.hears_and_says(known, "a stream falls silent before an echo", figure)


@pytest.mark.full
def test_every_stream_is_silent(ear: Ear, figure: Callable[[str], None]) -> None:
    with ear.listening() as known:
        silence = ear.proxy.add(Rule("GET", ear.watches, Silence(), count=None))
        assert silence.reached.wait(PATIENCE)
        with ear.spending() as spent:
            heard = ear.hears(known, 2 * DEAF)
            cost = spent()
        figure(f"never deaf {ear.mode}, every stream is silent: {heard}; {cost}")
        ear.check(known, heard, 2 * DEAF)
        assert cost.requests <= cost.seconds * 2, str(cost)


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
    listener: Callable[[str], Ear], figure: Callable[[str], None]
) -> None:
    ear = listener("cluster")
    with ear.listening() as known:
        swallowed = f"{known.name('edited')}|{known.name('resent')}"
        ear.proxy.add(Rule("GET", ANY_WATCH, DropFrames(swallowed), count=None))
        with ear.spending() as spent:
            heard = ear.hears(known, LONG_ROUND)
            figure(f"never deaf {ear.mode}, edits are swallowed: {heard}; {spent()}")
        ear.check(known, heard, LONG_ROUND)
