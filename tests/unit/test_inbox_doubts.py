"""While nobody sees what happens, what is known may be gone; and a watch may keep things back."""

from __future__ import annotations

import pytest

from customevents.delivery.echoes import PATIENCE
from customevents.delivery.inbox import LOOK_HOLDS, Inbox
from customevents.resource.event import CustomEvent
from unit.builders import Clock, later
from unit.counted import Counted
from unit.queued import LONG, finished, offer_all, out, soon, waiting, written


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(clock: Clock) -> Inbox:
    made = Inbox(clock, clock.uptime, Counted())
    made.sees("")
    return made


def recorded(inbox: Inbox, name: str, *, version: int) -> CustomEvent:
    """An event whose result our own write has just put on it, at this version."""
    event = out(inbox, waiting(name))
    fresh = finished(name, version=version)
    inbox.done(event, fresh, None)
    return fresh


# --- Doubt


def test_what_waits_is_in_doubt_when_the_watch_is_lost_and_until_it_is_listed(
    inbox: Inbox,
) -> None:
    offer_all(inbox, [waiting("a"), waiting("b")])
    inbox.lost_sight("")
    assert inbox.in_doubt() == [], "while nothing is seen there is no use in looking"
    inbox.confirm("a")
    inbox.sees("")
    assert [event.uid for event in inbox.in_doubt()] == ["b"]


def test_only_the_namespace_that_is_not_seen_is_in_doubt(inbox: Inbox) -> None:
    inbox.lost_sight("shop")
    here, there = out(inbox, waiting("a")), out(inbox, waiting("b", "other"))
    assert inbox.is_doubtful(here)
    assert not inbox.is_doubtful(there)


def test_what_is_out_is_in_doubt_too(inbox: Inbox) -> None:
    event = out(inbox, waiting("a"))
    assert not inbox.is_doubtful(event)
    inbox.lost_sight("")
    inbox.sees("")
    assert inbox.is_doubtful(event)
    inbox.confirm("a")
    assert not inbox.is_doubtful(event)


def test_a_look_is_enough_for_some_seconds_while_nothing_is_seen(
    inbox: Inbox, clock: Clock
) -> None:
    inbox.lost_sight("")
    event = out(inbox, waiting("a"))
    assert inbox.is_doubtful(event)
    inbox.confirm("a")
    assert not inbox.is_doubtful(event)
    clock.advance(LOOK_HOLDS + 1)
    assert inbox.is_doubtful(event)


def test_what_is_gone_or_done_is_no_doubt_any_more(inbox: Inbox) -> None:
    gone, done = waiting("a"), waiting("b")
    out_now = out(inbox, done)
    inbox.offer(gone)
    inbox.lost_sight("")
    inbox.sees("")
    inbox.forget(gone)
    inbox.done(out_now, finished("b", version=105), None)
    assert inbox.in_doubt() == []
    assert inbox._doubtful == set()


def test_what_goes_back_to_wait_unseen_stays_in_doubt(inbox: Inbox) -> None:
    """It may have been deleted while it was out, and no list tells of that."""
    event = out(inbox, waiting("a"))
    inbox.lost_sight("")
    inbox.done(event, event, later(LONG))
    inbox.sees("")
    assert inbox.in_doubt() == [event]


def test_what_is_not_in_the_first_list_may_have_been_deleted_before_it(inbox: Inbox) -> None:
    """The open work is taken in before that, and much of it may wait for long."""
    offer_all(inbox, [waiting("gone"), waiting("there"), waiting("elsewhere", "other")])
    inbox.lists("shop")
    assert inbox.in_doubt() == [], "it is still under way"
    inbox.confirm("there")
    inbox.offer(waiting("new"))
    inbox.sees("shop")
    assert [event.uid for event in inbox.in_doubt()] == ["gone"]


@pytest.mark.parametrize("then", ["lost_sight", "lists"])
def test_a_look_that_was_asked_for_before_a_doubt_does_not_end_it(inbox: Inbox, then: str) -> None:
    """It may have been deleted since, while its answer was on its way."""
    inbox.offer(waiting("a"))
    asked = inbox.doubts
    getattr(inbox, then)("")
    inbox.confirm("a", asked)
    inbox.sees("")
    assert [event.uid for event in inbox.in_doubt()] == ["a"]
    inbox.confirm("a", inbox.doubts)
    assert inbox.in_doubt() == []


def test_what_is_done_before_it_is_doubted_is_not_kept_in_mind(inbox: Inbox) -> None:
    inbox.doubt({"done or gone"})
    assert inbox._doubtful == set()


# --- Echoes


def test_a_write_that_the_watch_does_not_show_is_missed_once(inbox: Inbox, clock: Clock) -> None:
    recorded(inbox, "a", version=105)
    clock.advance(PATIENCE - 1)
    assert inbox.echoes.pop_missing() == set()
    clock.advance(2)
    assert inbox.echoes.pop_missing() == {"shop"}
    assert inbox.echoes.pop_missing() == set()


def test_a_write_that_the_watch_shows_is_not_missed(inbox: Inbox, clock: Clock) -> None:
    inbox.offer(recorded(inbox, "a", version=105))
    clock.advance(LONG)
    assert inbox.echoes.pop_missing() == set()


def test_a_write_that_the_watch_showed_before_its_answer_came_is_not_missed(
    inbox: Inbox, clock: Clock
) -> None:
    event = out(inbox, waiting("a"))
    fresh = written(event, version=105)
    inbox.offer(fresh)
    inbox.done(event, fresh, later(LONG))
    clock.advance(LONG)
    assert inbox.echoes.pop_missing() == set()


def test_a_first_list_may_take_longer_than_an_echo(clock: Clock) -> None:
    inbox = Inbox(clock, clock.uptime, Counted())
    recorded(inbox, "a", version=105)
    clock.advance(LONG)
    assert inbox.echoes.pop_missing() == set()
    inbox.sees("shop")
    recorded(inbox, "b", version=106)
    clock.advance(PATIENCE - 1)
    assert inbox.echoes.pop_missing() == set()
    clock.advance(2)
    assert inbox.echoes.pop_missing() == {"shop"}


def test_of_two_writes_the_newer_one_counts(inbox: Inbox, clock: Clock) -> None:
    recorded(inbox, "a", version=105)
    clock.advance(PATIENCE - 1)
    recorded(inbox, "b", version=106)
    again = out(inbox, waiting("a", version=110))
    inbox.done(again, written(again, version=111), None)
    clock.advance(2)
    assert inbox.echoes.pop_missing() == set()


# --- Clocks


@pytest.mark.asyncio
@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_makes_nobody_wait_longer_or_less(hours: int) -> None:
    wall, steady = Clock(), Clock()
    inbox = Inbox(wall, steady.uptime, Counted())
    inbox.offer(waiting("a"))
    event = await soon(inbox)
    assert event
    inbox.done(event, event, later(30))
    wall.advance(hours * 3600)
    steady.advance(29)
    assert await soon(inbox) is None
    steady.advance(2)
    assert await soon(inbox) == event


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_makes_nobody_look_stuck(hours: int) -> None:
    wall, steady = Clock(), Clock()
    inbox = Inbox(wall, steady.uptime, Counted())
    out(inbox, waiting("a"))
    wall.advance(hours * 3600)
    steady.advance(3)
    assert inbox.longest_busy() == 3
