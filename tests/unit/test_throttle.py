"""Trouble with the key or the endpoint stops all sending, and is probed until it is over."""

from __future__ import annotations

import asyncio

import pytest

from customevents.delivery.outcome import Outcome
from customevents.delivery.throttle import Breaker, Closed, TokenBucket
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import KeyFileError
from customevents.resource.operator_state import BreakerState, Key
from customevents.resource.status import OutcomeClass
from unit.throttled import (
    BAD_CERTIFICATE,
    BAD_GATEWAY,
    CREATED,
    KEY_REFUSED,
    NO_KEY,
    NO_SUCH_PATH,
    SLOW_DOWN,
    Place,
    play,
    probed_after,
)


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (KEY_REFUSED, "refused the key (HTTP 401)"),
        (Outcome(OutcomeClass.ENDPOINT_LEVEL, 403), "refused the key (HTTP 403)"),
        (NO_SUCH_PATH, "check the settings site and endpoint"),
        (Outcome(OutcomeClass.ENDPOINT_LEVEL, 307), "check the settings site and endpoint"),
        (BAD_CERTIFICATE, "ClientConnectorCertificateError"),
        (NO_KEY, "Not sent: there is no key"),
    ],
    ids=lambda part: part.words if isinstance(part, Outcome) else "",
)
def test_an_endpoint_level_outcome_pauses_everybody_and_says_why(
    place: Place, outcome: Outcome, words: str
) -> None:
    async def story() -> None:
        await place.attempt(outcome)
        closed = await place.throttle.enter("uid")
        assert closed is not None
        assert closed.seconds == 60.0
        assert words in closed.why

    play(place, story)


OF_EVERYBODY = {OutcomeClass.ENDPOINT_LEVEL, OutcomeClass.NOT_SENT}


@pytest.mark.parametrize("kind", sorted(set(OutcomeClass) - OF_EVERYBODY), ids=str)
def test_no_other_outcome_pauses_anybody(place: Place, kind: OutcomeClass) -> None:
    async def story() -> None:
        await place.attempt(Outcome(kind))
        await place.attempt(CREATED)
        assert place.throttle.paused == ""

    play(place, story)


# --- Probes


def test_trouble_with_the_key_is_probed_at_once(place: Place) -> None:
    async def story() -> None:
        assert await probed_after(place, KEY_REFUSED) == pytest.approx([0.0], abs=0.5)
        assert place.opened == 1

    play(place, story)


@pytest.mark.parametrize("outcome", [NO_SUCH_PATH, BAD_CERTIFICATE], ids=lambda o: o.words)
def test_other_trouble_is_probed_after_the_interval(place: Place, outcome: Outcome) -> None:
    async def story() -> None:
        assert await probed_after(place, outcome) == pytest.approx([60.0], abs=0.5)
        assert place.opened == 1

    play(place, story)


# --- Whether it is one event's own trouble

OF_EITHER = [
    Outcome(OutcomeClass.ENDPOINT_LEVEL, 403),
    NO_SUCH_PATH,
    Outcome(OutcomeClass.ENDPOINT_LEVEL, 405),
    Outcome(OutcomeClass.ENDPOINT_LEVEL, 451),
]
either = pytest.mark.parametrize("outcome", OF_EITHER, ids=lambda outcome: outcome.words)


async def tried(place: Place, uid: str, outcome: Outcome) -> bool:
    """Whether an event is let in; its attempt then ends like this, and there is time to probe."""
    if await place.throttle.enter(uid) is not None:
        return False
    place.throttle.leave(outcome)
    await asyncio.sleep(0.5)
    return True


@either
def test_what_one_event_meets_again_and_again_holds_up_no_other(
    place: Place, outcome: Outcome
) -> None:
    async def story() -> None:
        await place.attempt(CREATED)
        for _ in range(5):
            assert await tried(place, "refused on the way", outcome)
        assert await tried(place, "another", CREATED)

    play(place, story)


@either
def test_what_several_events_meet_in_a_row_is_tried_once_a_minute(
    place: Place, outcome: Outcome
) -> None:
    async def story() -> None:
        await place.attempt(CREATED)
        assert [await tried(place, uid, outcome) for uid in "abcd"] == [True, True, True, False]
        for _ in range(3):
            await asyncio.sleep(58.0)
            assert not await tried(place, "e", outcome)
            await asyncio.sleep(2.0)
            assert await tried(place, "e", outcome)

    play(place, story)


@either
def test_an_event_that_is_taken_between_them_shows_that_the_endpoint_works(
    place: Place, outcome: Outcome
) -> None:
    async def story() -> None:
        for number in range(10):
            assert await tried(place, "another", CREATED)
            assert await tried(place, f"refused {number}", outcome)
            assert await tried(place, f"refused too {number}", outcome)

    play(place, story)


def test_trouble_that_a_probe_meets_as_well_is_no_events_own(place: Place) -> None:
    place.remote.answers = [Answer(503), Answer(200)]

    async def story() -> None:
        await place.attempt(CREATED)
        assert await probed_after(place, NO_SUCH_PATH) == pytest.approx([0.0, 60.0], abs=1.0)

    play(place, story)


