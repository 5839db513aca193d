"""What waits at a gate is let in, sent back with words, or told that this is the end."""

from __future__ import annotations

import asyncio

import pytest

from customevents.delivery.outcome import Outcome
from customevents.delivery.throttle import Breaker, Closed, TokenBucket
from customevents.eventsapi.client import Answer
from customevents.resource.operator_state import BreakerState
from unit.throttled import (
    BAD_GATEWAY,
    CREATED,
    KEY_REFUSED,
    SLOW_DOWN,
    Place,
    play,
    probed_after,
)


@pytest.fixture
def place() -> Place:
    return Place()


def test_after_a_pause_one_event_goes_first(place: Place) -> None:
    async def story() -> None:
        await probed_after(place, KEY_REFUSED, patience=1.0)
        assert str(place.throttle.breaker) == BreakerState.HALF_OPEN
        assert await place.throttle.enter("uid") is None
        second = asyncio.create_task(place.throttle.enter("uid"))
        await asyncio.sleep(100.0)
        assert not second.done()
        place.throttle.leave(CREATED)
        assert await second is None
        assert str(place.throttle.breaker) == BreakerState.CLOSED

    play(place, story)


def test_the_next_trouble_pauses_again(place: Place) -> None:
    async def story() -> None:
        for pauses in (1, 2, 3):
            await probed_after(place, KEY_REFUSED, patience=1.0)
            assert place.opened == pauses

    play(place, story)


def test_those_who_wait_at_a_half_open_gate_are_told_of_new_trouble(place: Place) -> None:
    place.breaker = Breaker()
    place.__post_init__()

    async def story() -> None:
        assert await place.throttle.enter("uid") is None
        waiting = asyncio.create_task(place.throttle.enter("uid"))
        await asyncio.sleep(5.0)
        place.remote.answers = [Answer(401)]
        place.throttle.leave(KEY_REFUSED)
        closed = await waiting
        assert closed is not None
        assert "refused the key" in closed.why

    play(place, story)


@pytest.mark.parametrize("failures", [0, 5])
def test_what_was_not_sent_gives_no_verdict_on_the_endpoint(place: Place, failures: int) -> None:
    async def story() -> None:
        for _ in range(failures):
            await place.attempt(BAD_GATEWAY)
        await asyncio.sleep(31.0)
        before = place.throttle.breaker
        for _ in range(10):
            await place.attempt(None)
        assert place.throttle.breaker is before

    play(place, story)


# --- Waiting


def test_a_short_wait_is_waited_for_at_the_gate() -> None:
    place = Place(bucket=TokenBucket(rate=2.0, burst=1))

    async def story() -> None:
        begun = place.uptime()
        for _ in range(4):
            await place.attempt(CREATED)
        assert place.uptime() - begun == pytest.approx(2.0, abs=0.1)

    play(place, story)


def test_a_long_pause_sends_events_back_with_its_words(place: Place) -> None:
    async def story() -> None:
        await place.attempt(SLOW_DOWN, pause=90.0)
        closed = await place.throttle.enter("uid")
        assert closed is not None
        assert closed.seconds == pytest.approx(90.0, abs=0.1)
        assert "asked for a pause" in closed.why
        await asyncio.sleep(90.0)
        assert await place.throttle.enter("uid") is None

    play(place, story)


def test_an_open_breaker_sends_events_back_with_its_words(place: Place) -> None:
    async def story() -> None:
        for _ in range(5):
            await place.attempt(BAD_GATEWAY)
        closed = await place.throttle.enter("uid")
        assert closed is not None
        assert closed.seconds == pytest.approx(30.0, abs=0.1)
        assert "does not answer" in closed.why

    play(place, story)


def test_those_who_were_sent_back_are_called_when_an_answer_closes_the_breaker(
    place: Place,
) -> None:
    async def story() -> None:
        assert await place.throttle.enter("uid") is None
        for _ in range(5):
            await place.attempt(BAD_GATEWAY)
        assert await place.throttle.enter("uid") is not None
        assert place.opened == 0
        place.throttle.leave(CREATED)
        assert place.opened == 1
        await place.attempt(CREATED)
        assert place.opened == 1, "nobody was sent back since"

    play(place, story)


def test_those_who_were_sent_back_are_called_after_a_retry_after_and_not_within_it(
    place: Place,
) -> None:
    async def story() -> None:
        assert await place.throttle.enter("uid") is None
        await place.attempt(SLOW_DOWN, pause=90.0)
        assert await place.throttle.enter("uid") is not None
        place.throttle.leave(CREATED)
        assert place.opened == 0
        await asyncio.sleep(90.0)
        await place.attempt(CREATED)
        assert place.opened == 1

    play(place, story)


@pytest.mark.parametrize(
    ("outcome", "pause", "times"),
    [(SLOW_DOWN, 90.0, 1), (KEY_REFUSED, 0.0, 1), (BAD_GATEWAY, 0.0, 5)],
    ids=["Retry-After", "key refused", "breaker"],
)
def test_trouble_shuts_the_gate_behind_those_who_have_entered_and_not_sent_yet(
    place: Place, outcome: Outcome, pause: float, times: int
) -> None:
    place.remote.answers = [Answer(401)]

    async def story() -> None:
        for _ in range(times):
            assert place.throttle.is_open
            await place.attempt(outcome, pause)
        assert not place.throttle.is_open

    play(place, story)


def test_a_gate_that_is_halted_is_shut_behind_them_too(place: Place) -> None:
    async def story() -> None:
        assert await place.throttle.enter("uid") is None
        place.throttle.halt("going on could send events twice")
        assert not place.throttle.is_open

    play(place, story)


def test_a_half_open_gate_is_open_to_the_one_that_has_entered() -> None:
    place = Place(breaker=Breaker())

    async def story() -> None:
        assert await place.throttle.enter("uid") is None
        assert place.throttle.is_open

    play(place, story)


# --- The end


def test_a_closed_gate_lets_nobody_in_and_wakes_those_who_wait() -> None:
    place = Place(breaker=Breaker())

    async def story() -> None:
        assert await place.throttle.enter("uid") is None
        waiting = [asyncio.create_task(place.throttle.enter("uid")) for _ in range(3)]
        await asyncio.sleep(1.0)
        place.throttle.close()
        assert await asyncio.gather(*waiting) == [Closed(60.0, "")] * 3
        place.throttle.leave(CREATED)
        assert await place.throttle.enter("uid") == Closed(60.0, "")

    play(place, story)
