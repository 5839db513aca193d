"""Where events wait, and for how long the oldest of them has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from customevents.delivery.inbox import Inbox
from customevents.resource.status import State
from unit.builders import Clock, later, record, recorded
from unit.counted import Counted
from unit.queued import LONG, edited, out, soon, waiting


@pytest.fixture
def inbox() -> Inbox:
    clock = Clock()
    return Inbox(clock, clock.uptime, Counted())


def test_each_event_is_in_one_place(inbox: Inbox) -> None:
    first = out(inbox, waiting("a"))
    inbox.done(first, first, later(LONG))
    out(inbox, waiting("b"))
    inbox.block("locked")
    for event in (waiting("c"), waiting("d"), waiting("e", "locked")):
        inbox.offer(event)
    assert inbox.places() == {"ready": 2, "postponed": 1, "blocked": 1, "busy": 1}


@pytest.mark.parametrize("place", ["ready", "postponed", "blocked"])
@pytest.mark.asyncio
async def test_an_event_that_is_set_aside_waits_nowhere_else(inbox: Inbox, place: str) -> None:
    event = waiting("a")
    if place == "postponed":
        inbox.offer(event)
        await soon(inbox)
        inbox.done(event, event, later(LONG))
    else:
        if place == "blocked":
            inbox.block("shop")
        inbox.offer(edited(event, version=101))
    inbox.set_aside(event)
    assert inbox.places() == {"ready": 0, "postponed": 0, "blocked": 0, "busy": 1}
    inbox.unblock("shop")
    assert await soon(inbox) is None
    inbox.done(event, event, later(LONG))
    assert await soon(inbox) == (None if place == "postponed" else edited(event, version=101))


@pytest.mark.parametrize("place", ["ready", "postponed", "blocked", "busy"])
def test_the_oldest_event_counts_wherever_it_is(inbox: Inbox, place: str) -> None:
    oldest = replace(waiting("a", "old"), changed=later(-900))
    if place == "blocked":
        inbox.block("old")
        inbox.offer(oldest)
    elif place == "ready":
        inbox.offer(oldest)
    else:
        taken = out(inbox, oldest)
        if place == "postponed":
            inbox.done(taken, taken, later(LONG))
    inbox.offer(replace(waiting("b"), changed=later(-10)))
    assert inbox.places()[place] >= 1
    assert inbox.oldest_age() == 900.0


def test_a_suspended_event_is_meant_to_wait(inbox: Inbox) -> None:
    suspended = recorded(record(state=State.SUSPENDED, attempts=0))
    inbox.offer(replace(suspended, changed=later(-900)))
    assert inbox.places()["ready"] == 1
    assert inbox.oldest_age() == 0.0


def test_an_empty_inbox_has_no_age(inbox: Inbox) -> None:
    assert inbox.oldest_age() == 0.0
