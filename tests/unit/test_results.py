"""A result that cannot be written: whose trouble that is, and what goes on meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from customevents.delivery.results import LATE, MOST_ALONE
from customevents.eventsapi.answer import Answer
from customevents.resource.errors import ClusterError, StatusRefused
from customevents.resource.event import CustomEvent
from customevents.resource.status import State
from unit.at_work import apply, play, posted, state
from unit.in_memory import Raw, World

Refusals = dict[str, ClusterError]

SCHEMA = StatusRefused("status.delivery.attempts: too many", 422)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def refusals(world: World) -> Refusals:
    """By uid: what each write of an object's status is answered."""
    refused: Refusals = {}
    patch = world.cluster.patch_status

    async def patch_status(event: CustomEvent, status: Raw) -> Raw:
        if event.uid in refused:
            raise refused[event.uid]
        return await patch(event, status)

    world.cluster.patch_status = patch_status  # type: ignore[method-assign]
    return refused


@pytest.mark.parametrize(
    "refusal",
    [SCHEMA, ClusterError("request entity too large", 413), ClusterError("bad request", 400)],
    ids=["schema", "size", "form"],
)
def test_what_is_refused_for_what_it_is_waits_alone(
    world: World, refusals: Refusals, refusal: ClusterError, caplog: pytest.LogCaptureFixture
) -> None:
    refusals["odd"] = refusal
    odd = apply(world, "odd")

    async def story() -> None:
        await asyncio.sleep(1.0)
        next_one = apply(world, "next")
        await asyncio.sleep(1.0)
        assert state(world, next_one) is State.DELIVERED
        await asyncio.sleep(3600.0)
        assert list(world.journal._entries) == ["odd"]
        assert posted(world) == ["shop/odd", "shop/next"]
        refusals.clear()
        await asyncio.sleep(400.0)
        assert state(world, odd) is State.DELIVERED
        assert len(world.journal) == 0
        assert world.inbox.busy == 0

    play(world, story)
    assert len(world.api.posts) == 2
    assert [r.getMessage() for r in caplog.records if r.levelname in ("ERROR", "WARNING")] == [
        f"shop/odd: its result cannot be written, and is tried again aside: {refusal}"
    ]
    assert world.awaited == [False], "who stops would wait for it"


def test_a_refusal_that_the_events_api_gave_is_not_asked_for_again(
    world: World, refusals: Refusals
) -> None:
    """No intent is in the journal any more, and yet its result must be recorded first."""
    refusals["odd"] = SCHEMA
    world.api.answers = [Answer(400)]
    odd = apply(world, "odd")

    async def story() -> None:
        await asyncio.sleep(3600.0)
        refusals.clear()
        await asyncio.sleep(400.0)

    play(world, story)
    assert len(world.api.posts) == 1
    assert state(world, odd) is State.FAILED


def test_an_object_that_waits_alone_and_is_deleted_leaves_the_journal(
    world: World, refusals: Refusals
) -> None:
    refusals["odd"] = SCHEMA
    apply(world, "odd")

    async def story() -> None:
        await asyncio.sleep(1.0)
        assert len(world.journal) == 1
        world.cluster.objects.clear()
        refusals.clear()
        await asyncio.sleep(400.0)

    play(world, story)
    assert len(world.journal) == 0
    assert world.inbox.busy == 0


def test_where_many_objects_wait_alone_their_namespace_waits(
    world: World, refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    """Else a policy that refuses them all would fill the journal, which is everybody's."""
    names = [f"odd-{number}" for number in range(20)]
    refusals.update(dict.fromkeys(names, SCHEMA))
    events = [apply(world, name, "locked") for name in names]

    async def story() -> None:
        await asyncio.sleep(60.0)
        sent = len(world.api.posts)
        assert MOST_ALONE < sent < 8
        free = apply(world, "free")
        await asyncio.sleep(1.0)
        assert state(world, free) is State.DELIVERED
        refusals.clear()
        await asyncio.sleep(600.0)
        assert {state(world, event) for event in events} == {State.DELIVERED}

    play(world, story)
    assert len(world.api.posts) == 21
    said = [r.getMessage() for r in caplog.records if r.getMessage().startswith("locked: ")]
    assert len(said) == 1, "once for the trouble, and not for each of them"


def test_what_was_late_and_is_refused_for_what_it_is_frees_its_namespace(
    world: World, refusals: Refusals
) -> None:
    refusals["odd"] = ClusterError("the Kubernetes API did not answer: TimeoutError")
    apply(world, "odd")

    async def story() -> None:
        await asyncio.sleep(LATE + 1)
        next_one = apply(world, "next")
        await asyncio.sleep(30.0)
        assert posted(world) == ["shop/odd"]
        refusals["odd"] = SCHEMA
        await asyncio.sleep(30.0)
        assert state(world, next_one) is State.DELIVERED
        assert list(world.journal._entries) == ["odd"]

    play(world, story)


def test_one_that_is_written_late_does_not_free_a_namespace_of_many_that_cannot_be(
    world: World, refusals: Refusals
) -> None:
    names = [*(f"odd-{number}" for number in range(MOST_ALONE + 1)), "slow"]
    refusals.update(dict.fromkeys(names, ClusterError("denied by a policy", 403)))
    events = [apply(world, name) for name in names]

    async def story() -> None:
        await asyncio.sleep(LATE + 2)
        assert len(posted(world)) == len(names)
        del refusals["slow"]
        await asyncio.sleep(60.0)
        assert state(world, events[-1]) is State.DELIVERED
        next_one = apply(world, "next")
        await asyncio.sleep(60.0)
        assert len(posted(world)) == len(names), "its result could not be written either"
        refusals.clear()
        await asyncio.sleep(600.0)
        assert state(world, next_one) is State.DELIVERED

    play(world, story, couriers=len(names))


def test_a_status_that_turned_unreadable_under_way_is_its_objects_trouble(world: World) -> None:
    odd = apply(world, "odd")
    good = {"state": "Retrying", "attempts": 1}

    def plant() -> None:
        world.cluster.objects["shop", "odd"]["status"] = {"delivery": {"state": "NotKnownYet"}}

    world.api.during = plant

    async def story() -> None:
        await asyncio.sleep(1.0)
        world.api.during = lambda: None
        next_one = apply(world, "next")
        await asyncio.sleep(60.0)
        assert state(world, next_one) is State.DELIVERED
        assert list(world.journal._entries) == ["odd"]
        world.cluster.objects["shop", "odd"]["status"] = {"delivery": good}
        await asyncio.sleep(400.0)
        assert state(world, odd) is State.DELIVERED

    play(world, story)
    assert posted(world) == ["shop/odd", "shop/next"]
