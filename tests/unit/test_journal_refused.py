"""A Lease that cannot be written: asked for with patience, told once, and nothing is forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from customevents.delivery.journal import Journal
from customevents.resource.errors import ClusterError, Conflict, LeadershipLost
from unit.instant import at_once
from unit.leases import Scene, held_by, intent, lead, seconds_until


def refusal(status: int, retry_after: float = 0.0) -> ClusterError:
    words = f"the Kubernetes API answered {status}: no"
    return ClusterError(words, status, retry_after=retry_after)


REFUSALS = {
    **{str(status): refusal(status) for status in (400, 401, 403, 404, 422, 429, 500, 503)},
    "409 for ever": Conflict("the Kubernetes API answered 409: changed since", 409),
    "no connection": ClusterError("the Kubernetes API did not answer: ClientConnectorError"),
}


@pytest.fixture
def scene() -> Scene:
    """A leader's; the first write took the Lease."""
    made = Scene()
    made.leases.change(held_by(""))
    return made


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def asked_per_second(scene: Scene, begun: float, ended: float) -> float:
    """Requests a second, from the second second on."""
    return sum(begun + 1 <= at < ended for at in scene.leases.asked) / (ended - begun - 1)


@pytest.mark.parametrize("error", REFUSALS.values(), ids=REFUSALS)
def test_a_refused_swap_spins_never_and_its_commit_returns_once_it_is_over(
    scene: Scene, said: Callable[[], list[str]], error: ClusterError
) -> None:
    async def story(journal: Journal) -> None:
        loop = asyncio.get_running_loop()
        scene.leases.refusal = error
        begun = loop.time()
        commit = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(60.0)
        assert asked_per_second(scene, begun, loop.time()) <= 2
        assert not commit.done()
        assert scene.leases.writes == []
        assert len(said()) == 1
        scene.leases.refusal = None
        assert await seconds_until(asyncio.shield(commit)) < 2.5
        assert journal.election.may_send(await commit)
        assert scene.leases.listed == [["a"]]
        assert "the Lease is written again after 6" in said()[-1]
        assert len(said()) == 2

    lead(scene, story)


