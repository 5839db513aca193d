"""An exception that nobody foresaw, on one object: that is the object's trouble, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from customevents.delivery.state import stumbled
from customevents.delivery.throttle import Throttle, TokenBucket
from customevents.resource.event import CustomEvent
from customevents.resource.lease import Intent
from customevents.resource.operator_state import BreakerState
from customevents.resource.status import DeliveryRecord, LastOutcome, OutcomeClass, State
from customevents.trouble import LONGEST_WAIT, Stumbles
from unit.at_work import apply, play, seconds, state
from unit.builders import later, moment, record, recorded
from unit.in_memory import MemoryApi, MemoryElection, MemoryJournal, Raw, World


@pytest.fixture
def world() -> World:
    return World()


class Odd(Exception):
    """Nobody foresaw it; its text might be anything."""


def stumble_over(monkeypatch: pytest.MonkeyPatch, name: str, where: str, part: object) -> list[str]:
    """Let a part raise whenever it deals with this object; it is mended by clearing the result."""
    odd = [name]
    real: Callable[..., Any] = getattr(type(part), where)

    async def stumbling(self: object, *args: Any, **flags: Any) -> Any:
        if any(name in str(arg) for arg in args) and odd:
            raise Odd("a text of the server")
        return await real(self, *args, **flags)

    monkeypatch.setattr(type(part), where, stumbling)
    return odd


def test_before_its_intent_it_is_said_on_the_object_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    odd = apply(world, "odd")
    mended = stumble_over(monkeypatch, "odd", "fill", world.filler())

    async def story() -> None:
        await asyncio.sleep(0.5)
        next_one = apply(world, "next")
        await seconds(world, 100)
        assert state(world, next_one) is State.DELIVERED
        condition = world.cluster.now(odd).status.delivered
        assert (condition.status, condition.reason) == ("Unknown", "InternalError")
        assert "could not handle this event (Odd)" in condition.message
        assert "a text of the server" not in condition.message
        mended.clear()
        await seconds(world, 100)
        assert state(world, odd) is State.DELIVERED

    play(world, story)
    assert len(world.api.posts) == 2
    told = [r for r in caplog.records if r.levelname == "ERROR"]
    assert [r.getMessage() for r in told] == [
        "shop/odd: it cannot be handled, and is looked at again: Odd"
    ]
    assert told[0].exc_info is not None


def test_what_was_delivered_keeps_the_record_that_proves_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = apply(world, "odd")

    def edit(raw: Raw) -> None:
        raw["spec"]["summary"] = "other"
        raw["metadata"]["generation"] = 2

    async def story() -> None:
        await asyncio.sleep(0.5)
        stumble_over(monkeypatch, "odd", "fill", world.filler())
        world.inbox.offer(world.cluster.change(odd, edit))
        await asyncio.sleep(0.5)

    play(world, story)
    assert state(world, odd) is State.DELIVERED
    assert world.cluster.now(odd).status.delivered.reason == "Delivered"


def planted(world: World, record: DeliveryRecord, reason: str) -> CustomEvent:
    """An object on which this stands, seen by nobody in its generation."""
    status = recorded(record, reason=reason, observed=0).status
    stands = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    event = world.cluster.apply(uid="odd", name="odd", status=stands)
    world.inbox.offer(event)
    return event


@pytest.mark.parametrize("reason", ["UnknownOutcome", "RestoredFromBackup"])
def test_what_waits_for_a_person_still_does(
    world: World, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    odd = planted(world, record(state=State.HELD, attempts=0), reason)
    mended = stumble_over(monkeypatch, "odd", "patch_status", world.cluster)
    real = type(world.cluster).patch_status

    async def once(*args: Any) -> Any:
        try:
            return await real(*args)
        finally:
            mended.clear()

    monkeypatch.setattr(type(world.cluster), "patch_status", once)

    async def story() -> None:
        await seconds(world, 100)
        assert world.cluster.now(odd).status.delivered.reason == reason

    play(world, story)
    assert world.api.posts == []


@pytest.mark.parametrize("reason", ["UnknownOutcome", "RestoredFromBackup"])
def test_a_stumble_over_what_waits_for_a_person_says_nothing_on_it(reason: str) -> None:
    """By its reason alone it is known that it waits for one."""
    held = recorded(record(state=State.HELD, attempts=0), reason=reason)
    ending = stumbled(held, "Odd", 1.0, moment())
    assert (ending.verdict, ending.again) == (None, later(1.0))


def test_what_waited_for_its_scope_after_a_lost_attempt_waits_for_no_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = planted(
        world,
        record(state=State.HELD, last_outcome=LastOutcome(outcome_class=OutcomeClass.UNKNOWN)),
        "ServicesUnknown",
    )
    mended = stumble_over(monkeypatch, "odd", "fill", world.filler())

    async def story() -> None:
        await seconds(world, 10)
        assert world.cluster.now(odd).status.delivered.reason == "InternalError"
        mended.clear()
        await seconds(world, 10)
        assert state(world, odd) is State.DELIVERED

    play(world, story)


def test_during_the_post_the_attempt_is_counted_before_anything_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = apply(world, "odd")
    real = type(world.api).post
    seen: list[tuple[int, int]] = []

    async def post(self: Any, body: Any, sent_as: str) -> Any:
        stands = world.cluster.now(odd).status.delivery
        seen.append((stands.attempts, stands.unknown_outcomes))
        answer = await real(self, body, sent_as)
        if len(seen) == 1:
            raise Odd
        return answer

    monkeypatch.setattr(type(world.api), "post", post)

    async def story() -> None:
        await asyncio.sleep(0.5)
        assert len(world.journal) == 0
        assert world.cluster.now(odd).status.delivered.reason == "UnknownOutcome"
        await seconds(world, 30)

    play(world, story)
    assert seen == [(0, 0), (1, 1)]
    assert state(world, odd) is State.DELIVERED
    assert world.cluster.now(odd).status.delivery.unknown_outcomes == 1


def test_until_such_an_attempt_is_counted_its_entry_stays_and_nothing_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(world, "odd")

    async def post(*_: Any) -> Any:
        world.api.posts.append(({}, ""))
        raise Odd

    monkeypatch.setattr(type(world.api), "post", post)
    mended = stumble_over(monkeypatch, "odd", "patch_status", world.cluster)

    async def story() -> None:
        await seconds(world, 600)
        assert list(world.journal._entries) == ["odd"]
        assert len(world.api.posts) == 1
        mended.clear()
        await asyncio.sleep(LONGEST_WAIT)
        assert len(world.journal) == 0

    play(world, story)


def half_open(world: World) -> None:
    """A gate that lets one go at a time, as after a start."""
    world.throttle = Throttle(
        TokenBucket(rate=0.0, burst=1),
        world.api,
        uptime=lambda: asyncio.get_running_loop().time(),
        opened=world.inbox.open_gate,
        warn=lambda *_: None,
    )


@pytest.fixture(params=["post", "commit", "may_send"])
def trip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the steps behind the gate raises once."""
    parts = {"post": MemoryApi, "commit": MemoryJournal, "may_send": MemoryElection}
    part = parts[request.param]
    real = getattr(part, request.param)
    tripped: list[int] = []

    def once(self: Any, *args: Any) -> Any:
        if not tripped:
            tripped.append(1)
            raise Odd
        return real(self, *args)

    monkeypatch.setattr(part, request.param, once)
    return str(request.param)


