"""A commit may take long: the Lease was deleted, or the API server is away. The world goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from customevents.resource.event import CustomEvent
from customevents.resource.lease import Intent
from customevents.resource.status import State
from unit.builders import raw_spec
from unit.in_memory import Raw, World
from unit.instant import at_once


@pytest.fixture
def world() -> World:
    return World()


def deliver(world: World, meanwhile: Callable[[CustomEvent], object]) -> CustomEvent:
    """Deliver an event, during whose first commit something happens."""
    event = world.cluster.apply(spec=raw_spec(deliveryDeadlineSeconds=60))
    commit, happenings = world.journal.commit, [meanwhile]

    async def slowly(intent: Intent) -> float:
        if happenings:
            happenings.pop()(event)
        return await commit(intent)

    async def story() -> None:
        world.inbox.offer(event)
        courier = world.courier()
        world.journal.commit = slowly  # type: ignore[method-assign]
        while world.inbox.places()["ready"] or world.inbox.places()["postponed"]:
            out = await world.inbox.take()
            assert out is not None
            ending = await courier.walk(out)
            is_later = ending.again is not None and ending.again > world.clock()
            await courier.results.record(out, replace(ending, again=None) if is_later else ending)

    at_once(story())
    assert len(world.journal) == 0
    return event


def change(world: World, **fields: object) -> Callable[[CustomEvent], object]:
    """Let somebody change the spec, and the watch show that."""

    def edit(raw: Raw) -> None:
        raw["spec"] |= fields
        raw["metadata"]["generation"] = 2

    return lambda event: world.inbox.offer(world.cluster.change(event, edit))


def test_an_event_that_is_edited_during_its_commit_is_sent_as_it_is_then(world: World) -> None:
    deliver(world, change(world, summary="other"))
    assert [body["summary"] for body, _ in world.api.posts] == ["other"]


def test_an_event_that_is_suspended_during_its_commit_is_not_sent(world: World) -> None:
    event = deliver(world, change(world, suspend=True))
    assert world.api.posts == []
    assert world.cluster.now(event).status.delivery.state is State.SUSPENDED


def test_an_event_that_is_deleted_during_its_commit_is_not_sent(world: World) -> None:
    def delete(event: CustomEvent) -> None:
        world.cluster.objects.clear()
        world.inbox.forget(event)

    deliver(world, delete)
    assert world.api.posts == []


def test_an_event_whose_deadline_passes_during_its_commit_is_not_sent(world: World) -> None:
    event = deliver(world, lambda _: world.clock.advance(61))
    assert world.api.posts == []
    assert world.cluster.now(event).status.delivery.state is State.EXPIRED


def test_who_is_asked_to_stop_during_a_commit_sends_nothing_on_it(world: World) -> None:
    deliver(world, lambda _: world.throttle.close())
    assert world.api.posts == []
    assert world.cluster.writes == []


def gone_unseen(world: World) -> Callable[[CustomEvent], object]:
    """Let somebody delete it while the watch is away."""

    def delete(event: CustomEvent) -> None:
        world.inbox.lost_sight("")
        del world.cluster.objects[event.namespace, event.name]

    return delete


def test_an_event_that_is_deleted_while_the_watch_is_away_is_not_sent(world: World) -> None:
    deliver(world, gone_unseen(world))
    assert world.api.posts == []


def test_an_event_that_is_edited_while_the_watch_is_away_is_sent_as_it_is_then(
    world: World,
) -> None:
    def unseen(event: CustomEvent) -> None:
        world.inbox.lost_sight("")

        def edit(raw: Raw) -> None:
            raw["spec"] |= {"summary": "other"}
            raw["metadata"]["generation"] = 2

        world.cluster.change(event, edit)

    deliver(world, unseen)
    assert [body["summary"] for body, _ in world.api.posts] == ["other"]


def test_an_event_whose_deletion_begins_while_the_watch_is_away_is_not_sent(world: World) -> None:
    def unseen(event: CustomEvent) -> None:
        world.inbox.lost_sight("")

        def delete(raw: Raw) -> None:
            raw["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"

        world.cluster.change(event, delete)

    deliver(world, unseen)
    assert world.api.posts == []
