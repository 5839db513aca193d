"""What a courier does while it cannot send, and while it cannot write what it sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from customevents.delivery.inbox import LOOK_HOLDS
from customevents.delivery.outcome import Outcome
from customevents.delivery.results import LATE
from customevents.delivery.throttle import Breaker, Closed, Tellings, Throttle, TokenBucket
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import ClusterError, LeadershipLost
from customevents.resource.event import CustomEvent
from customevents.resource.lease import Intent
from customevents.resource.status import OutcomeClass, Reason, State
from customevents.scope.cluster_name import Nameless
from unit.builders import later, raw_spec, record, recorded
from unit.in_memory import MemoryCluster, Raw, World
from unit.instant import at_once

CREATED = Outcome(OutcomeClass.SUCCESS, 201)


@pytest.fixture
def world() -> World:
    return World()


def play(world: World, story: Callable[[], Awaitable[None]]) -> None:
    """Let something happen to a courier that takes events from the inbox."""

    async def played() -> None:
        running = asyncio.create_task(world.courier().run())
        await story()
        world.inbox.close()
        await asyncio.wait_for(running, 120.0)

    at_once(played())


def apply_all(world: World, *paths: str) -> list[CustomEvent]:
    """Events whose uid is their name, given as namespace/name, in the inbox."""
    events = []
    for path in paths:
        namespace, _, name = path.partition("/")
        events.append(world.cluster.apply(uid=name, name=name, namespace=namespace))
        world.inbox.offer(events[-1])
    return events


def posted(world: World) -> list[str]:
    """The objects whose events were posted."""
    return [body["details"]["customevents.dev/source"] for body, _ in world.api.posts]


def edit(raw: Raw) -> None:
    raw["spec"]["summary"] = "other"
    raw["metadata"]["generation"] = 2


# --- A status that cannot be written


def lock(world: World, namespace: str) -> set[str]:
    """Let a policy refuse every status there; it is lifted by clearing the result."""
    locked = {namespace}
    patch = world.cluster.patch_status

    async def patch_status(event: CustomEvent, status: Raw) -> Raw:
        if event.namespace in locked:
            raise ClusterError("denied by a policy", 403)
        return await patch(event, status)

    world.cluster.patch_status = patch_status  # type: ignore[method-assign]
    return locked


def test_a_status_that_cannot_be_written_frees_the_slot_and_blocks_its_namespace(
    world: World,
) -> None:
    lock(world, "locked")
    apply_all(world, "locked/a", "locked/b", "shop/c", "shop/d")

    async def story() -> None:
        await asyncio.sleep(LATE - 1)
        assert posted(world) == ["locked/a"]
        await asyncio.sleep(2.0)
        assert posted(world) == ["locked/a", "shop/c", "shop/d"]
        assert list(world.journal._entries) == ["a"], "its outcome is on no record yet"
        assert world.awaited == [True], "only this process knows how it ended"
        for part in world.aside:
            part.close()

    play(world, story)


def test_who_stops_does_not_wait_for_words_about_what_was_never_sent(world: World) -> None:
    lock(world, "locked")
    world.cluster_name = Nameless("nobody knows it")
    apply_all(world, "locked/a")

    async def story() -> None:
        await asyncio.sleep(LATE + 1)
        assert (posted(world), world.awaited) == ([], [False])
        for part in world.aside:
            part.close()

    play(world, story)


def test_such_a_status_is_finished_aside_and_then_the_namespace_goes_on(world: World) -> None:
    locked = lock(world, "locked")
    first, second = apply_all(world, "locked/a", "locked/b")

    async def story() -> None:
        await asyncio.sleep(LATE + 1)
        (finishing,) = (asyncio.create_task(part) for part in world.aside)
        await asyncio.sleep(300.0)
        assert not finishing.done()
        assert posted(world) == ["locked/a"]
        locked.clear()
        await finishing
        await asyncio.sleep(1.0)
        assert posted(world) == ["locked/a", "locked/b"]
        for event in (first, second):
            assert world.cluster.now(event).status.delivery.state is State.DELIVERED
        assert len(world.journal) == 0
        assert world.inbox.busy == 0

    play(world, story)


# --- A gate that is closed


def paused(world: World) -> None:
    """Let the endpoint refuse the key."""
    world.api.answers = [Answer(401)]
    world.api.probe = Answer(401)
    world.handle(world.cluster.apply(uid="first", name="first"))
    world.cluster.writes.clear()


def test_an_event_that_meets_a_closed_gate_waits_for_it_and_says_so_once(world: World) -> None:
    paused(world)
    event = world.cluster.apply()
    handled = world.handle(event)
    assert (handled.again, handled.gated) == (later(60), True)
    ((condition,),) = (status["conditions"] for status in world.cluster.writes)
    assert condition["reason"] == "EndpointPaused"
    assert "refused the key (HTTP 401)" in condition["message"]
    assert world.cluster.writes[0]["delivery"]["attempts"] == 0

    assert handled.fresh is not None
    world.clock.advance(60)
    again = world.handle(handled.fresh)
    assert again.fresh == handled.fresh
    assert again.gated
    assert len(world.cluster.writes) == 1
    assert len(world.api.posts) == 1
    assert world.journal.committed_intents[-1].uid == "first"


def test_where_enough_events_say_so_the_others_wait_silently(world: World) -> None:
    world.throttle = world.throttled(Breaker(closed=True), tellings=Tellings(most=0))
    paused(world)
    event = world.cluster.apply()
    handled = world.handle(event)
    assert (handled.fresh, handled.gated) == (event, True)
    assert world.cluster.writes == []


def test_an_event_that_waits_at_the_gate_still_expires_in_time(world: World) -> None:
    paused(world)
    event = world.cluster.apply(spec=raw_spec(deliveryDeadlineSeconds=60))
    world.clock.advance(30)
    handled = world.handle(event)
    assert handled.again == later(60)


def half_open(world: World) -> None:
    """A gate that lets one go at a time."""
    world.throttle = Throttle(
        TokenBucket(rate=0.0, burst=1),
        world.api,
        uptime=lambda: asyncio.get_running_loop().time(),
        opened=world.inbox.open_gate,
        warn=lambda *_: None,
    )


def waits_for_its_turn(
    world: World, meanwhile: Callable[[CustomEvent], None]
) -> Callable[[], Awaitable[None]]:
    """While one attempt is under way, something happens to the event behind it."""
    half_open(world)

    async def story() -> None:
        assert await world.throttle.enter("uid") is None
        (event,) = apply_all(world, "shop/a")
        await asyncio.sleep(5.0)
        assert world.inbox.busy == 1
        meanwhile(event)
        world.throttle.leave(CREATED)
        await asyncio.sleep(5.0)

    return story


def test_an_event_that_is_edited_at_the_gate_is_sent_as_it_is_then(world: World) -> None:
    def change(event: CustomEvent) -> None:
        world.inbox.offer(world.cluster.change(event, edit))

    play(world, waits_for_its_turn(world, change))
    assert [body["summary"] for body, _ in world.api.posts] == ["other"]
    assert len(world.journal.committed_intents) == 1


def test_an_event_that_is_deleted_at_the_gate_is_not_sent(world: World) -> None:
    def delete(event: CustomEvent) -> None:
        world.cluster.objects.clear()
        world.inbox.forget(event)

    play(world, waits_for_its_turn(world, delete))
    assert world.api.posts == []
    assert world.journal.committed_intents == []
    assert world.inbox.busy == 0


def test_who_stops_sends_nothing_that_waits_at_the_gate_and_records_nothing(world: World) -> None:
    def stop(_: CustomEvent) -> None:
        world.inbox.close()
        world.throttle.close()

    play(world, waits_for_its_turn(world, stop))
    assert world.api.posts == []
    assert world.cluster.writes == []
    assert world.journal.committed_intents == []


def test_an_event_that_failed_before_keeps_its_words_when_the_operator_stops(world: World) -> None:
    world.api.answers = [NoAnswer(Stage.CONNECT, "ClientConnectorError")]
    failed = world.handle(world.cluster.apply()).fresh
    assert failed is not None
    world.clock.advance(300)
    world.throttle.close()
    assert world.handle(failed).fresh == failed
    assert len(world.cluster.writes) == 1


# --- A slow rate


def test_by_a_slow_rate_each_event_comes_to_the_gate_once_and_namespaces_take_turns(
    world: World,
) -> None:
    asked: list[str] = []

    class Gate(Throttle):
        async def enter(self, uid: str, namespace: str | None = None) -> Closed | None:
            asked.append(uid)
            return await super().enter(uid, namespace)

    world.throttle = Gate(
        TokenBucket(rate=0.1, burst=1),
        world.api,
        uptime=lambda: asyncio.get_running_loop().time(),
        opened=world.inbox.open_gate,
        warn=lambda *_: None,
    )
    apply_all(world, *(f"many/{number}" for number in range(50)), "few/a", "few/b")

    async def story() -> None:
        await asyncio.sleep(55.0)
        assert posted(world) == ["many/0", "few/a", "many/1", "few/b", "many/2"]
        assert len(asked) == 6
        world.throttle.close()

    play(world, story)


# --- A namespace whose events all fail


@pytest.mark.parametrize(("status", "at_most"), [(500, 31), (405, 61)])
def test_a_namespace_whose_events_all_fail_delays_another_by_one_pause(
    world: World, monkeypatch: pytest.MonkeyPatch, status: int, at_most: int
) -> None:
    post, late = world.api.post, dict[str, int]()

    async def answer(body: Raw, delivery_id: str) -> Answer | NoAnswer:
        await post(body, delivery_id)
        is_broken = body["details"]["customevents.dev/source"].startswith("broken/")
        return Answer(status if is_broken else 201)

    monkeypatch.setattr(world.api, "post", answer)
    half_open(world)
    apply_all(world, *(f"broken/{number}" for number in range(1000, 1040)))

    async def story() -> None:
        probing = asyncio.create_task(world.throttle.run())
        for second in range(600):
            if second % 40 == 0:
                apply_all(world, f"few/{second}")
            await asyncio.sleep(1.0)
            world.clock.advance(1.0)
            for path in posted(world):
                late.setdefault(path, second - int(path.partition("/")[2]))
        probing.cancel()
        world.throttle.close()

    play(world, story)
    others = {path: seconds for path, seconds in late.items() if path.startswith("few/")}
    assert len(others) >= 13
    assert max(others.values()) <= at_most


# --- A cluster without a name


def test_an_event_that_was_held_for_the_name_is_posted_as_soon_as_that_is_found(
    world: World,
) -> None:
    known, world.cluster_name = world.cluster_name, Nameless("the cluster's name is not known")
    apply_all(world, "shop/a")

    async def story() -> None:
        await asyncio.sleep(1.0)
        assert posted(world) == []
        world.cluster_name = known
        world.inbox.release(Reason.CLUSTER_NAME_UNKNOWN)
        await asyncio.sleep(1.0)
        assert posted(world) == ["shop/a"]

    play(world, story)


# --- The commit


def test_a_commit_that_came_too_late_gives_its_turn_at_the_gate_back(world: World) -> None:
    half_open(world)
    world.journal.memory.stale = 2
    world.handle(world.cluster.apply())
    assert len(world.journal.committed_intents) == 3
    assert len(set(world.journal.committed_intents)) == 1
    assert len(world.api.posts) == 1


def test_a_retry_after_that_another_event_meets_during_the_commit_holds_for_this_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = world.journal.commit

    async def meanwhile(intent: Intent) -> float:
        world.throttle.leave(Outcome(OutcomeClass.REFUSED_FOR_NOW, 429, pause=90.0))
        return await commit(intent)

    at_once(world.throttle.enter("uid"))
    monkeypatch.setattr(world.journal, "commit", meanwhile)
    handled = world.handle(world.cluster.apply())
    assert world.api.posts == []
    assert len(world.journal) == 0
    assert (handled.again, handled.gated) == (later(90), True)


def test_trouble_that_comes_and_goes_during_the_commit_lets_one_go_first_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_open(world)
    commits = []

    async def meanwhile(intent: Intent) -> float:
        commits.append(intent)
        if len(commits) == 1:
            world.throttle._in_trouble(Outcome(OutcomeClass.ENDPOINT_LEVEL, 403))
            world.throttle._resume()
        else:
            assert world.throttle._breaker._under_way == 1, "it went in anew, alone"
        return await commit(intent)

    commit = world.journal.commit
    monkeypatch.setattr(world.journal, "commit", meanwhile)
    world.handle(world.cluster.apply())
    assert (len(commits), len(world.api.posts)) == (2, 1)


def test_who_is_no_longer_the_leader_sends_nothing_and_records_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def commit(_: Intent) -> float:
        raise LeadershipLost("another holds the Lease now")

    monkeypatch.setattr(world.journal, "commit", commit)
    with pytest.raises(LeadershipLost):
        world.handle(world.cluster.apply())
    assert world.api.posts == []
    assert world.cluster.writes == []


# --- Events in doubt that cannot be looked at


class Forbidden(MemoryCluster):
    """A cluster that lets nobody read in one namespace."""

    reads = 0

    async def get_event(self, namespace: str, name: str) -> Raw:
        if namespace == "forbidden":
            self.reads += 1
            raise ClusterError("the Kubernetes API answered 403: forbidden", 403)
        return await super().get_event(namespace, name)


def test_what_is_in_doubt_and_cannot_be_looked_at_keeps_nobody_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = Forbidden()
    world = World(cluster)
    apply_all(world, *(f"forbidden/{number}" for number in range(40)))
    world.inbox.lost_sight("forbidden")

    async def story() -> None:
        await asyncio.sleep(1.0)
        apply_all(world, "shop/a", "shop/b", "shop/c")
        await asyncio.sleep(10.0)
        assert posted(world) == ["shop/a", "shop/b", "shop/c"]

    play(world, story)
    assert len(posted(world)) == 3, "nothing that is in doubt is sent"
    assert cluster.reads < 20, "nobody spins"
    assert caplog.text.count("cannot be") <= 1, "its trouble is told once, and not for each event"


def test_what_is_deleted_unseen_while_it_is_looked_at_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    (event,) = apply_all(world, "shop/a")
    world.inbox.doubt({event.uid})
    read = world.cluster.get_event

    async def get_event(namespace: str, name: str) -> Raw:
        found = await read(namespace, name)
        if world.cluster.objects.pop((namespace, name), None):
            world.inbox.lost_sight("")
            world.inbox.sees("")
        return found

    monkeypatch.setattr(world.cluster, "get_event", get_event)

    async def story() -> None:
        await asyncio.sleep(60.0)

    play(world, story)
    assert posted(world) == []


def is_gone(raw: Raw) -> None:
    raw["metadata"]["uid"] = "another of its name"


def is_told(raw: Raw) -> None:
    raw["status"] = recorded(record(state=State.DELIVERED)).status.to_json()


@pytest.mark.parametrize("change", [is_gone, is_told])
def test_what_a_look_found_is_believed_and_no_watch_that_lags(
    change: Callable[[Raw], None],
) -> None:
    world = World()
    (event,) = apply_all(world, "shop/a")
    world.inbox.doubt({event.uid})
    world.cluster.change(event, change)

    async def story() -> None:
        await asyncio.sleep(1.0)
        world.inbox.offer(event)
        await asyncio.sleep(60.0)

    play(world, story)
    assert posted(world) == []


def test_a_long_line_at_the_gate_keeps_nothing_back_while_the_watch_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At three events a second the last of sixteen waits longer than a look is good for."""
    world = World()
    apply_all(world, "shop/a")
    world.inbox.lost_sight("")
    enter = world.throttle.enter

    async def wait(uid: str, namespace: str | None = None) -> Closed | None:
        world.clock.advance(LOOK_HOLDS + 1)
        return await enter(uid, namespace)

    monkeypatch.setattr(world.throttle, "enter", wait)

    async def story() -> None:
        await asyncio.sleep(60.0)

    play(world, story)
    assert posted(world) == ["shop/a"]


# --- A time that another node's clock set


def test_an_attempt_that_was_put_off_for_a_day_is_made_within_the_hour(world: World) -> None:
    waiting = recorded(record(next_attempt_time=later(20 * 3600)))
    status = waiting.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    first = world.handle(world.cluster.apply(status=status))
    assert first.fresh is not None
    assert first.again == later(3600)
    world.clock.advance(1800)
    second = world.handle(first.fresh)
    assert second.fresh is not None
    assert second.again == later(3600)
    world.clock.advance(1800)
    assert world.api.posts == []
    world.handle(second.fresh)
    assert len(world.api.posts) == 1


def test_an_attempt_that_was_put_off_beyond_its_deadline_expires_in_time(world: World) -> None:
    waiting = recorded(record(next_attempt_time=later(20 * 3600)))
    status = waiting.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    short = raw_spec(deliveryDeadlineSeconds=60)
    event = world.cluster.apply(status=status, spec=short)
    handled = world.handle(event)
    assert handled.again == later(60)
