"""The operator says on its Lease how it is, and never more than it may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from customevents import sandbox
from customevents.delivery.announcement import (
    Announcement,
    Announcer,
    read_announcement,
)
from customevents.delivery.gate import Key
from customevents.delivery.journal import Journal
from customevents.delivery.lease import STATE
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.resource.errors import KeyFileError
from customevents.scope.cluster_name import ClusterName
from unit.builders import NOW, event
from unit.in_memory import World
from unit.instant import at_once
from unit.leasing import Scene, intent, lead
from unit.posting import CANARY

PROD = ClusterName("prod-eu-1", "setting clusterName")


@dataclass
class Account:
    """What the events API answers about clusters, one after another, the last again and again."""

    answers: list[bool | KeyFileError | None] = field(default_factory=lambda: [True])
    asked: list[str] = field(default_factory=list)

    async def knows_cluster(self, name: str) -> bool | None:
        self.asked.append(name)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, KeyFileError):
            raise answer
        return answer


def announcer(
    world: World,
    account: Account | None = None,
    cluster: ClusterName | None = PROD,
    skew: float | None = None,
    unwatched: int = 0,
) -> Announcer:
    return Announcer(
        inbox=world.inbox,
        gate=world.gate,
        account=account or Account(),
        cluster=lambda: cluster,
        agents_elsewhere=lambda: ("shop/komodor-agent",),
        endpoint="https://api.komodor.com",
        clock_skew=lambda: skew,
        unwatched=lambda: [f"not watching in namespace {number}" for number in range(unwatched)],
        settings={"provenance_enabled": True},
    )


def announced(says: Announcer) -> Announcement:
    """What a reader of the Lease finds."""
    found = read_announcement({"metadata": {"annotations": {STATE: says()}}})
    assert found is not None
    return found


def after_an_hour(says: Announcer) -> Announcement:
    async def hour() -> None:
        asking = asyncio.create_task(says.run())
        await asyncio.sleep(3600.0)
        asking.cancel()

    at_once(hour())
    return announced(says)


def test_it_says_what_a_reader_needs() -> None:
    world = World()
    world.inbox.offer(event())
    world.gate.key = Key.OK
    found = announced(announcer(world))
    assert (found.endpoint, found.key) == ("https://api.komodor.com", Key.OK)
    assert (found.cluster_name, found.cluster_name_source) == ("prod-eu-1", "setting clusterName")
    assert found.agents_elsewhere == ("shop/komodor-agent",)
    assert (found.waiting, found.oldest) == (1, NOW)
    assert found.settings == {"provenance_enabled": True}
    assert found.cluster_known is None


def test_it_says_why_nothing_is_sent() -> None:
    world = World()
    world.gate.pause("The events API refused the key", about_the_key=True)
    world.gate.halt("another operator sends the same events")
    found = announced(announcer(world))
    assert found.paused == "The events API refused the key"
    assert found.halted == "another operator sends the same events"


@pytest.mark.parametrize(("skew", "told"), [(None, None), (-3600.04, -3600.0), (0.0, 0.0)])
def test_it_says_by_how_much_its_clock_differs(skew: float | None, told: float | None) -> None:
    assert announced(announcer(World(), skew=skew)).clock_skew == told


@pytest.mark.parametrize(
    "annotations",
    [{}, {STATE: ""}, {STATE: "garbage"}, {STATE: '{"key":"no such word"}'}],
    ids=str,
)
def test_what_cannot_be_read_says_nothing(annotations: dict[str, str]) -> None:
    assert read_announcement({"metadata": {"annotations": annotations}}) is None


def test_a_field_of_a_newer_operator_is_no_obstacle() -> None:
    text = json.dumps({"version": "9.0.0", "fieldOfLater": 1})
    found = read_announcement({"metadata": {"annotations": {STATE: text}}})
    assert found == Announcement(version="9.0.0")


# --- What is asked of the account


@pytest.mark.parametrize(("answer", "known"), [(True, True), (False, False), (None, None)])
def test_it_says_whether_the_account_knows_the_cluster(
    answer: bool | None, known: bool | None
) -> None:
    assert after_an_hour(announcer(World(), Account([answer]))).cluster_known is known


@pytest.mark.parametrize("answer", [True, False])
def test_an_account_that_answered_is_asked_once(answer: bool) -> None:
    account = Account([answer])
    after_an_hour(announcer(World(), account))
    assert account.asked == ["prod-eu-1"]


def test_an_account_that_gave_no_answer_is_asked_again() -> None:
    account = Account([None, KeyFileError("the API key file /key is empty"), True])
    assert after_an_hour(announcer(World(), account)).cluster_known is True
    assert len(account.asked) == 3


def test_without_a_name_nobody_is_asked() -> None:
    account = Account()
    found = after_an_hour(announcer(World(), account, cluster=None))
    assert (found.cluster_name, account.asked) == ("", [])


# --- The question, at the sandbox


@pytest.fixture
def account_with_a_cluster() -> Iterator[sandbox.Running]:
    with sandbox.running(key=CANARY) as running:
        running.call("PUT", "/sandbox/inventory", {"prod-eu-1": {"shop": ["checkout"]}})
        yield running


@pytest.mark.parametrize(("name", "known"), [("prod-eu-1", True), ("other", False)])
@pytest.mark.asyncio
async def test_the_account_is_asked_by_the_documented_path(
    account_with_a_cluster: sandbox.Running, key: KeyFile, name: str, known: bool
) -> None:
    async with EventsClient(account_with_a_cluster.url, key) as client:
        assert await client.knows_cluster(name) is known


@pytest.mark.parametrize(
    "fault",
    [{"status": 403}, {"status": 200, "body": "no JSON"}, {"status": 200, "body": '{"data":[]}'}],
    ids=str,
)
@pytest.mark.asyncio
async def test_any_other_answer_is_none(
    account_with_a_cluster: sandbox.Running, key: KeyFile, fault: dict[str, Any]
) -> None:
    account_with_a_cluster.call("PUT", "/sandbox/faults", {**fault, "target": "clusters"})
    async with EventsClient(account_with_a_cluster.url, key) as client:
        assert await client.knows_cluster("prod-eu-1") is None


# --- The annotation


def said(scene: Scene) -> str:
    text: str = scene.leases.stands["metadata"]["annotations"][STATE]
    return text


def test_it_is_written_along_with_a_renewal() -> None:
    scene = Scene()

    async def story(_: Journal) -> None:
        assert said(scene) == "{}"
        scene.says = '{"key":"refused"}'
        await asyncio.sleep(6.0)
        assert said(scene) == '{"key":"refused"}'

    lead(scene, story)


def test_it_is_written_at_once_when_that_is_asked_for() -> None:
    scene = Scene()

    async def story(journal: Journal) -> None:
        scene.says = "the name is known"
        journal.say()
        await asyncio.sleep(0.1)
        assert said(scene) == "the name is known"

    lead(scene, story)


def test_it_is_put_together_once_a_renewal_however_many_commits() -> None:
    scene = Scene()

    async def story(journal: Journal) -> None:
        scene.says = "newer"
        for number in range(5):
            await journal.commit(intent(str(number)))
        assert said(scene) == "{}"
        await asyncio.sleep(5.1)
        await journal.commit(intent("late"))
        assert said(scene) == "newer"

    lead(scene, story)


def test_it_says_what_is_not_watched_as_far_as_there_is_room_on_the_lease() -> None:
    found = announced(announcer(World(), unwatched=1000))
    assert found.unwatched == tuple(f"not watching in namespace {n}" for n in range(3))