def test_the_gate_is_left_once_for_each_that_entered(world: World, trip: str) -> None:
    half_open(world)
    apply(world, "odd")

    async def story() -> None:
        await asyncio.sleep(0.5)
        next_one = apply(world, "next")
        await asyncio.sleep(5.0)
        assert state(world, next_one) is State.DELIVERED
        assert world.throttle.breaker is BreakerState.CLOSED

    play(world, story)
    assert world.throttle._breaker._under_way == 0
    assert trip


def test_an_attempt_in_the_journal_is_settled_before_its_object_is_sent(world: World) -> None:
    """As where a leader found an object that it could not read, and somebody mended that."""
    odd = world.cluster.apply(uid="odd", name="odd")
    lost = Intent("odd", "some-id", "shop", "odd", sequence=1, attempt=1)
    seen: list[int] = []
    world.api.during = lambda: seen.append(world.cluster.now(odd).status.delivery.unknown_outcomes)

    async def story() -> None:
        await world.journal.commit(lost)
        world.inbox.offer(odd)
        await seconds(world, 10)

    play(world, story)
    assert seen == [1]


def test_the_next_look_comes_later_each_time_and_at_once_after_it_went_well() -> None:
    troubles = Stumbles()
    pauses = [troubles.again("a") for _ in range(12)]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == LONGEST_WAIT
    assert troubles.again("b") == 1.0
    troubles.over("a")
    assert troubles.times("a") == 0


def test_of_many_objects_in_trouble_each_comes_later_each_time() -> None:
    """As where a policy refuses every status: else they would be tried again and again."""
    troubles = Stumbles()
    for _ in range(12):
        pauses = {troubles.again(str(number)) for number in range(5000)}
    assert pauses == {LONGEST_WAIT}


def test_of_more_than_can_be_kept_those_without_a_turn_are_forgotten() -> None:
    troubles = Stumbles(most=2)
    for uid in ("a", "b", "a", "c"):
        troubles.again(uid)
    assert [troubles.times(uid) for uid in "abc"] == [2, 0, 1]


def test_of_objects_that_are_gone_nothing_is_kept_for_ever() -> None:
    troubles = Stumbles(most=3)
    for number in range(100):
        troubles.again(str(number))
    assert len(troubles._times) <= 3