def test_retry_after_is_waited_for(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.refusal = refusal(429, retry_after=9.0)
        commit = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(0.5)
        scene.leases.asked.clear()
        await asyncio.sleep(8.0)
        assert scene.leases.asked == []
        await asyncio.sleep(2.0)
        assert scene.leases.asked != []
        commit.cancel()

    lead(scene, story)


def test_a_single_conflict_costs_no_wait_and_no_line(
    scene: Scene, said: Callable[[], list[str]]
) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.edit({"team": "payments"})
        assert await seconds_until(journal.commit(intent("a"))) < 0.05
        assert said() == []

    lead(scene, story)


def test_a_refused_leader_hears_that_another_took_the_lease(scene: Scene) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.refusal = refusal(403)
        commit = asyncio.create_task(journal.commit(intent("a")))
        await asyncio.sleep(20.0)
        scene.leases.edit(holderIdentity="another")
        with pytest.raises(LeadershipLost, match="another holds"):
            await asyncio.wait_for(commit, 3.0)

    lead(scene, story)


def test_a_deleted_lease_whose_creation_is_refused_is_waited_for_once_and_not_spun_on(
    scene: Scene, said: Callable[[], list[str]]
) -> None:
    async def story(journal: Journal) -> None:
        loop = asyncio.get_running_loop()
        await journal.commit(intent("a"))
        scene.leases.lease = None
        commit = asyncio.create_task(journal.commit(intent("b")))
        await asyncio.sleep(44.0)
        scene.leases.refusal = refusal(403)
        begun = loop.time()
        await asyncio.sleep(60.0)
        assert asked_per_second(scene, begun, loop.time()) <= 2
        scene.leases.refusal = None
        assert await seconds_until(asyncio.shield(commit)) < 2.5
        assert (journal.election.times_lost, scene.leases.listed[-1]) == (1, ["a", "b"])
        assert len(said()) == 3

    lead(scene, story)


# --- Before it leads, and at its end


def would_be(scene: Scene, story: Callable[[Journal], Awaitable[None]]) -> None:
    """Let something happen to a process that tries to lead."""

    async def tried() -> None:
        journal = scene.journal()
        acquiring = asyncio.create_task(journal.acquire())
        try:
            await story(journal)
        finally:
            acquiring.cancel()
            await asyncio.wait({acquiring})

    at_once(tried())


@pytest.mark.parametrize("there", [True, False], ids=["free", "missing"])
@pytest.mark.parametrize("error", REFUSALS.values(), ids=REFUSALS)
def test_a_lease_that_cannot_be_taken_is_asked_for_with_patience_and_told_once(
    scene: Scene, said: Callable[[], list[str]], error: ClusterError, there: bool
) -> None:
    if not there:
        scene.leases.lease = None
    scene.leases.refusal = error

    async def story(journal: Journal) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.sleep(60.0)
        assert asked_per_second(scene, begun, loop.time()) <= 2
        assert len(said()) == 1
        assert journal.election.trouble.startswith(f"waiting for the Lease: {error}")

    would_be(scene, story)


def test_a_standby_waits_as_long_as_it_is_told_to(scene: Scene) -> None:
    scene.leases.refusal = refusal(429, retry_after=20.0)

    async def story(_: Journal) -> None:
        await asyncio.sleep(19.0)
        assert len(scene.leases.asked) == 2  # a look, and the swap

    would_be(scene, story)


def test_a_refused_release_is_tried_until_it_would_hold_up_the_end(scene: Scene) -> None:
    async def end() -> None:
        async with scene.leading() as journal:
            await journal.commit(intent("a"))
        scene.leases.refusal = refusal(503)
        releasing = asyncio.create_task(journal.release())
        await asyncio.sleep(2.0)
        scene.leases.refusal = None
        assert await seconds_until(releasing) < 2.5

    at_once(end())
    assert scene.leases.stands["spec"]["holderIdentity"] == ""


def test_a_release_goes_on_from_what_a_bystander_wrote_meanwhile(scene: Scene) -> None:
    async def end() -> None:
        async with scene.leading() as journal:
            pass
        scene.leases.edit({"team": "payments"})
        await journal.release()

    at_once(end())
    assert scene.leases.stands["spec"]["holderIdentity"] == ""
    assert scene.leases.stands["metadata"]["annotations"]["team"] == "payments"


# --- What readiness is told


def test_a_leader_says_what_keeps_it_from_writing_for_half_a_minute_or_past_its_lease(
    scene: Scene,
) -> None:
    async def story(journal: Journal) -> None:
        scene.leases.refusal = refusal(403)
        await asyncio.sleep(14.0)
        assert journal.election.trouble == ""
        await asyncio.sleep(6.0)
        words = journal.election.trouble
        assert words.startswith(
            "the Lease cannot be written, and nothing is sent until it can: the"
        )
        assert "answered 403: no (since 2026-05-01T12:00:00+00:00)" in words
        await asyncio.sleep(60.0)
        assert journal.election.trouble == words
        scene.leases.refusal = None
        await asyncio.sleep(3.0)
        assert journal.election.trouble == ""

    lead(scene, story)


def test_a_standby_of_a_living_leader_is_in_no_trouble(scene: Scene) -> None:
    scene.leases.change(held_by("another"))

    async def story(journal: Journal) -> None:
        for _ in range(12):
            await asyncio.sleep(5.0)
            scene.leases.edit()
            assert journal.election.trouble == ""

    would_be(scene, story)


def test_a_standby_that_cannot_look_says_so_after_half_a_minute_and_no_longer_than_that(
    scene: Scene,
) -> None:
    scene.leases.change(held_by("another"))
    scene.leases.failed_reads = 25

    async def story(journal: Journal) -> None:
        await asyncio.sleep(29.0)
        assert journal.election.trouble == ""
        await asyncio.sleep(11.0)
        assert journal.election.trouble.startswith(
            "waiting for the Lease: the Kubernetes API did not"
        )
        await asyncio.sleep(15.0)
        assert journal.election.trouble == ""

    would_be(scene, story)


def test_while_nothing_is_sent_as_the_log_was_lost_that_is_said(scene: Scene) -> None:
    scene.leases.change(held_by("", annotation="["))

    async def story(journal: Journal) -> None:
        assert (
            journal.election.trouble == "nothing is sent for 45 s: the Lease or its list was lost"
        )
        await asyncio.sleep(46.0)
        assert journal.election.trouble == ""
        scene.leases.lease = None
        await asyncio.sleep(10.0)
        assert (
            journal.election.trouble == "nothing is sent for 45 s: the Lease or its list was lost"
        )
        await asyncio.sleep(46.0)
        assert journal.election.trouble == ""

    lead(scene, story)
