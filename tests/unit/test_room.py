"""The list of attempts fits into its Lease: while it has no room, nothing more is begun."""

from __future__ import annotations

import asyncio
import logging

import pytest

from customevents.delivery.inbox import LOOK_FOR_ROOM, Inbox
from customevents.delivery.journal import MOST_ENTRIES
from customevents.delivery.results import LATE
from customevents.resource.errors import ClusterError
from customevents.resource.event import CustomEvent
from customevents.resource.lease import Intent, write_entries
from unit.builders import Clock
from unit.counted import Counted
from unit.in_memory import MemoryInbox, Raw, World
from unit.instant import at_once
from unit.leases import Scene, held_by, intent
from unit.queued import drained, offer_all, soon, waiting

#: What all annotations of one object may hold together, by the API server's validation.
ANNOTATIONS = 256 * 1024

#: Attempts that may be out when the list becomes full; the most that the settings allow.
UNDER_WAY = 100


def test_a_full_list_of_the_longest_names_fits_beside_other_annotations() -> None:
    entries = [
        Intent("u" * 36, "d" * 36, "n" * 63, "o" * 253, sequence=10**6, attempt=10**6)
        for _ in range(MOST_ENTRIES + UNDER_WAY)
    ]
    assert len(write_entries(entries)) < ANNOTATIONS - 4096


def test_a_journal_has_room_until_its_list_is_full() -> None:
    journal = Scene().journal()

    def has_room(entries: int) -> bool:
        journal.read(held_by("them", *(intent(str(number)) for number in range(entries))))
        return journal.has_room()

    assert has_room(MOST_ENTRIES - 1)
    assert not has_room(MOST_ENTRIES)


class Place:
    """An inbox with as much room as the test says."""

    def __init__(self) -> None:
        self.room = False
        clock = Clock()
        self.inbox = Inbox(clock, clock.uptime, Counted(), room=lambda: self.room)


@pytest.mark.asyncio
async def test_without_room_nothing_is_given_out_and_nothing_is_lost() -> None:
    place = Place()
    offer_all(place.inbox, [waiting("a"), waiting("b")])
    assert await soon(place.inbox) is None
    place.room = True
    assert await drained(place.inbox) == ["a", "b"]


@pytest.mark.asyncio
async def test_a_waiter_wakes_when_a_namespace_that_was_blocked_made_room() -> None:
    place = Place()
    place.inbox.block("locked")
    place.inbox.offer(waiting("a"))
    taking = asyncio.ensure_future(place.inbox.take())
    await asyncio.sleep(0)
    place.room = True
    place.inbox.unblock("locked")
    assert await asyncio.wait_for(taking, timeout=5) == waiting("a")


@pytest.mark.asyncio
async def test_closing_wakes_what_waits_for_room() -> None:
    place = Place()
    place.inbox.offer(waiting("a"))
    taking = asyncio.ensure_future(place.inbox.take())
    await asyncio.sleep(0)
    place.inbox.close()
    assert await asyncio.wait_for(taking, timeout=5) is None


@pytest.mark.asyncio
async def test_a_full_list_is_said_once_until_no_namespace_is_blocked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    place = Place()
    place.inbox.block("locked")
    place.inbox.offer(waiting("a"))
    await soon(place.inbox)
    await soon(place.inbox)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    place.inbox.unblock("locked")
    await soon(place.inbox)
    assert len(caplog.records) == 2


def test_couriers_begin_nothing_while_too_many_results_cannot_be_written() -> None:
    world = World()
    most = 3
    world.inbox = MemoryInbox(
        world.clock, world.clock.uptime, world.counters, room=lambda: len(world.journal) < most
    )
    locked = True

    async def refuse_some(event: CustomEvent, status: Raw) -> Raw:
        if locked and event.namespace != "open":
            raise ClusterError("denied by a policy", 403)
        return await write(event, status)

    write = world.cluster.patch_status
    world.cluster.patch_status = refuse_some  # type: ignore[method-assign]
    for namespace in ("locked-1", "locked-2", "locked-3", "open"):
        world.inbox.offer(world.cluster.apply(uid=namespace, name="a", namespace=namespace))

    async def story() -> None:
        nonlocal locked
        running = asyncio.create_task(world.courier().run())
        await asyncio.sleep(most * LATE + 10)
        assert (len(world.journal), len(world.api.posts)) == (most, most)
        finishing = [asyncio.create_task(part) for part in world.aside]
        locked = False
        await asyncio.gather(*finishing)
        await asyncio.sleep(1.0)
        assert (len(world.journal), len(world.api.posts)) == (0, most + 1)
        world.inbox.close()
        await running

    at_once(story())


def test_a_waiter_finds_the_room_that_nobody_tells_it_of() -> None:
    place = Place()
    place.inbox.offer(waiting("a"))

    async def story() -> None:
        taking = asyncio.ensure_future(place.inbox.take())
        await asyncio.sleep(10.0)
        assert not taking.done()
        place.room = True  # such as when an object is deleted whose result nobody could write
        await asyncio.sleep(LOOK_FOR_ROOM)
        assert taking.done()

    at_once(story())
