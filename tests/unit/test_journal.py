"""Who leads, since when, and what a new leader finds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from customevents.delivery.journal import TakenOver
from customevents.resource.errors import LeadershipLost
from customevents.resource.lease import IN_FLIGHT
from unit.instant import at_once
from unit.leases import Fault, Raw, Scene, held_by, intent, seconds_until, uids

#: Lease duration + POST timeout.
QUARANTINE = 45.0

ENTRIES = (intent("a"), intent("b", attempt=3))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def acquire(scene: Scene, meanwhile: Callable[[], Awaitable[None]] | None = None) -> TakenOver:
    """What a new process takes over, in the end."""

    async def both() -> TakenOver:
        acquiring = asyncio.create_task(scene.journal().acquire())
        if meanwhile is not None:
            await meanwhile()
        return await acquiring

    return at_once(both())


def timed(scene: Scene) -> float:
    """The seconds after which a new process leads."""
    return at_once(seconds_until(scene.journal().acquire()))


def test_the_first_installation_makes_the_lease_and_begins_at_once(scene: Scene) -> None:
    assert timed(scene) < 1
    (lease,) = scene.leases.writes
    assert lease["spec"] == {
        "holderIdentity": "us",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
        "acquireTime": "2026-05-01T12:00:00.000000Z",
        "renewTime": "2026-05-01T12:00:00.000000Z",
    }
    assert json.loads(lease["metadata"]["annotations"][IN_FLIGHT])["entries"] == []


def test_the_first_installation_takes_nothing_over_and_waits_for_nothing(scene: Scene) -> None:
    assert acquire(scene) == TakenOver((), 0.0)


def test_a_first_installation_whose_answer_was_lost_waits_for_nothing_either(scene: Scene) -> None:
    scene.leases.faults = [Fault.ANSWER_LOST]
    assert acquire(scene) == TakenOver((), 0.0)


def test_a_lease_that_is_not_there_is_made_in_whatever_words_that_is_said(scene: Scene) -> None:
    scene.leases.strange_reads = 1
    assert acquire(scene) == TakenOver((), 0.0)


def test_a_lease_that_is_said_to_be_missing_and_is_there_is_taken_as_it_is(scene: Scene) -> None:
    scene.leases.change(held_by("", *ENTRIES))
    scene.leases.strange_reads = 3
    assert acquire(scene) == TakenOver(ENTRIES, 0.0)


def test_a_released_lease_is_taken_at_once_with_its_list(scene: Scene) -> None:
    scene.leases.change(held_by("", *ENTRIES))
    assert timed(scene) < 1
    (lease,) = scene.leases.writes
    assert lease["spec"]["holderIdentity"] == "us"
    assert lease["spec"]["leaseTransitions"] == 8
    assert lease["spec"]["acquireTime"] == "2026-05-01T12:00:00.000000Z"
    assert uids(lease) == ["a", "b"]


def test_what_a_leader_left_in_flight_is_taken_over(scene: Scene) -> None:
    scene.leases.change(held_by("", *ENTRIES))
    assert acquire(scene) == TakenOver(ENTRIES, 0.0)


@pytest.mark.parametrize("duration", [15, 60])
def test_a_silent_holders_lease_is_taken_after_the_duration_that_it_states(
    scene: Scene, duration: int
) -> None:
    """By our own clock: the times in it are centuries off in both directions."""
    scene.leases.change(held_by("another", *ENTRIES, duration=duration))
    assert duration <= timed(scene) <= duration + 2.5


def test_a_holder_that_renews_keeps_the_lease(scene: Scene) -> None:
    scene.leases.change(held_by("another"))

    async def renew() -> None:
        for _ in range(100):
            await asyncio.sleep(14.0)
            assert scene.leases.writes == []
            scene.leases.edit()

    assert acquire(scene, renew) == TakenOver((), 0.0)


def test_a_failed_look_starts_the_count_anew(scene: Scene) -> None:
    """What could not be read may have been renewed meanwhile, and look the same again."""
    scene.leases.change(held_by("another"))

    async def fail_once() -> None:
        await asyncio.sleep(13.0)
        scene.leases.failed_reads = 1
        await asyncio.sleep(14.0)
        assert scene.leases.writes == []

    acquire(scene, fail_once)
    assert len(scene.leases.writes) == 1


def test_of_two_standbys_one_leads(scene: Scene) -> None:
    scene.leases.change(held_by(""))
    scene.leases.delay = 0.1

    async def contend() -> list[bool]:
        both = [asyncio.create_task(scene.journal(name).acquire()) for name in ("one", "two")]
        await asyncio.sleep(10.0)
        done = [task.done() for task in both]
        for task in both:
            task.cancel()
        await asyncio.wait(both)
        return done

    assert sorted(at_once(contend())) == [False, True]
    assert len(scene.leases.writes) == 1


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.NEVER_ARRIVED], ids=str)
def test_a_lease_that_could_not_be_taken_is_tried_again(scene: Scene, fault: Fault) -> None:
    scene.leases.change(held_by("", *ENTRIES))
    scene.leases.faults = [fault, fault]
    assert acquire(scene) == TakenOver(ENTRIES, 0.0)
    assert len(scene.leases.writes) == 1


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.ANSWER_NEVER], ids=str)
def test_a_lease_that_was_taken_without_an_answer_is_taken_again_with_its_list(
    scene: Scene, fault: Fault
) -> None:
    scene.leases.change(held_by("", *ENTRIES))
    scene.leases.faults = [fault]
    assert acquire(scene) == TakenOver(ENTRIES, 0.0)


# --- The log is lost

SPOILT = {
    "not JSON": "[",
    "another thing": "7",
    "no format": '{"entries": []}',
    "a format of tomorrow": '{"format": 2, "entries": []}',
    "no entries": '{"format": 1}',
    "rows of another form": '{"format": 1, "entries": [["a", "b"]]}',
}


@pytest.mark.parametrize("annotation", SPOILT.values(), ids=SPOILT)
def test_a_list_that_cannot_be_read_puts_the_new_leader_in_quarantine(
    scene: Scene, annotation: str
) -> None:
    scene.leases.change(held_by("", annotation=annotation))
    assert acquire(scene) == TakenOver((), QUARANTINE)
    assert scene.leases.listed == [[]]


def without_a_list() -> Raw:
    lease = held_by("")
    lease["metadata"] = {"name": "customevents"}
    return lease


def test_a_list_that_is_missing_puts_the_new_leader_in_quarantine(scene: Scene) -> None:
    scene.leases.change(without_a_list())
    assert acquire(scene) == TakenOver((), QUARANTINE)


def test_a_lease_that_vanished_since_it_was_seen_does_too(scene: Scene) -> None:
    scene.leases.change(held_by("another"))

    async def delete() -> None:
        await asyncio.sleep(5.0)
        scene.leases.lease = None

    assert acquire(scene, delete) == TakenOver((), QUARANTINE)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.ANSWER_NEVER], ids=str)
def test_a_lost_log_stays_lost_when_the_answer_to_the_write_that_mends_it_is_lost(
    scene: Scene, fault: Fault
) -> None:
    scene.leases.change(without_a_list())
    scene.leases.faults = [fault]
    assert acquire(scene) == TakenOver((), QUARANTINE)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.ANSWER_NEVER], ids=str)
def test_a_vanished_lease_stays_vanished_when_the_answer_to_its_creation_is_lost(
    scene: Scene, fault: Fault
) -> None:
    scene.leases.change(held_by("another"))

    async def delete() -> None:
        await asyncio.sleep(5.0)
        scene.leases.faults = [fault]
        scene.leases.lease = None

    assert acquire(scene, delete) == TakenOver((), QUARANTINE)


def test_a_log_that_another_leader_made_anew_is_not_lost(scene: Scene) -> None:
    scene.leases.change(without_a_list())
    scene.leases.faults = [Fault.REFUSED]

    async def another_is_quicker() -> None:
        await asyncio.sleep(1.0)
        scene.leases.change(held_by("another", *ENTRIES))

    assert acquire(scene, another_is_quicker) == TakenOver(ENTRIES, 0.0)


@pytest.mark.parametrize(("lease", "times"), [(without_a_list(), 1), (held_by(""), 0)])
def test_a_lost_log_is_counted_and_who_leads_then_does_not_know_all_attempts(
    scene: Scene, lease: Raw, times: int
) -> None:
    scene.leases.change(lease)

    async def lost() -> tuple[int, bool]:
        async with scene.leading() as journal:
            return journal.election.times_lost, journal.election.knows_all

    assert at_once(lost()) == (times, not times)


# --- The end


async def finished(scene: Scene, *entries: str) -> None:
    """A leader that ends with these attempts on its list."""
    async with scene.leading() as journal:
        for uid in entries:
            await journal.commit(intent(uid))
    await journal.release()


def test_a_released_lease_lets_the_next_one_begin_at_once_and_keeps_the_list(
    scene: Scene,
) -> None:
    async def succeed() -> TakenOver:
        await finished(scene, "a")
        assert await seconds_until(scene.journal("next").acquire()) < 1
        return await scene.journal("next").acquire()

    assert at_once(succeed()) == TakenOver((intent("a"),), 0.0)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.NEVER_ARRIVED], ids=str)
def test_a_lease_that_cannot_be_released_does_not_hold_up_the_end(
    scene: Scene, fault: Fault
) -> None:
    async def end() -> float:
        async with scene.leading() as journal:
            pass
        scene.leases.faults = [fault]
        return await seconds_until(journal.release())

    assert at_once(end()) < 5


def test_who_never_led_releases_nothing(scene: Scene) -> None:
    async def give_up() -> None:
        scene.leases.faults = [Fault.REFUSED] * 3
        journal = scene.journal()
        acquiring = asyncio.create_task(journal.acquire())
        await asyncio.sleep(3.0)
        acquiring.cancel()
        await asyncio.wait({acquiring})
        await journal.release()

    at_once(give_up())
    assert scene.leases.writes == []


def test_who_lost_the_lease_does_not_release_it(scene: Scene) -> None:
    async def lose() -> None:
        async with scene.leading() as journal:
            scene.leases.edit(holderIdentity="another")
            with pytest.raises(LeadershipLost):
                await journal.commit(intent("a"))
        await journal.release()

    at_once(lose())
    assert scene.leases.stands["spec"]["holderIdentity"] == "another"
