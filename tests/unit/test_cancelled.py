"""An event that is deleted or edited before it is told counts as cancelled, once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import ClusterError
from customevents.resource.event import CustomEvent
from customevents.resource.status import LastOutcome, OutcomeClass, State
from unit.builders import later, raw_spec, record, recorded, spec
from unit.in_memory import Raw, World
from unit.instant import at_once
from unit.lost_attempts import entry, settle_all
from unit.queued import LONG, edited, out, waiting, written

LOST = NoAnswer(Stage.SENT, "ServerDisconnectedError")


@pytest.fixture
def world() -> World:
    return World()


def delete(world: World, event: CustomEvent) -> None:
    del world.cluster.objects[event.namespace, event.name]


# --- Deletions


def held(**metadata: Any) -> CustomEvent:
    """An event that waits for a person, since its last attempt may have arrived."""
    last = LastOutcome(outcome_class=OutcomeClass.UNKNOWN)
    return recorded(record(state=State.HELD, last_outcome=last), **metadata)


def test_an_event_that_is_deleted_while_it_waits_is_cancelled(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.inbox.offer(waiting("a"))
    world.inbox.forget(waiting("a"))
    assert world.counters.cancellations == ["shop"]
    assert caplog.messages == ["shop/a was deleted before it was delivered"]


def test_so_is_one_that_waits_for_its_time_or_its_namespace(world: World) -> None:
    first = out(world.inbox, waiting("a"))
    world.inbox.done(first, first, later(LONG))
    world.inbox.block("locked")
    world.inbox.offer(waiting("b", "locked"))
    world.inbox.forget(first)
    world.inbox.forget(waiting("b", "locked"))
    assert world.counters.cancellations == ["shop", "locked"]


def test_so_is_one_that_waits_for_a_person(world: World) -> None:
    world.inbox.offer(held())
    world.inbox.forget(held())
    assert world.counters.cancellations == ["shop"]


def test_a_delivered_event_that_is_deleted_is_not(world: World) -> None:
    delivered = recorded(record(state=State.DELIVERED))
    world.inbox.offer(delivered)
    world.inbox.forget(delivered)
    assert world.counters.cancellations == []


def test_an_event_that_is_deleted_during_its_attempt_is_cancelled_if_that_fails(
    world: World,
) -> None:
    event = out(world.inbox, waiting("a"))
    world.inbox.forget(event)
    assert world.counters.cancellations == []
    world.inbox.done(event, written(event, version=105), later(10))
    assert world.counters.cancellations == ["shop"]


def test_and_not_if_that_succeeds(world: World) -> None:
    event = out(world.inbox, waiting("a"))
    world.inbox.forget(event)
    world.inbox.done(event, recorded(record(state=State.DELIVERED)), None)
    assert world.counters.cancellations == []


@pytest.mark.parametrize(
    ("answer", "cancelled"), [(LOST, ["shop"]), (Answer(201), []), (Answer(400), [])], ids=str
)
@pytest.mark.parametrize("told", ["before the write", "after the write"])
def test_where_the_write_of_the_result_meets_the_deletion_it_is_counted_once(
    world: World, answer: Answer | NoAnswer, cancelled: list[str], told: str
) -> None:
    event = out(world.inbox, world.cluster.apply())
    world.api.answers = [answer]

    def meanwhile() -> None:
        delete(world, event)
        if told == "before the write":
            world.inbox.forget(event)

    world.api.during = meanwhile
    handled = world.handle(event)
    if told == "after the write":
        world.inbox.forget(event)
    assert handled.fresh is None
    assert world.counters.cancellations == cancelled


def test_a_delivered_event_whose_object_was_gone_is_not_counted_as_the_watch_shows_that(
    world: World,
) -> None:
    event = out(world.inbox, replace(held(resend="again"), uid="a"))
    world.inbox.done(event, None, None)  # its result found no object
    world.inbox.forget(event)
    assert world.counters.cancellations == []


@pytest.mark.parametrize("is_out", [True, False])
def test_what_a_look_finds_gone_is_counted_once(world: World, is_out: bool) -> None:
    world.inbox.offer(held())
    event = recorded(record(), uid="a", resend="again")
    event = out(world.inbox, event)
    if not is_out:
        world.inbox.done(event, event, later(LONG))
    world.inbox.forget(event, read=True)
    if is_out:
        world.inbox.done(event, held(uid="a"), None)
    world.inbox.forget(held(uid="a"))
    assert world.counters.cancellations == ["shop"]


def test_what_is_settled_late_and_gone_is_counted_once(world: World) -> None:
    world.inbox.offer(waiting("a"))
    world.inbox.settled("a", None)  # who settled it has counted it
    world.inbox.forget(held(uid="a"))
    assert world.counters.cancellations == []
    world.inbox.offer(waiting("b"))
    going = replace(waiting("b"), resource_version=102, deleting=True)
    world.inbox.settled("b", going)
    world.inbox.forget(going)
    assert world.counters.cancellations == ["shop"]


def test_an_entry_of_the_journal_whose_object_is_gone_is_cancelled(world: World) -> None:
    event = world.cluster.apply()
    delete(world, event)
    at_once(settle_all(world, [entry(event)]))
    assert world.counters.cancellations == ["shop"]


def test_so_is_one_whose_object_is_gone_once_its_result_was_refused(world: World) -> None:
    event = world.cluster.apply()

    def gone_and_refused() -> None:
        delete(world, event)
        raise ClusterError("too large", 413)

    world.cluster.during = gone_and_refused

    async def story() -> None:
        world.inbox.offer(event)
        await settle_all(world, [entry(event)])
        world.inbox.offer(edited(event, version=105))  # the watch lags
        assert len(world.inbox) == 0
        world.inbox.forget(event)

    at_once(story())
    assert world.counters.cancellations == ["shop"]


# --- Edits


def test_an_edit_of_what_waits_cancels_what_it_said(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first = waiting("a")
    for shown in (first, edited(first, version=101), edited(first, version=101)):
        world.inbox.offer(shown)
    assert world.counters.cancellations == ["shop"]
    assert caplog.messages == ["shop/a was edited before it was delivered"]


@pytest.mark.parametrize(
    "change",
    [{"suspend": True}, {"severity": "Info"}, {"ttlSecondsAfterFinished": 60}],
    ids=str,
)
def test_an_edit_that_is_not_content_cancels_nothing(world: World, change: Raw) -> None:
    first = waiting("a")
    world.inbox.offer(first)
    world.inbox.offer(replace(edited(first, version=101), spec=raw_spec(**change)))
    assert world.counters.cancellations == []


def test_an_edit_of_what_was_delivered_or_refused_cancels_nothing(world: World) -> None:
    for state in (State.DELIVERED, State.FAILED, State.EXPIRED):
        told = recorded(record(state=state))
        world.inbox.offer(edited(told, version=101))
        world.inbox.forget(edited(told, version=102))  # which is the next one's to count
    assert world.counters.cancellations == ["shop"] * 3


def test_an_edit_of_what_waits_for_a_person_cancels_what_it_said(world: World) -> None:
    world.inbox.offer(held())
    world.inbox.offer(edited(held(), version=101))
    assert world.counters.cancellations == ["shop"]


def test_to_resend_it_cancels_nothing(world: World) -> None:
    world.inbox.offer(held())
    world.inbox.offer(held(resend="again", resourceVersion="101"))
    assert world.counters.cancellations == []


def attempted(world: World, event: CustomEvent, during: Callable[[], object]) -> None:
    """One attempt of an event from the inbox, while something happens to its object."""
    world.api.during = during
    world.handle(event)


def edit(raw: Raw) -> None:
    raw["spec"] = {**raw["spec"], "summary": f"edited after {raw['spec']['summary']}"}
    raw["metadata"]["generation"] += 1


@pytest.mark.parametrize(("answer", "cancelled"), [(LOST, 1), (Answer(201), 0)], ids=str)
@pytest.mark.parametrize("shown", [True, False])
def test_an_edit_during_an_attempt_cancels_what_that_did_not_deliver(
    world: World, answer: Answer | NoAnswer, cancelled: int, shown: bool
) -> None:
    event = out(world.inbox, world.cluster.apply())
    world.api.answers = [answer]

    def during() -> None:
        newer = world.cluster.change(event, edit)
        if shown:
            world.inbox.offer(newer)

    attempted(world, event, during)
    world.inbox.offer(world.cluster.now(event))
    assert len(world.counters.cancellations) == cancelled


def test_an_edit_while_it_waits_at_the_gate_cancels_what_it_said(world: World) -> None:
    event = out(world.inbox, waiting("a"))
    world.inbox.offer(edited(event, version=101))
    world.inbox.done(event, event, later(60), gated=True)
    assert world.counters.cancellations == ["shop"]


def test_of_two_edits_during_an_attempt_the_first_is_never_told(world: World) -> None:
    event = out(world.inbox, world.cluster.apply())

    def during() -> None:
        world.inbox.offer(world.cluster.change(event, edit))
        world.inbox.offer(world.cluster.change(event, edit))

    attempted(world, event, during)
    assert world.counters.cancellations == ["shop"]


def test_an_edit_that_no_leader_saw_is_counted_by_the_next(world: World) -> None:
    world.inbox.offer(recorded(record(attempts=2)))
    assert world.counters.cancellations == []
    said_before = record(spec(summary="what it said before"))
    world.inbox.offer(recorded(said_before, uid="other", generation=2))
    assert world.counters.cancellations == ["shop"]


def test_what_a_newer_operator_recorded_is_believed(world: World) -> None:
    world.inbox.offer(recorded(record(content_hash="v2:of-a-newer-operator"), generation=2))
    assert world.counters.cancellations == []