def test_many_that_were_under_way_with_the_old_key_keep_the_new_one_from_nothing(
    place: Place,
) -> None:
    async def story() -> None:
        assert [await place.enter() for _ in range(16)] == [None] * 16
        for _ in range(16):
            place.throttle.leave(KEY_REFUSED)
            await asyncio.sleep(0.5)
        assert await tried(place, "the next", CREATED)

    play(place, story)


# --- Who goes first


async def let_in(place: Place, namespace: str) -> bool:
    """Whether an event of this namespace is let in at once."""
    return await place.throttle.enter(namespace, namespace) is None


async def failed(place: Place, outcome: Outcome, times: int) -> None:
    """Attempts of one namespace that end like this."""
    for _ in range(times):
        assert await let_in(place, "broken")
    for _ in range(times):
        place.throttle.leave(outcome, "broken")


@pytest.mark.parametrize(
    ("outcome", "times", "pause"),
    [(BAD_GATEWAY, 5, 30.0), (NO_SUCH_PATH, 1, 60.0), (KEY_REFUSED, 1, 0.0)],
    ids=["breaker", "endpoint", "key"],
)
def test_after_trouble_the_namespace_that_met_it_lets_others_go_first(
    place: Place, outcome: Outcome, times: int, pause: float
) -> None:
    async def story() -> None:
        await failed(place, outcome, times)
        await asyncio.sleep(pause + 0.1)
        back = await place.throttle.enter("broken", "broken")
        assert back is not None
        assert back.seconds == pytest.approx(1.9, abs=0.1)
        assert back.why == ""
        assert await let_in(place, "another")
        place.throttle.leave(CREATED, "another")
        assert place.opened == 2 - (pause == 30.0), "who stood back is called at once"
        assert await let_in(place, "broken")

    play(place, story)


def test_where_it_is_the_only_one_it_goes_two_seconds_later(place: Place) -> None:
    async def story() -> None:
        for times in (5, 1, 1):
            await failed(place, BAD_GATEWAY, times)
            back = await place.throttle.enter("broken", "broken")
            assert back is not None
            assert back.seconds == pytest.approx(32.0, abs=0.1)
            await asyncio.sleep(back.seconds)

    play(place, story)


# --- Until it works again

BAD: list[Answer | NoAnswer | KeyFileError] = [
    Answer(401),
    Answer(404),
    Answer(503),
    NoAnswer(Stage.CONNECT, "ClientConnectorError"),
    KeyFileError("the API key file /key is empty"),
]


@pytest.mark.parametrize("answer", BAD, ids=str)
def test_the_endpoint_is_probed_every_minute_until_it_works(
    place: Place, answer: Answer | NoAnswer | KeyFileError
) -> None:
    place.remote.answers = [answer, answer, Answer(200)]

    async def story() -> None:
        assert await probed_after(place, KEY_REFUSED) == pytest.approx([0, 60, 120], abs=1)
        assert place.throttle.paused == ""
        assert place.opened == 1

    play(place, story)


def test_where_the_probes_path_is_unknown_too_an_event_tells_whether_the_endpoint_works(
    place: Place,
) -> None:
    place.remote.answers = [Answer(404)]

    async def story() -> None:
        await probed_after(place, NO_SUCH_PATH, patience=61.0)
        assert await place.throttle.enter("uid") is None

    play(place, story)


@pytest.mark.parametrize("outcome", [KEY_REFUSED, NO_SUCH_PATH], ids=lambda o: o.words)
def test_a_changed_key_file_is_probed_within_a_second(place: Place, outcome: Outcome) -> None:
    place.remote.answers = [Answer(401), Answer(200)] if outcome.code == 401 else [Answer(200)]

    async def story() -> None:
        await place.attempt(outcome)
        await asyncio.sleep(20.0)
        before = len(place.remote.probes)
        place.remote.changed = True
        await asyncio.sleep(1.1)
        assert len(place.remote.probes) == before + 1
        assert place.throttle.paused == ""

    play(place, story)


def test_a_wrong_key_in_the_place_of_none_is_said_to_be_that(place: Place) -> None:
    place.remote.answers = [KeyFileError("the API key file /key is empty"), Answer(403)]
    place.remote.changed = True

    async def story() -> None:
        await place.attempt(NO_KEY)
        await asyncio.sleep(10.0)
        closed = await place.enter()
        assert closed is not None
        assert "refused the key (HTTP 403)" in closed.why
        assert not closed.no_key

    play(place, story)


def test_what_an_earlier_answer_said_of_the_key_words_no_later_trouble(place: Place) -> None:
    place.remote.answers = [Answer(503)]
    place.remote.changed = True

    async def story() -> None:
        assert [await place.enter(), await place.enter()] == [None, None]
        place.throttle.leave(KEY_REFUSED)
        place.throttle.leave(NO_KEY)
        await asyncio.sleep(10.0)
        assert place.throttle.paused == "Not sent: there is no key"
        assert place.throttle.pauses["key"]

    play(place, story)


