"""Attempts are counted by what became of them."""

from __future__ import annotations

import pytest

from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import KeyFileError
from unit.in_memory import World
from unit.instant import at_once
from unit.lost_attempts import entry, settle_all

LOST = NoAnswer(Stage.SENT, "ServerDisconnectedError")


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("answer", "outcome_class"),
    [
        (NoAnswer(Stage.CONNECT, "ClientConnectorError"), "NeverArrived"),
        (Answer(429), "RefusedForNow"),
        (Answer(401), "EndpointLevel"),
        (Answer(400), "Refused"),
        (LOST, "Unknown"),
        (Answer(201), "Success"),
    ],
    ids=str,
)
def test_an_attempt_is_counted_under_the_class_of_its_outcome(
    world: World, answer: Answer | NoAnswer, outcome_class: str
) -> None:
    world.api.answers = [answer]
    world.handle(world.cluster.apply())
    assert world.counters.attempts == [("shop", outcome_class)]
    assert world.counters.unknown == (["shop"] if outcome_class == "Unknown" else [])
    assert len(world.counters.ages) == (outcome_class == "Success")
    assert world.counters.unusual == world.counters.cancellations == []


def test_what_never_left_this_process_is_no_attempt(world: World) -> None:
    world.api.answers = [KeyFileError("the key file is empty")]
    world.handle(world.cluster.apply())
    assert world.counters.attempts == []


def test_another_2xx_than_the_documented_one_is_a_success_and_unusual(world: World) -> None:
    world.api.answers = [Answer(202)]
    world.handle(world.cluster.apply())
    assert world.counters.attempts == [("shop", "Success")]
    assert world.counters.unusual == ["shop"]


def test_an_attempt_takes_from_its_request_to_its_answer(world: World) -> None:
    def answer_late() -> None:
        world.uptime += 1.5

    world.api.during = answer_late
    world.handle(world.cluster.apply())
    assert world.counters.took == [1.5]


def test_a_delivery_takes_from_the_last_change_to_the_answer(world: World) -> None:
    event = world.cluster.apply()
    world.clock.now = event.changed
    world.clock.advance(40.0)
    world.handle(event)
    assert world.counters.ages == [40.0]


def test_an_attempt_of_a_leader_that_died_is_an_unknown_outcome(world: World) -> None:
    event = world.cluster.apply()
    at_once(settle_all(world, [entry(event)]))
    assert world.counters.unknown == ["shop"]
    assert world.counters.attempts == []


def test_an_attempt_that_the_record_counts_is_not_counted_again(world: World) -> None:
    event = world.cluster.apply()
    lost = entry(event)
    world.handle(event)
    at_once(settle_all(world, [lost]))
    assert world.counters.unknown == []
