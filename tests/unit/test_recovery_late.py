"""A namespace whose statuses cannot be written is settled aside, and holds up no other."""

from __future__ import annotations

import asyncio

import pytest

from customevents.resource.errors import ClusterError
from customevents.resource.event import CustomEvent, read_event
from unit.in_memory import Raw, World
from unit.instant import at_once
from unit.lost_attempts import entry, settle_all, stands
from unit.queued import soon


@pytest.fixture
def world() -> World:
    return World()


class RefusedNamespace:
    """A policy in one namespace refuses every status, until it is lifted."""

    def __init__(self, world: World, namespace: str) -> None:
        self.lifted = False
        patch = world.cluster.patch_status

        async def patch_status(event: CustomEvent, status: Raw) -> Raw:
            if event.namespace == namespace and not self.lifted:
                raise ClusterError("denied by a policy", 403)
            return await patch(event, status)

        world.cluster.patch_status = patch_status  # type: ignore[method-assign]


def test_a_namespace_whose_status_cannot_be_written_holds_up_no_other(world: World) -> None:
    refused = [world.cluster.apply(uid=n, name=n, namespace="locked") for n in ("a", "b")]
    other = world.cluster.apply(uid="c", name="c")
    policy = RefusedNamespace(world, "locked")

    async def story() -> None:
        begun = asyncio.get_running_loop().time()
        await settle_all(world, [entry(event) for event in (*refused, other)])
        assert asyncio.get_running_loop().time() - begun < 31.0
        assert stands(world, other).unknown_outcomes == 1
        assert sorted(world.journal._entries) == ["a", "b"]
        for event in (*refused, other):
            world.inbox.offer(event)
        taken = await soon(world.inbox)
        assert taken is not None
        assert taken.uid == "c"
        assert await soon(world.inbox) is None
        policy.lifted = True
        await asyncio.gather(*world.aside)
        assert world.awaited == [False], "who stops would wait for it"
        assert len(world.journal) == 0
        for _ in refused:
            freed = await soon(world.inbox)
            assert freed is not None
            assert freed.status.delivery.unknown_outcomes == 1, "it must know of the lost attempt"

    at_once(story())


def test_such_a_namespace_stays_blocked_until_all_of_it_is_settled(world: World) -> None:
    first, second = (
        world.cluster.apply(uid=n, name=n, namespace="locked") for n in ("first", "second")
    )
    patch = world.cluster.patch_status
    lifted: set[str] = set()

    async def patch_status(event: CustomEvent, status: Raw) -> Raw:
        if event.uid not in lifted:
            raise ClusterError("denied by a policy", 403)
        return await patch(event, status)

    world.cluster.patch_status = patch_status  # type: ignore[method-assign]

    async def story() -> None:
        await settle_all(world, [entry(first), entry(second)])
        world.inbox.offer(first)
        world.inbox.offer(second)
        aside = [asyncio.create_task(part) for part in world.aside]
        lifted.add("first")
        await asyncio.sleep(60.0)
        assert list(world.journal._entries) == ["second"]
        assert await soon(world.inbox) is None
        lifted.add("second")
        await asyncio.gather(*aside)
        assert await soon(world.inbox) is not None

    at_once(story())


def test_objects_that_cannot_be_read_at_first_are_settled_all_the_same(world: World) -> None:
    event = world.cluster.apply()
    world.cluster.lost_reads = 5
    at_once(settle_all(world, [entry(event)]))
    assert read_event(world.cluster.objects["shop", event.name]).status.delivery.attempts == 1
