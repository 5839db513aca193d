"""A leader that loses the Lease, by another's hand or by time, sends nothing any more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from customevents.delivery.journal import Journal
from customevents.resource.errors import ClusterError, Conflict, Gone, LeadershipLost
from unit.instant import at_once
from unit.leases import Fault, MemoryLeases, Scene, held_by, intent, lead, seconds_until


@pytest.fixture
def scene() -> Scene:
    """A leader's; the first write took the Lease."""
    made = Scene()
    made.leases.change(held_by(""))
    return made


THEIRS: dict[str, dict[str, Any]] = {
    "another holder": {"holderIdentity": "another"},
    "nobody": {"holderIdentity": ""},
}


@pytest.mark.parametrize("change", THEIRS.values(), ids=THEIRS)
def test_a_lost_lease_commits_nothing_of_what_waits_and_nothing_later(
    scene: Scene, change: dict[str, Any]
) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.delay = 1.0
        early = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(0.5)
        scene.leases.edit(None, **change)
        late = asyncio.create_task(journal.commit(intent("b")))
        for commit in (early, late, journal.commit(intent("c"))):
            with pytest.raises(LeadershipLost):
                await commit
        assert scene.leases.writes == []

    lead(scene, story)


def test_a_lost_lease_ends_the_leader(scene: Scene) -> None:
    async def end() -> None:
        journal = scene.journal()
        await journal.acquire()
        scene.leases.edit(holderIdentity="another")
        with pytest.raises(LeadershipLost, match="another holds"):
            await journal.run()
        assert not journal.election.valid, "it says so to all that ask, not only when it runs out"

    at_once(end())


@pytest.mark.parametrize("missing", [Gone, Conflict])
def test_a_deleted_lease_commits_nothing_for_the_quarantine_and_then_the_whole_list(
    scene: Scene, missing: type[ClusterError]
) -> None:
    async def story(journal: Journal) -> None:
        await journal.commit(intent("a"))
        scene.leases.missing = missing
        scene.leases.lease = None
        assert await seconds_until(journal.commit(intent("b"))) == pytest.approx(45.0, abs=0.5)
        assert scene.leases.listed == [["a"], ["a", "b"], ["a", "b"]]
        assert scene.leases.stands["spec"]["holderIdentity"] == "us"
        assert journal.election.times_lost == 1
        assert journal.election.valid
        assert not journal.election.knows_all

    lead(scene, story)


def test_a_deleted_lease_that_another_made_anew_is_lost(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.lease = None
        commit = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(20.0)
        await scene.journal("another").acquire()
        with pytest.raises(LeadershipLost):
            await commit

    lead(scene, story)


def test_a_leader_that_was_stopped_while_the_lease_was_gone_leads_no_more(scene: Scene) -> None:
    """Another may have led meanwhile, and its Lease be deleted as well."""

    async def story(journal: Journal) -> None:
        scene.leases.lease = None
        commit = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(20.0)
        scene.slept += 30.0
        with pytest.raises(LeadershipLost, match="too long"):
            await commit
        assert scene.leases.lease is None

    lead(scene, story)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REFUSED], ids=str)
def test_a_deleted_lease_is_made_anew_however_often_that_takes(scene: Scene, fault: Fault) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.lease = None
        scene.leases.faults = [None, fault]
        await journal.commit(intent("a"))
        assert scene.leases.listed[-1] == ["a"]

    lead(scene, story)


# --- Between commit and POST


def test_a_fresh_commit_may_be_sent_on(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        assert journal.election.may_send(await journal.commit(intent("a")))

    lead(scene, story)


def test_a_process_that_was_stopped_does_not_send_on_an_old_commit(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        committed = await journal.commit(intent("a"))
        scene.slept += 4.9
        assert journal.election.may_send(committed)
        scene.slept += 0.2
        assert not journal.election.may_send(committed)

    lead(scene, story)


def test_nothing_is_sent_on_a_lease_that_ran_out(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        await journal.commit(intent("a"))
        scene.slept += 14.0
        assert journal.election.may_send(scene.uptime())
        scene.slept += 1.1
        assert not journal.election.may_send(scene.uptime())

    lead(scene, story)


@pytest.mark.parametrize("duration", [1.0, 1.4, 15.0, 15.5])
def test_the_others_wait_no_shorter_than_we_send(duration: float) -> None:
    scene = Scene()
    at_once(scene.journal(duration=duration).acquire())
    assert scene.leases.writes[-1]["spec"]["leaseDurationSeconds"] >= duration


@pytest.mark.parametrize("left", [True, False])
def test_a_process_that_finds_no_lease_sends_at_once_only_where_nobody_has_led_before(
    left: bool,
) -> None:
    made = Scene()
    made.traces.left = left

    async def story() -> None:
        taken = await made.journal().acquire()
        assert taken.quarantine == (45.0 if left else 0.0)

    at_once(story())


def test_who_may_not_ask_whether_somebody_has_led_waits() -> None:
    made = Scene()
    made.traces.refusals = [ClusterError("forbidden", 403)]

    async def story() -> None:
        assert (await made.journal().acquire()).quarantine == 45.0

    at_once(story())


def test_whether_somebody_has_led_is_asked_until_it_is_answered() -> None:
    made = Scene()
    made.traces.left = True
    made.traces.refusals = [ClusterError("busy", 503), ClusterError("no answer")]

    async def story() -> None:
        assert (await made.journal().acquire()).quarantine == 45.0

    at_once(story())


async def _is_seen_by_the_next(made: Scene, after: float, *, released: bool) -> bool:
    """Whether the next one waits, where a leader that had lost the list goes after `after` s."""
    made.traces.left = True
    async with made.leading("first") as first:
        await first.commit(intent("a"))
        await asyncio.sleep(after)
    if released:
        await first.release()
    taken = await made.journal("second").acquire()
    assert [entry.uid for entry in taken.entries] == ["a"]
    return taken.quarantine > 0.0


@pytest.mark.parametrize("released", [True, False], ids=["released", "killed"])
def test_who_goes_before_unknown_attempts_have_ended_leaves_the_wait_to_the_next(
    released: bool,
) -> None:
    assert at_once(_is_seen_by_the_next(Scene(), 20.0, released=released))
    assert not at_once(_is_seen_by_the_next(Scene(), 60.0, released=released))


@pytest.mark.parametrize("missing", [Gone, Conflict])
@pytest.mark.parametrize("after", [0.0, 20.0], ids=["at the release", "while it waits"])
def test_who_ends_after_its_lease_was_deleted_leaves_its_list_and_the_wait_to_the_next(
    after: float, missing: type[ClusterError]
) -> None:
    async def story() -> None:
        made = Scene(MemoryLeases(missing=missing))
        async with made.leading("first") as first:
            await first.commit(intent("a"))
            made.leases.lease = None
            await asyncio.sleep(after)
        await first.release()
        taken = await made.journal("second").acquire()
        assert [entry.uid for entry in taken.entries] == ["a"]
        assert taken.quarantine == 45.0

    at_once(story())


def test_who_ends_after_its_lease_was_deleted_and_has_nothing_to_leave_makes_no_other() -> None:
    async def story() -> None:
        made = Scene()
        async with made.leading("first") as first:
            made.leases.lease = None
        await first.release()
        assert made.leases.lease is None

    at_once(story())
