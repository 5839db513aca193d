"""A watch that stays open while nothing comes in it is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from operator_process import PATIENCE
from promises import crowd
from promises.ear import DEAF, Ear
from proxy import Hold, Rule, Silence


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
        crowd.create_one(ear.api, ear.namespaces[0], "carrier", "whose record is not seen again")
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