def test_a_file_that_holds_no_key_is_looked_at_every_second_and_leaves_others_their_turn(
    place: Place,
) -> None:
    """Such a file counts as changed for as long as it cannot be read."""
    place.remote.answers = [KeyFileError("the API key file /key is empty")]
    place.remote.changed = True

    async def story() -> None:
        probes = await asyncio.wait_for(probed_after(place, KEY_REFUSED, patience=10.5), 11.0)
        assert len(probes) == 11
        why = "Not sent: the API key file /key is empty"
        assert await place.throttle.enter("uid") == Closed(60.0, why, no_key=True)

    play(place, story)


# --- What a person is told


def test_trouble_that_stops_all_sending_is_told_once_and_again_when_it_comes_back(
    place: Place,
) -> None:
    place.remote.answers = [Answer(401), Answer(200)]

    async def story() -> None:
        await probed_after(place, KEY_REFUSED, patience=120.0)
        assert [reason for reason, _ in place.warnings] == ["EndpointPaused"]
        await place.attempt(KEY_REFUSED)
        assert len(place.warnings) == 2

    play(place, story)


def test_an_endpoint_that_is_down_is_told_once_for_as_long_as_it_stays_down(place: Place) -> None:
    async def story() -> None:
        for _ in range(5):
            await place.attempt(BAD_GATEWAY)
        await asyncio.sleep(31.0)
        await place.attempt(BAD_GATEWAY)
        assert [why for _, why in place.warnings] == [
            "The events API does not answer; nothing is sent until it is tried again"
        ]
        await asyncio.sleep(31.0)
        await place.attempt(CREATED)
        for _ in range(5):
            await place.attempt(BAD_GATEWAY)
        assert len(place.warnings) == 2

    play(place, story)


def test_a_halt_lets_nobody_in_for_ever_and_is_told(place: Place) -> None:
    async def story() -> None:
        place.throttle.halt("another operator sends the same events")
        place.throttle.halt("another operator sends the same events")
        await asyncio.sleep(3600.0)
        assert await place.throttle.enter("uid") == Closed(60.0, "")
        assert place.warnings == [("SendingStopped", "another operator sends the same events")]

    play(place, story)


@pytest.mark.parametrize(
    ("outcome", "key"),
    [
        (CREATED, Key.OK),
        (Outcome(OutcomeClass.REFUSED, 400), Key.OK),
        (KEY_REFUSED, Key.REFUSED),
        (BAD_GATEWAY, Key.UNKNOWN),
        (NO_SUCH_PATH, Key.UNKNOWN),
        (SLOW_DOWN, Key.UNKNOWN),
    ],
    ids=lambda part: part.words if isinstance(part, Outcome) else str(part),
)
def test_the_key_is_judged_by_answers_that_looked_at_it(
    place: Place, outcome: Outcome, key: Key
) -> None:
    async def story() -> None:
        await place.attempt(outcome)
        assert place.throttle.key is key

    play(place, story)


def test_a_key_that_is_missing_and_then_mounted_is_known_to_be_so(place: Place) -> None:
    place.remote.answers = [KeyFileError("the API key file /key is empty"), Answer(200)]

    async def story() -> None:
        await place.attempt(KEY_REFUSED)
        for seconds in (30.0, 31.0):
            await asyncio.sleep(seconds)
            known.append(place.throttle.key)

    known: list[Key] = []
    play(place, story)
    assert known == [Key.MISSING, Key.OK]


# --- First come, first served


def test_who_waits_for_a_token_never_loses_it_to_one_behind() -> None:
    place = Place(bucket=TokenBucket(rate=5.0, burst=1))
    served: list[int] = []

    async def attempt(number: int) -> None:
        assert await place.throttle.enter("uid") is None
        served.append(number)
        place.throttle.decided()
        place.throttle.leave(CREATED)

    async def story() -> None:
        attempts = []
        for number in range(50):
            attempts.append(asyncio.create_task(attempt(number)))
            await asyncio.sleep(0.07)
        await asyncio.gather(*attempts)
        assert served == list(range(50))

    play(place, story)


def test_who_waits_long_for_a_slow_rate_keeps_its_turn_until_that_comes() -> None:
    place = Place(bucket=TokenBucket(rate=0.1, burst=1))

    async def story() -> None:
        begun = place.uptime()
        for _ in range(3):
            await place.attempt(CREATED)
        assert place.uptime() - begun == pytest.approx(30.0, abs=0.1)

    play(place, story)


def test_who_waits_long_for_a_slow_rate_is_told_of_trouble_meanwhile() -> None:
    place = Place(bucket=TokenBucket(rate=0.1, burst=1))
    place.remote.answers = [Answer(401)]

    async def story() -> None:
        assert await place.enter() is None
        begun = place.uptime()
        waiting = asyncio.create_task(place.enter())
        await asyncio.sleep(5.0)
        place.throttle.leave(KEY_REFUSED)
        closed = await waiting
        assert closed is not None
        assert "refused the key" in closed.why
        assert place.uptime() - begun == pytest.approx(5.0, abs=0.1)

    play(place, story)


# --- Let in, sent back, or told that this is the end


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
