"""The queue is fair, gives out each event once at a time, and brings it back in time."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.delivery.inbox import Inbox
from customevents.resource.status import Reason, State
from unit.builders import Clock, event, later, record, recorded
from unit.counted import Counted
from unit.instant import at_once
from unit.queued import (
    LONG,
    after_our_own_write,
    drained,
    edited,
    offer_all,
    soon,
    waiting,
    written,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(clock: Clock) -> Inbox:
    return Inbox(clock, clock.uptime, Counted())


# --- Fairness


@pytest.mark.asyncio
async def test_within_a_namespace_first_in_is_first_out(inbox: Inbox) -> None:
    offer_all(inbox, [waiting("c"), waiting("a"), waiting("b")])
    assert await drained(inbox) == ["c", "a", "b"]


@pytest.mark.asyncio
async def test_between_namespaces_it_goes_round(inbox: Inbox) -> None:
    offer_all(inbox, [waiting(f"x{n}", "x") for n in range(4)])
    offer_all(inbox, [waiting("y0", "y"), waiting("z0", "z"), waiting("y1", "y")])
    assert await drained(inbox) == ["x0", "y0", "z0", "x1", "y1", "x2", "x3"]


@pytest.mark.asyncio
async def test_an_event_wakes_one_of_those_who_wait_and_not_all(clock: Clock) -> None:
    looked = 0

    def uptime() -> float:
        nonlocal looked
        looked += 1
        return clock.uptime()

    inbox = Inbox(clock, uptime, Counted())
    couriers = [asyncio.create_task(inbox.take()) for _ in range(64)]
    await asyncio.sleep(0)
    looked = 0
    inbox.offer(waiting("a"))
    done, others = await asyncio.wait(couriers, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0)
    assert (len(done), looked < 10) == (1, True)
    inbox.close()
    assert [await other for other in others] == [None] * 63


@pytest.mark.asyncio
async def test_one_event_behind_another_namespaces_thousands_is_second(inbox: Inbox) -> None:
    offer_all(inbox, [waiting(f"x{n}", "x") for n in range(3000)])
    inbox.offer(waiting("y", "y"))
    first, second = await soon(inbox), await soon(inbox)
    assert first is not None
    assert second is not None
    assert (first.name, second.name) == ("x0", "y")


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 5)), max_size=20))
def test_each_event_is_given_out_once_and_each_namespace_gets_its_turn(
    offered: list[tuple[str, int]],
) -> None:
    async def names() -> list[str]:
        clock = Clock()
        inbox = Inbox(clock, clock.uptime, Counted())
        offer_all(inbox, [waiting(f"{space}{n}", space) for space, n in offered])
        return await drained(inbox)

    given_out = asyncio.run(names())
    assert sorted(given_out) == sorted({f"{space}{n}" for space, n in offered})
    for space in "xyz":
        # Until its last event, a namespace waits for at most one of each other's.
        turns = [index for index, name in enumerate(given_out) if name[0] == space]
        assert all(after - before <= 3 for before, after in itertools.pairwise(turns))


# --- Time


@pytest.mark.asyncio
async def test_a_postponed_event_is_given_out_when_it_is_due(inbox: Inbox, clock: Clock) -> None:
    fresh = await after_our_own_write(inbox)
    clock.advance(LONG - 0.001)
    assert await soon(inbox) is None
    clock.advance(0.001)
    assert await soon(inbox) == fresh
    assert await soon(inbox) is None


@pytest.mark.asyncio
async def test_a_waiter_wakes_by_itself_when_an_event_is_due(inbox: Inbox, clock: Clock) -> None:
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    taking = asyncio.ensure_future(inbox.take())
    await asyncio.sleep(0)
    inbox.done(first, first, later(0.02))
    clock.advance(0.02)
    assert await asyncio.wait_for(taking, timeout=5) == first


def test_when_the_machine_was_suspended_it_is_noticed_within_a_minute(
    inbox: Inbox, clock: Clock
) -> None:
    """Sleeping does not count the time of a suspended machine; due times do."""

    async def story() -> None:
        first = waiting("a")
        inbox.offer(first)
        await soon(inbox)
        inbox.done(first, first, later(LONG))
        taking = asyncio.ensure_future(inbox.take())
        await asyncio.sleep(1.0)
        clock.advance(LONG)
        assert await asyncio.wait_for(taking, timeout=60) == first

    at_once(story())


@pytest.mark.asyncio
async def test_what_is_due_first_is_given_out_first(inbox: Inbox, clock: Clock) -> None:
    for name, seconds in [("late", 30.0), ("early", 10.0), ("middle", 20.0)]:
        inbox.offer(waiting(name))
        await soon(inbox)
        inbox.done(waiting(name), waiting(name), later(seconds))
    clock.advance(60)
    assert await drained(inbox) == ["early", "middle", "late"]


@pytest.mark.asyncio
async def test_a_time_that_was_set_before_does_not_bring_an_event_back_early(
    inbox: Inbox, clock: Clock
) -> None:
    fresh = await after_our_own_write(inbox)
    newer = edited(fresh, version=106)
    inbox.offer(newer)
    await soon(inbox)
    inbox.done(newer, newer, later(2 * LONG))
    clock.advance(LONG)
    assert await soon(inbox) is None
    clock.advance(LONG)
    assert await soon(inbox) == newer


@pytest.mark.asyncio
async def test_a_time_that_was_set_before_an_edit_is_void(inbox: Inbox, clock: Clock) -> None:
    fresh = await after_our_own_write(inbox)
    newer = edited(fresh, version=106)
    inbox.offer(newer)
    await soon(inbox)
    inbox.done(newer, newer, None)
    clock.advance(LONG)
    assert await soon(inbox) is None


# --- The gate opens


@pytest.mark.asyncio
async def test_an_opening_gate_gives_out_what_waited_for_it_alone(inbox: Inbox) -> None:
    for name, gated in (("a", True), ("b", False)):
        inbox.offer(waiting(name))
        taken = await soon(inbox)
        assert taken is not None
        inbox.done(taken, taken, later(LONG), gated=gated)
    inbox.open_gate()
    assert await drained(inbox) == ["a"]


@pytest.mark.asyncio
async def test_what_was_out_when_the_gate_opened_does_not_wait_for_the_next_opening(
    inbox: Inbox,
) -> None:
    inbox.offer(waiting("a"))
    taken = await soon(inbox)
    assert taken is not None
    inbox.open_gate()  # while its status is written that says why it waits
    inbox.done(taken, taken, later(LONG), gated=True)
    assert await drained(inbox) == ["a"]
    inbox.done(taken, taken, later(LONG), gated=True)
    assert await drained(inbox) == []


@pytest.mark.asyncio
async def test_what_waits_with_a_reason_is_ready_when_that_is_over_and_nothing_else(
    inbox: Inbox,
) -> None:
    held = record(state=State.HELD, attempts=0)
    for name, reason in (("a", "NoServicesMatch"), ("b", "ClusterNameUnknown")):
        inbox.offer(recorded(held, reason=reason, uid=name, name=name))
        taken = await soon(inbox)
        assert taken is not None
        inbox.done(taken, taken, later(LONG))
    inbox.release(Reason.CLUSTER_NAME_UNKNOWN)
    assert await drained(inbox) == ["b"]
    assert len(inbox) == 1


@pytest.mark.parametrize(
    ("reason", "ready"), [("ClusterNameUnknown", ["a"]), ("NoServicesMatch", [])]
)
@pytest.mark.asyncio
async def test_what_was_out_when_its_reason_was_over_does_not_wait_either(
    inbox: Inbox, reason: str, ready: list[str]
) -> None:
    inbox.offer(waiting("a"))
    taken = await soon(inbox)
    assert taken is not None
    inbox.release(Reason.CLUSTER_NAME_UNKNOWN)  # while its status is written
    held = record(state=State.HELD, attempts=0)
    told = recorded(held, reason=reason, uid="a", name="a", resourceVersion="101")
    inbox.done(taken, told, later(LONG))
    assert await drained(inbox) == ready


# --- Deletion


@pytest.mark.asyncio
async def test_a_deleted_event_is_forgotten_wherever_it_waits(inbox: Inbox, clock: Clock) -> None:
    fresh = await after_our_own_write(inbox)
    ready = waiting("b")
    inbox.offer(ready)
    inbox.forget(fresh)
    inbox.forget(ready)
    clock.advance(2 * LONG)
    assert len(inbox) == 0
    assert await soon(inbox) is None
    assert not inbox.knows(fresh.uid)
    assert not inbox.knows(ready.uid)


@pytest.mark.asyncio
@pytest.mark.parametrize("again", [None, later(10)], ids=["finished", "to be tried again"])
async def test_an_event_deleted_during_its_attempt_does_not_come_back(
    inbox: Inbox, clock: Clock, again: datetime | None
) -> None:
    """Also when our write was the last to reach the object, and its answer the last to come."""
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    inbox.forget(written(first, version=106))
    inbox.done(first, edited(first, version=105), again)
    clock.advance(LONG)
    assert await soon(inbox) is None
    assert inbox.busy == 0


@pytest.mark.asyncio
async def test_an_event_whose_object_is_gone_does_not_come_back(inbox: Inbox) -> None:
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    inbox.offer(edited(first, version=101))
    inbox.done(first, None, None)
    assert await soon(inbox) is None
    assert inbox.busy == 0


@pytest.mark.asyncio
async def test_a_new_object_of_the_same_name_is_its_own_event(inbox: Inbox) -> None:
    """DELETED may arrive after the ADDED of the next one, and removes only its own uid."""
    old = event(uid="old", name="a")
    new = event(uid="new", name="a", resourceVersion="110")
    offer_all(inbox, [old, new])
    inbox.forget(old)
    assert await soon(inbox) == new
    assert await soon(inbox) is None


# --- The end


@pytest.mark.asyncio
async def test_closing_wakes_all_that_wait(inbox: Inbox) -> None:
    takers = [asyncio.ensure_future(inbox.take()) for _ in range(3)]
    await asyncio.sleep(0)
    inbox.close()
    assert await asyncio.wait_for(asyncio.gather(*takers), timeout=5) == [None] * 3


@pytest.mark.asyncio
async def test_nothing_is_given_out_after_closing(inbox: Inbox) -> None:
    inbox.offer(waiting("a"))
    inbox.close()
    assert await inbox.take() is None


@pytest.mark.asyncio
async def test_of_many_that_wait_each_gets_an_event(inbox: Inbox) -> None:
    takers = [asyncio.ensure_future(inbox.take()) for _ in range(3)]
    await asyncio.sleep(0)
    offer_all(inbox, [waiting("a"), waiting("b"), waiting("c")])
    taken = await asyncio.wait_for(asyncio.gather(*takers), timeout=5)
    assert sorted(one.name for one in taken if one) == ["a", "b", "c"]


def test_an_event_that_is_touched_again_and_again_while_it_waits_leaves_nothing_behind(
    inbox: Inbox, clock: Clock
) -> None:
    """As where two controllers fight over a label."""
    event = waiting("a")
    for version in range(101, 1101):
        clock.advance(0.001)
        event = written(event, version=version)
        inbox.offer(event)
        assert at_once(inbox.take()) == event
        inbox.done(event, event, later(LONG))
    assert len(inbox._postponed._timers) < 100
    clock.advance(LONG)
    assert at_once(inbox.take()) == event
    assert at_once(soon(inbox)) is None
