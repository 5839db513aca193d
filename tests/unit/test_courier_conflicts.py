"""Where another operator's record stands already, what is known is merged and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from customevents.eventsapi.client import Answer, NoAnswer, Stage
from customevents.resource.errors import Conflict
from customevents.resource.event import CustomEvent
from customevents.resource.status import State
from unit.builders import later, record, stored
from unit.in_memory import Handled, Raw, World
from unit.instant import at_once

NEVER_ARRIVED = NoAnswer(Stage.CONNECT, "ClientConnectorError")
LOST = NoAnswer(Stage.SENT, "ServerDisconnectedError")


@pytest.fixture
def world() -> World:
    return World()


def handle(world: World, event: CustomEvent) -> Handled:
    return world.handle(event)


def another_records(world: World, event: CustomEvent, **fields: Any) -> None:
    """Let another operator write a record while our attempt is under way, of another edit."""
    at = later(-1)  # no two operators make an attempt in the same microsecond
    given = {"state": State.DELIVERED, "attempts": 2, "last_attempt_time": at, **fields}
    theirs = record(**given)
    written = stored(theirs)
    seen = {"type": "Delivered", "status": "False", "observedGeneration": 3}

    def write(raw: Raw) -> None:
        raw["status"] = {"conditions": [seen], "delivery": written}
        raw["metadata"]["generation"] = 5

    world.cluster.change(event, write)


def test_of_two_records_of_one_delivery_the_delivered_one_and_the_more_attempts_stand(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.api.answers = [NEVER_ARRIVED]
    world.api.during = lambda: another_records(world, event)
    handle(world, event)
    stands = world.cluster.now(event).status.delivery
    assert (stands.state, stands.attempts) == (State.DELIVERED, 2)
    assert world.cluster.writes == []


def test_the_record_of_a_later_delivery_is_never_overwritten(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, sequence=7)
    handle(world, event)
    assert world.cluster.now(event).status.delivery.sequence == 7


def test_where_our_words_stand_they_are_about_the_generation_that_we_saw(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, state=State.RETRYING)
    handle(world, event)
    (status,) = world.cluster.writes
    assert status["delivery"]["state"] == "Delivered"
    assert status["conditions"][0]["observedGeneration"] == 1


def test_where_their_words_stand_they_are_about_the_generation_that_they_saw(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.api.answers = [LOST]
    world.api.during = lambda: another_records(world, event)
    handle(world, event)
    (status,) = world.cluster.writes
    assert status["delivery"]["state"] == "Delivered"
    assert status["delivery"]["unknownOutcomes"] == 1
    assert status["conditions"][0]["observedGeneration"] == 3


# --- Another operator


def test_an_attempt_that_nobody_here_made_stops_all_sending(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, attempts=1)
    handle(world, event)
    assert "another operator sends the same events" in world.throttle.halted
    assert event.path in world.throttle.halted


def test_what_the_last_leader_still_records_is_no_other_operator(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, attempts=1)
    world.taken_over.add(event.uid)
    handle(world, event)
    assert world.throttle.halted == ""


def test_our_own_write_whose_answer_was_lost_is_no_other_operator(world: World) -> None:
    world.cluster.lost_answers = 1
    handle(world, world.cluster.apply())
    assert world.throttle.halted == ""


def test_a_record_that_a_backup_brings_back_is_no_other_operator(world: World) -> None:
    """Its id is that of an object with another uid."""
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, id="of-another-uid")
    handle(world, event)
    assert world.throttle.halted == ""


# --- A refusal behind which no other record stands


def test_a_conflict_that_changed_no_record_does_not_change_what_is_recorded(world: World) -> None:
    event = world.cluster.apply()
    world.api.answers = [NEVER_ARRIVED, Answer(400)]
    first = handle(world, event).fresh
    assert first is not None
    world.clock.advance(300)
    world.cluster.refusals = [Conflict("the object has been modified", 409)]
    second = handle(world, first)
    stands = world.cluster.now(event).status
    assert (stands.delivery.state, stands.delivery.attempts) == (State.FAILED, 2)
    assert stands.delivered.reason == "Refused"
    assert second.again is None


def test_what_is_refused_without_a_cause_is_not_tried_without_a_pause(world: World) -> None:
    """As by a webhook that answers 422."""
    event = world.cluster.apply()
    refused = Conflict("denied", 422)
    world.cluster.refusals = [refused] * 1000
    assert at_once(world.deliver(event)) is None
    world.aside.pop().close()
    assert len(world.cluster.refusals) > 980


def test_who_writes_the_record_again_and_again_is_met_with_pauses(world: World) -> None:
    event = world.cluster.now(world.cluster.apply())
    tries: list[float] = []

    def write_over(raw: Raw) -> None:
        raw["status"]["delivery"]["unknownOutcomes"] = len(tries)

    def during() -> None:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) < 6:
            world.cluster.change(event, write_over)

    world.cluster.during = during
    handle(world, event)
    assert len(tries) == 6
    assert tries[-1] - tries[0] > 5.0
    assert len(world.api.posts) == 1
