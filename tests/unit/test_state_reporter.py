"""The operator says how it is, where everybody may read it, and never more than it may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from customevents import sandbox
from customevents.delivery.outcome import Outcome
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.resource.errors import ClusterError, Conflict, Gone, KeyFileError
from customevents.resource.operator_state import (
    STATE,
    Key,
    OperatorState,
    Resolving,
    read_operator_state,
)
from customevents.resource.status import OutcomeClass
from customevents.scope.cluster_name import ClusterName
from customevents.upkeep.state_reporter import Facts, StateReporter
from unit.builders import NOW, event
from unit.in_memory import Raw, World
from unit.instant import at_once
from unit.poster import CANARY

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


@dataclass
class MemoryConfigMap:
    """The ConfigMap as the API server keeps it, and when it was written."""

    stands: Raw | None = None
    times: list[float] = field(default_factory=list)
    refusals: list[ClusterError] = field(default_factory=list)

    async def read(self) -> Raw:
        if self.stands is None:
            raise Gone("not found", 404)
        return deepcopy(self.stands)

    async def create(self, config_map: Raw) -> Raw:
        if self.stands is not None:
            raise Conflict("already exists", 409)
        return self._store(config_map)

    async def replace(self, config_map: Raw) -> Raw:
        if self.stands is None:
            raise Gone("not found", 404)
        if config_map["metadata"] != self.stands["metadata"]:
            raise Conflict("changed since", 409)
        return self._store(config_map)

    def delete(self) -> None:
        self.stands = None

    def edit(self) -> None:
        """Let somebody write something else there."""
        self._store({**(self.stands or {}), "data": {}})
        self.times.pop()

    def _store(self, config_map: Raw) -> Raw:
        self.times.append(asyncio.get_running_loop().time())
        if self.refusals:
            raise self.refusals.pop(0)
        metadata = {"resourceVersion": str(len(self.times))}
        self.stands = {**config_map, "metadata": metadata}
        return deepcopy(self.stands)

    @property
    def said(self) -> OperatorState:
        found = read_operator_state(self.stands or {})
        assert found is not None
        return found


@dataclass
class Place:
    """A reporter, and what it reports of."""

    world: World = field(default_factory=World)
    account: Account = field(default_factory=Account)
    cluster: ClusterName | None = PROD
    skew: float | None = None
    unwatched: int = 0
    leads: bool = True
    config_map: MemoryConfigMap = field(default_factory=MemoryConfigMap)

    def __post_init__(self) -> None:
        facts = Facts(
            leader="pod-a",
            endpoint="https://api.komodor.com",
            settings=Resolving(provenance_enabled=False),
            cluster=lambda: self.cluster,
            agents_elsewhere=lambda: ("shop/komodor-agent",),
            clock_skew=lambda: self.skew,
            unwatched=lambda: self.unwatched,
            leads=lambda: self.leads,
        )
        self.reporter = StateReporter(
            self.config_map,
            self.world.inbox,
            self.world.throttle,
            self.account,
            facts,
            clock=self.world.clock,
            uptime=lambda: asyncio.get_running_loop().time(),
        )

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        """Let something happen while it reports."""

        async def played() -> None:
            reporting = asyncio.create_task(self.reporter.run())
            await story()
            reporting.cancel()

        at_once(played())


def after_an_hour(place: Place) -> OperatorState:
    async def hour() -> None:
        asking = asyncio.create_task(place.reporter.ask_account())
        await asyncio.sleep(3600.0)
        asking.cancel()

    at_once(hour())
    return place.reporter.state


def test_it_says_what_a_reader_needs() -> None:
    place = Place()
    place.world.inbox.offer(event())
    place.world.throttle.key = Key.OK
    place.play(a_moment)
    found = place.config_map.said
    assert (found.endpoint, found.key) == ("https://api.komodor.com", Key.OK)
    assert (found.leader, found.renewed) == ("pod-a", NOW)
    assert (found.cluster_name, found.cluster_name_source) == ("prod-eu-1", "setting clusterName")
    assert found.agents_elsewhere == ("shop/komodor-agent",)
    assert (found.waiting, found.oldest) == (1, NOW)
    assert found.settings == Resolving(provenance_enabled=False)
    assert found.cluster_known is None


def test_who_leads_no_more_writes_nothing_over_what_its_successor_says() -> None:
    place = Place()

    async def it_is_deposed() -> None:
        await a_moment()
        place.leads = False
        place.world.throttle.halt("the CRD drops what the operator writes")
        await asyncio.sleep(100.0)
        await place.reporter.sign_off()

    place.play(it_is_deposed)
    assert (place.config_map.said.leader, place.config_map.said.halted) == ("pod-a", "")


def test_it_names_no_event_and_no_tenant() -> None:
    place = Place(unwatched=3)
    place.world.inbox.offer(event())
    place.play(a_moment)
    text = json.dumps(place.config_map.stands)
    assert "checkout" not in text
    assert '"shop"' not in text
    assert place.config_map.said.unwatched == 3


def test_it_says_why_nothing_is_sent() -> None:
    place = Place()
    throttle = place.world.throttle
    throttle.leave(Outcome(OutcomeClass.ENDPOINT_LEVEL, 401))
    throttle.halt("another operator sends the same events")
    assert "refused the key" in place.reporter.state.paused
    assert place.reporter.state.halted == "another operator sends the same events"


def test_a_rest_that_the_endpoint_asked_for_is_told_with_its_end_until_that() -> None:
    place = Place()
    place.world.throttle.leave(Outcome(OutcomeClass.REFUSED_FOR_NOW, 429, pause=90.0))
    until = place.reporter.state.rests_until
    assert until is not None
    assert (until - NOW).total_seconds() == pytest.approx(90.0, abs=1.0)

    place.world.uptime += 91.0
    assert place.reporter.state.rests_until is None


@pytest.mark.parametrize(("skew", "told"), [(None, None), (-3600.04, -3600.0), (0.4, 0.0)])
def test_it_says_by_how_much_its_clock_differs(skew: float | None, told: float | None) -> None:
    assert Place(skew=skew).reporter.state.clock_skew == told


@pytest.mark.parametrize(
    "data",
    [None, {}, "x", {STATE: ""}, {STATE: 7}, {STATE: "garbage"}, {STATE: '{"key":"no such word"}'}],
    ids=str,
)
def test_what_cannot_be_read_says_nothing(data: Any) -> None:
    assert read_operator_state({"data": data}) is None


def test_a_field_of_a_newer_operator_is_no_obstacle() -> None:
    text = json.dumps({"version": "9.0.0", "fieldOfLater": 1})
    assert read_operator_state({"data": {STATE: text}}) == OperatorState(version="9.0.0")


# --- When it is written


async def a_moment() -> None:
    await asyncio.sleep(1.0)


def test_what_stays_the_same_is_written_once_a_minute() -> None:
    place = Place()

    async def story() -> None:
        await asyncio.sleep(3590.0)

    place.play(story)
    assert len(place.config_map.times) == 60


def test_what_changes_all_the_time_is_written_every_five_seconds() -> None:
    place = Place()

    async def story() -> None:
        for number in range(1000):
            place.unwatched = number
            await asyncio.sleep(0.1)

    place.play(story)
    assert 19 <= len(place.config_map.times) <= 21


def test_a_pause_and_its_end_are_written_at_once() -> None:
    place = Place()
    throttle = place.world.throttle

    async def story() -> None:
        await asyncio.sleep(1.0)
        throttle.leave(Outcome(OutcomeClass.ENDPOINT_LEVEL, 401))
        await asyncio.sleep(1.0)
        assert "refused the key" in place.config_map.said.paused
        probing = asyncio.create_task(throttle.run())
        await asyncio.sleep(1.0)
        assert place.config_map.said.paused == ""
        probing.cancel()

    place.play(story)


def test_after_a_delivery_nobody_says_that_the_key_was_not_tried() -> None:
    place = Place()

    async def story() -> None:
        await asyncio.sleep(1.0)
        assert place.config_map.said.key == "unknown"
        place.world.throttle.leave(Outcome(OutcomeClass.SUCCESS, 201))
        await asyncio.sleep(1.0)
        assert place.config_map.said.key == "ok"

    place.play(story)


def test_what_was_deleted_or_edited_is_written_anew() -> None:
    place = Place()

    async def story() -> None:
        await asyncio.sleep(1.0)
        for break_it in (place.config_map.delete, place.config_map.edit):
            break_it()
            await asyncio.sleep(61.0)
            assert place.config_map.said.leader == "pod-a"

    place.play(story)


def test_what_is_refused_is_told_once_and_tried_again_without_a_rush(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Place()
    place.config_map.refusals = [ClusterError("the Kubernetes API answered 403", 403)] * 10

    async def story() -> None:
        await asyncio.sleep(49.0)
        assert len(place.config_map.times) == 10
        await asyncio.sleep(2.0)
        assert place.config_map.said.leader == "pod-a"

    place.play(story)
    assert caplog.text.count("cannot be written") == 1


def test_who_stops_says_so_and_takes_nothing_from_the_next_leader() -> None:
    place = Place()

    async def story() -> None:
        await asyncio.sleep(1.0)
        await place.reporter.sign_off()
        place.unwatched = 7
        await asyncio.sleep(100.0)
        assert (place.config_map.said.leader, place.config_map.said.unwatched) == ("", 0)
        place.config_map.edit()  # the next leader wrote
        await place.reporter.sign_off()
        assert place.config_map.stands is not None
        assert place.config_map.stands["data"] == {}

    place.play(story)


def test_a_report_that_is_on_its_way_when_it_signs_off_is_not_said_after_that() -> None:
    place = Place()
    replace, under_way = place.config_map.replace, asyncio.Event()

    async def slowly(config_map: Raw) -> Raw:
        under_way.set()
        await asyncio.sleep(0.5)
        return await replace(config_map)

    async def story() -> None:
        await asyncio.sleep(1.0)
        place.config_map.replace = slowly  # type: ignore[method-assign]
        place.unwatched = 7
        await under_way.wait()
        place.config_map.replace = replace  # type: ignore[method-assign]
        await place.reporter.sign_off()
        await asyncio.sleep(60.0)
        assert place.config_map.said.leader == ""

    place.play(story)


# --- What is asked of the account


@pytest.mark.parametrize(("answer", "known"), [(True, True), (False, False), (None, None)])
def test_it_says_whether_the_account_knows_the_cluster(
    answer: bool | None, known: bool | None
) -> None:
    assert after_an_hour(Place(account=Account([answer]))).cluster_known is known


@pytest.mark.parametrize("answer", [True, False])
def test_an_account_that_answered_is_asked_once(answer: bool) -> None:
    account = Account([answer])
    after_an_hour(Place(account=account))
    assert account.asked == ["prod-eu-1"]


def test_an_account_that_gave_no_answer_is_asked_again() -> None:
    account = Account([None, KeyFileError("the API key file /key is empty"), True])
    assert after_an_hour(Place(account=account)).cluster_known is True
    assert len(account.asked) == 3


def test_without_a_name_nobody_is_asked() -> None:
    account = Account()
    found = after_an_hour(Place(account=account, cluster=None))
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


#: What ends a parser that follows it down.
DEEP = {"status": 200, "body": "[" * 16_000}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403},
        {"status": 200, "body": "no JSON"},
        {"status": 200, "body": '{"data":[]}'},
        DEEP,
    ],
    ids=["forbidden", "no JSON", "no clusters", "deep"],
)
@pytest.mark.asyncio
async def test_any_other_answer_is_none(
    account_with_a_cluster: sandbox.Running, key: KeyFile, fault: dict[str, Any]
) -> None:
    account_with_a_cluster.call("PUT", "/sandbox/faults", {**fault, "target": "clusters"})
    async with EventsClient(account_with_a_cluster.url, key) as client:
        assert await client.knows_cluster("prod-eu-1") is None
