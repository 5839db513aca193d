"""A leader writes intents down: together, whole, and as a compare-and-swap each time."""

from __future__ import annotations

import asyncio

import pytest

from customevents.delivery import journal as module
from customevents.delivery.journal import Journal
from customevents.resource.lease import IN_FLIGHT
from unit.builders import NOW
from unit.leases import Fault, Scene, held_by, intent, lead, seconds_until, uids


@pytest.fixture
def scene() -> Scene:
    """A leader's; the first write took the Lease."""
    made = Scene()
    made.leases.change(held_by(""))
    return made


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred times the patience for company: what a busy machine adds is nothing beside it."""
    monkeypatch.setattr(module, "GATHER", 100 * module.GATHER)
    monkeypatch.setattr(module, "LONGEST_GATHER", 100 * module.LONGEST_GATHER)


async def commit_all(journal: Journal, *names: str) -> list[float]:
    return await asyncio.gather(*(journal.commit(intent(name)) for name in names))


def test_a_commit_returns_after_the_write_that_lists_it(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.delay = 1.0
        assert await seconds_until(journal.commit(intent("a"))) >= 1.0
        assert uids(scene.leases.stands) == ["a"]

    lead(scene, story)


def test_intents_that_gather_while_a_write_is_under_way_go_out_in_the_next(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.delay = 1.0
        first = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(0.5)
        others = asyncio.create_task(commit_all(journal, "b", "c", "d"))
        await first
        assert not others.done()
        assert uids(scene.leases.stands) == ["a"]
        await others
        assert scene.leases.listed == [["a"], ["a", "b", "c", "d"]]
        assert (journal.committed, journal.election.writes) == (4, 3)

    lead(scene, story)


@pytest.mark.usefixtures("patient")
def test_a_write_waits_until_half_of_the_attempts_under_way_wait_for_it(scene: Scene) -> None:
    """The other half keeps the API server busy meanwhile."""

    async def story(journal: Journal) -> None:
        await commit_all(journal, *map(str, range(100)))
        some = asyncio.create_task(commit_all(journal, *map(str, range(100, 160))))
        await asyncio.sleep(3.0)
        rest = asyncio.create_task(commit_all(journal, *map(str, range(160, 200))))
        assert await seconds_until(rest) < 0.5
        await some
        assert len(scene.leases.writes) == 2

    lead(scene, story)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("under_way", "seconds"), [(20, 2.1), (99, 5.0)])
def test_it_waits_no_longer_than_a_moment_for_each_of_them(
    scene: Scene, under_way: int, seconds: float
) -> None:
    async def story(journal: Journal) -> None:
        await commit_all(journal, *map(str, range(under_way)))
        took = await seconds_until(journal.commit(intent("late")))
        assert took == pytest.approx(seconds, abs=0.5)

    lead(scene, story)


@pytest.mark.usefixtures("patient")
def test_it_waits_for_nobody_who_has_ended_meanwhile(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        await commit_all(journal, *map(str, range(100)))
        late = asyncio.create_task(journal.commit(intent("late")))
        await asyncio.sleep(1.0)
        for number in range(100):
            journal.drop(str(number))
        assert await seconds_until(late) < 0.5

    lead(scene, story)


@pytest.mark.usefixtures("patient")
def test_what_nobody_is_at_work_on_is_no_company(scene: Scene) -> None:
    """Results that cannot be written stand on the list for days, and hold nobody up."""

    async def story(journal: Journal) -> None:
        await commit_all(journal, *map(str, range(100)))
        for number in range(100):
            journal.leave(str(number))
        assert await seconds_until(journal.commit(intent("alone"))) < 0.5

    lead(scene, story)


@pytest.mark.usefixtures("patient")
def test_nor_is_what_the_last_leader_left(scene: Scene) -> None:
    scene.leases.change(held_by("", *(intent(str(number)) for number in range(100))))

    async def story(journal: Journal) -> None:
        assert len(journal) == 100
        assert await seconds_until(journal.commit(intent("new"))) < 0.5

    lead(scene, story)


def test_a_commit_tells_when_its_write_began(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.delay = 1.0
        begun = scene.uptime()
        assert await journal.commit(intent("a")) == pytest.approx(begun, abs=0.2)

    lead(scene, story)


def test_what_is_dropped_costs_no_write_and_is_not_in_the_next(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        await commit_all(journal, "a", "b")
        journal.drop("a")
        journal.drop("never heard of")
        await asyncio.sleep(1.0)
        assert len(scene.leases.writes) == 1
        await journal.commit(intent("c"))
        assert scene.leases.listed[-1] == ["b", "c"]
        assert len(journal) == 2

    lead(scene, story)


def test_an_idle_leader_renews_at_a_third_of_the_duration_and_writes_nothing_else(
    scene: Scene,
) -> None:
    async def story(journal: Journal) -> None:
        await asyncio.sleep(50.5)
        assert len(scene.leases.writes) == 10
        assert journal.election.writes == 11

    lead(scene, story)


def test_a_commit_renews_too(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        for number in range(10):
            await asyncio.sleep(4.0)
            await journal.commit(intent(str(number)))
        assert len(scene.leases.writes) == 10

    lead(scene, story)


def test_times_have_six_decimals_also_in_a_whole_second(scene: Scene) -> None:
    scene.wall.now = NOW.replace(microsecond=0)

    async def story(journal: Journal) -> None:
        await journal.commit(intent("a"))
        assert scene.leases.writes[-1]["spec"]["renewTime"] == "2026-05-01T12:00:00.000000Z"

    lead(scene, story)


def test_what_others_wrote_on_the_lease_is_kept() -> None:
    scene = Scene()
    lease = held_by("")
    lease["metadata"]["annotations"]["team"] = "payments"
    lease["metadata"]["labels"] = {"app": "customevents"}
    lease["spec"]["strategy"] = "OldestEmulationVersion"
    scene.leases.change(lease)

    async def story(journal: Journal) -> None:
        await journal.commit(intent("a"))
        written = scene.leases.writes[-1]
        assert written["metadata"]["annotations"]["team"] == "payments"
        assert written["metadata"]["labels"] == {"app": "customevents"}
        assert written["spec"]["strategy"] == "OldestEmulationVersion"

    lead(scene, story)


# --- Trouble with the API server


@pytest.mark.parametrize("fault", list(Fault), ids=str)
def test_a_write_without_a_good_answer_is_stated_again_before_a_commit_returns(
    scene: Scene, fault: Fault
) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.faults = [fault]
        begun = await journal.commit(intent("a"))
        applied = fault in (Fault.ANSWER_LOST, Fault.ANSWER_NEVER)
        assert scene.leases.listed == [["a"]] * (2 if applied else 1)
        assert begun == pytest.approx(scene.uptime(), abs=0.5)
        assert journal.election.may_send(begun)

    lead(scene, story)


def test_a_write_without_an_answer_is_given_up_after_four_seconds(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.faults = [Fault.NEVER_ARRIVED]
        assert await seconds_until(journal.commit(intent("a"))) == pytest.approx(4.0, abs=0.5)

    lead(scene, story)


def test_nothing_is_committed_while_the_api_server_is_away_and_all_of_it_afterwards(
    scene: Scene,
) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.faults = [Fault.REFUSED]
        scene.leases.failed_reads = 60
        first = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(30.0)
        second = asyncio.create_task(journal.commit(intent("b")))
        await asyncio.sleep(1.0)
        assert not first.done()
        assert scene.leases.writes == []
        assert journal.election.may_send(await first)
        assert journal.election.may_send(await second)
        assert scene.leases.listed[-1] == ["a", "b"]

    lead(scene, story)


def test_a_conflict_with_a_bystander_goes_on_with_our_own_list(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        await journal.commit(intent("a"))
        scene.leases.edit({"team": "payments"})
        await journal.commit(intent("b"))
        assert scene.leases.listed == [["a"], ["a", "b"]]
        assert scene.leases.writes[-1]["metadata"]["annotations"]["team"] == "payments"

    lead(scene, story)


@pytest.mark.parametrize("spoilt", [{}, {IN_FLIGHT: "["}], ids=["removed", "garbage"])
def test_a_spoilt_list_is_restated_by_the_leader_that_lives(
    scene: Scene, spoilt: dict[str, str]
) -> None:
    async def story(journal: Journal) -> None:
        await journal.commit(intent("a"))
        scene.leases.edit(spoilt)
        await asyncio.sleep(6.0)
        assert scene.leases.listed == [["a"], ["a"]]
        assert journal.election.times_lost == 0

    lead(scene, story)
