"""An object that was deleted, and that somebody's finalizer keeps for a while."""

from __future__ import annotations

from typing import Any

import pytest

from customevents.delivery.inbox import Inbox
from customevents.resource.event import CustomEvent
from customevents.resource.status import State
from unit.builders import Clock, event, record, recorded
from unit.counted import Counted
from unit.in_memory import Handled, Raw, World
from unit.instant import at_once

DELETED: dict[str, Any] = {"deletionTimestamp": "2026-05-01T12:00:00Z", "generation": 2}


def delete(raw: Raw) -> None:
    raw["metadata"].update(DELETED)


@pytest.mark.parametrize("suspended", [False, True])
def test_nothing_is_sent_shown_or_stamped(suspended: bool) -> None:
    world = World()
    spec: dict[str, Any] = {"eventType": "release", "summary": "x", "suspend": suspended}
    deleted = world.cluster.apply(spec=spec, **DELETED)
    assert world.handle(deleted) == Handled(deleted)
    assert world.api.posts == []
    assert world.cluster.writes == []
    assert len(world.counters.cancellations) == 1


def test_the_result_of_an_attempt_already_made_is_recorded() -> None:
    world = World()
    fresh = world.cluster.apply()
    world.api.during = lambda: world.cluster.change(fresh, delete)
    handled = world.handle(fresh)
    assert handled.fresh is not None
    assert handled.fresh.deleting
    assert handled.fresh.status.delivery.state is State.DELIVERED
    assert len(world.journal) == 0


def test_also_where_its_status_was_written_by_somebody_else_meanwhile() -> None:
    world = World()
    fresh = world.cluster.apply()

    def meddle(raw: Raw) -> None:
        delete(raw)
        raw["status"] = {"delivery": {"state": "Pending", "nextAttemptTime": "soon"}}

    world.api.during = lambda: world.cluster.change(fresh, meddle)
    handled = world.handle(fresh)
    assert handled.fresh is not None
    assert handled.fresh.status.delivery.state is State.DELIVERED


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def inbox(counted: Counted) -> Inbox:
    clock = Clock()
    return Inbox(clock, clock.uptime, counted)


def test_an_event_that_waits_is_cancelled_once_however_often_it_is_shown(
    inbox: Inbox, counted: Counted
) -> None:
    inbox.offer(event())
    for version in ("101", "102", "103"):
        inbox.forget(event(resourceVersion=version, **DELETED))
    assert len(counted.cancellations) == 1
    assert len(inbox) == 0


def test_one_that_is_held_for_a_person_is_not_counted_each_time_it_is_shown(
    inbox: Inbox, counted: Counted
) -> None:
    held = recorded(record(state=State.HELD), reason="RestoredFromBackup", **DELETED)
    for _ in range(3):
        inbox.forget(held)
    assert counted.cancellations == []


def test_one_that_was_delivered_while_it_was_deleted_is_not_cancelled(
    inbox: Inbox, counted: Counted
) -> None:
    waiting = event()
    inbox.offer(waiting)
    taken = at_once(inbox.take())
    assert taken is not None
    inbox.forget(event(resourceVersion="101", **DELETED))
    delivered = recorded(record(state=State.DELIVERED), resourceVersion="102", **DELETED)
    inbox.done(taken, delivered, None)
    assert counted.cancellations == []


def test_what_a_list_shows_of_it_is_no_work(inbox: Inbox) -> None:
    deleting: CustomEvent = event(**DELETED)
    inbox.offer(deleting)
    assert len(inbox) == 0
    assert deleting.needs_nothing
