"""Nothing is sent without an intent that stands, and it stands until the result does."""

from __future__ import annotations

import pytest

from customevents.eventsapi.client import Answer, NoAnswer, Stage
from customevents.resource.event import CustomEvent
from unit.in_memory import Handled, Raw, World
from unit.instant import at_once

NEVER_ARRIVED = NoAnswer(Stage.CONNECT, "ClientConnectorError")
LOST = NoAnswer(Stage.SENT, "ServerDisconnectedError")


@pytest.fixture
def world() -> World:
    return World()


def handle(world: World, event: CustomEvent) -> Handled:
    return world.handle(event)


def test_the_intent_is_committed_before_the_post_and_dropped_after_the_record(
    world: World,
) -> None:
    seen: list[tuple[int, int]] = []
    world.api.during = lambda: seen.append((len(world.journal), len(world.cluster.writes)))
    handle(world, world.cluster.apply())
    assert seen == [(1, 0)]
    assert len(world.journal) == 0


@pytest.mark.parametrize(
    ("answer", "entries"),
    [
        (Answer(201), 1),
        (LOST, 1),
        (NEVER_ARRIVED, 0),
        (Answer(429), 0),
        (Answer(400), 0),
        (Answer(401), 0),
    ],
    ids=["success", "unknown", "never arrived", "refused for now", "refused", "endpoint-level"],
)
def test_only_what_may_have_been_applied_stays_in_the_journal_until_it_is_recorded(
    world: World, answer: Answer | NoAnswer, entries: int
) -> None:
    seen: list[int] = []
    world.api.answers = [answer]
    world.cluster.during = lambda: seen.append(len(world.journal))
    handle(world, world.cluster.apply())
    assert seen == [entries]


def test_on_a_commit_that_grew_old_nothing_is_sent_and_another_is_made(world: World) -> None:
    world.journal.memory.stale = 2
    handle(world, world.cluster.apply())
    assert len(world.journal.committed_intents) == 3
    assert len(world.api.posts) == 1


def test_an_event_that_was_edited_before_its_commit_is_not_sent_as_it_was(world: World) -> None:
    def edit(raw: Raw) -> None:
        raw["spec"]["summary"] = "other"
        raw["metadata"]["generation"] = 2

    event = world.cluster.apply()
    world.inbox.offer(event)
    at_once(world.inbox.take())
    world.inbox.offer(world.cluster.change(event, edit))
    handle(world, event)
    assert world.api.posts == []
    assert world.journal.committed_intents == []
    newer = at_once(world.inbox.take())
    assert newer is not None
    handle(world, newer)
    assert [body["summary"] for body, _ in world.api.posts] == ["other"]
