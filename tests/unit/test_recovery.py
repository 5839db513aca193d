"""The crash table of a new leader: what the last one left in flight is settled, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from customevents.delivery.results import LATE
from customevents.delivery.state import Policy
from customevents.eventsapi.answer import Answer
from customevents.resource.errors import ClusterError, StatusRefused
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.lease import Intent
from customevents.resource.spec import UnknownOutcomePolicy, parse_spec
from customevents.resource.status import State
from customevents.scope.cluster_name import Nameless
from unit.at_work import play, seconds
from unit.builders import later, raw_spec, record, stored
from unit.in_memory import Handled, Raw, World
from unit.instant import at_once
from unit.lost_attempts import POST_TIMEOUT, entry, settle_all, stands
from unit.queued import soon


@pytest.fixture
def world() -> World:
    return World()


def settle(world: World, *entries: Intent) -> None:
    """Let a new leader find these in the journal."""
    at_once(settle_all(world, entries))


def edit(raw: Raw) -> None:
    raw["spec"]["summary"] = "other"
    raw["metadata"]["generation"] = 2


def resend(raw: Raw) -> None:
    raw["metadata"]["annotations"] = {"customevents.dev/resend": "again"}


# --- The rows of the table


def test_an_attempt_that_was_never_committed_is_made_once(world: World) -> None:
    event = world.cluster.apply()
    settle(world)
    world.handle(world.cluster.now(event))
    assert len(world.api.posts) == 1
    assert stands(world, event).unknown_outcomes == 0


def test_an_attempt_without_a_result_is_unknown_and_counted(world: World) -> None:
    event = world.cluster.apply()
    settle(world, entry(event))
    after = stands(world, event)
    assert (after.state, after.attempts, after.unknown_outcomes) == (State.RETRYING, 1, 1)
    assert world.cluster.now(event).status.delivered.reason == "UnknownOutcome"
    assert len(world.journal) == 0


@pytest.mark.asyncio
async def test_an_attempt_that_was_begun_while_one_was_settled_stays_in_the_journal(
    world: World,
) -> None:
    event = world.cluster.apply()
    newer = entry(event, attempt=2)
    await world.journal.commit(newer)
    await world.recovery().settle([entry(event)], later(POST_TIMEOUT))
    assert world.journal.entry(event.uid) == newer


def test_it_is_tried_again_under_its_id_but_not_before_the_post_timeout(world: World) -> None:
    event = world.cluster.apply()
    lost = entry(event)
    settle(world, lost)
    world.taken_over.clear()  # the new leader is started again, and goes by the record
    waits = world.handle(world.cluster.now(event))
    assert world.api.posts == []
    assert waits.again is not None
    assert waits.again >= later(POST_TIMEOUT)
    world.clock.now = waits.again
    world.handle(world.cluster.now(event))
    assert [sent_as for _, sent_as in world.api.posts] == [lost.delivery_id]
    assert stands(world, event).state is State.DELIVERED
    assert stands(world, event).unknown_outcomes == 1


def test_under_hold_it_waits_for_a_person(world: World) -> None:
    world.policy = Policy(on_unknown_outcome=UnknownOutcomePolicy.HOLD)
    event = world.cluster.apply()
    settle(world, entry(event))
    assert stands(world, event).state is State.HELD
    world.clock.advance(3600)
    world.handle(world.cluster.now(event))
    assert world.api.posts == []


def test_an_attempt_whose_result_is_recorded_is_dropped(world: World) -> None:
    event = world.cluster.apply()
    world.handle(event)
    before = world.cluster.now(event)
    settle(world, entry(event))
    assert world.cluster.now(event) == before
    assert len(world.journal) == 0


def test_a_later_attempt_than_that_which_delivered_it_is_counted_and_it_stays_delivered(
    world: World,
) -> None:
    told = stored(record(state=State.DELIVERED, attempts=1))
    event = world.cluster.apply(status={"delivery": told})
    settle(world, entry(event, attempt=2))
    after = stands(world, event)
    assert (after.state, after.attempts, after.unknown_outcomes) == (State.DELIVERED, 2, 1)


def test_a_later_attempt_than_the_recorded_ones_is_counted(world: World) -> None:
    tried = stored(record(attempts=2))
    event = world.cluster.apply(status={"delivery": tried})
    settle(world, entry(event, attempt=3))
    assert (stands(world, event).attempts, stands(world, event).unknown_outcomes) == (3, 1)


def test_an_attempt_whose_object_is_gone_is_dropped(world: World) -> None:
    event = world.cluster.apply()
    world.cluster.objects.clear()
    settle(world, entry(event))
    assert world.cluster.writes == []
    assert len(world.journal) == 0


def newer(raw: Raw) -> None:
    raw["status"] = {"delivery": {"state": "NotKnownYet"}}


def test_an_object_that_a_newer_version_wrote_does_not_keep_a_leader_from_its_work(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    event = world.cluster.apply()
    (raw,) = world.cluster.objects.values()
    newer(raw)
    settle(world, entry(event))
    assert world.cluster.writes == []
    assert len(world.journal) == 1  # whoever can read it counts the attempt
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{event.path}: its lost attempt cannot be settled yet: ")
    (looking_again,) = world.aside
    looking_again.close()


def test_once_it_can_be_read_its_lost_attempt_is_counted_before_it_is_sent(world: World) -> None:
    event = world.cluster.apply()
    (raw,) = world.cluster.objects.values()
    newer(raw)
    settle(world, entry(event))
    raw["status"] = {"delivery": {"state": "Pending"}}

    async def story() -> None:
        world.inbox.offer(world.cluster.now(event))
        await seconds(world, 60)

    play(world, story)
    assert len(world.api.posts) == 1
    assert (stands(world, event).attempts, stands(world, event).unknown_outcomes) == (2, 1)


def test_if_it_goes_its_lost_attempt_leaves_the_journal(world: World) -> None:
    event = world.cluster.apply()
    newer(world.cluster.objects[event.namespace, event.name])
    settle(world, entry(event))

    async def story() -> None:
        await seconds(world, 400)
        assert len(world.journal) == 1
        world.cluster.objects.clear()
        await seconds(world, 400)

    play(world, story)
    assert len(world.journal) == 0


@pytest.mark.parametrize(
    "refusal",
    [StatusRefused("too many attempts", 422), RuntimeError("nobody foresaw it")],
    ids=["refused by the schema", "tripped over"],
)
def test_one_odd_object_keeps_no_leader_from_its_work_nor_its_namespace_from_being_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    odd, other = (world.cluster.apply(uid=name, name=name) for name in ("odd", "other"))
    patch, refused = world.cluster.patch_status, [refusal]

    async def patch_status(event: CustomEvent, status: Raw) -> Raw:
        if event.uid == "odd" and refused:
            raise refused[0]
        return await patch(event, status)

    monkeypatch.setattr(world.cluster, "patch_status", patch_status)
    settle(world, entry(odd), entry(other))
    assert stands(world, other).unknown_outcomes == 1
    assert list(world.journal._entries) == ["odd"]

    async def story() -> None:
        for event in (odd, other):
            world.inbox.offer(world.cluster.now(event))
        await seconds(world, 100)
        assert stands(world, other).state is State.DELIVERED
        assert len(world.api.posts) == 1, "nothing of the odd one before its attempt is counted"
        refused.clear()
        await seconds(world, 600)
        assert stands(world, odd).state is State.DELIVERED

    play(world, story)
    assert stands(world, odd).unknown_outcomes == 1


def test_an_attempt_whose_object_goes_as_its_status_is_refused_leaves_the_journal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def patch_status(event: CustomEvent, status: Raw) -> Raw:
        del event, status
        world.cluster.objects.clear()
        raise StatusRefused("too many attempts", 422)

    event = world.cluster.apply()
    monkeypatch.setattr(world.cluster, "patch_status", patch_status)
    settle(world, entry(event))
    assert len(world.journal) == 0


def test_an_attempt_of_an_object_that_is_being_deleted_is_settled_and_not_sent_again(
    world: World,
) -> None:
    event = world.cluster.apply(deletionTimestamp="2026-05-01T12:00:00Z")
    settle(world, entry(event))
    assert (stands(world, event).attempts, stands(world, event).unknown_outcomes) == (1, 1)
    world.clock.advance(3600)
    deleted = world.cluster.now(event)
    assert world.handle(deleted) == Handled(deleted)
    assert world.api.posts == []


def test_another_object_of_the_same_name_is_an_event_of_its_own(world: World) -> None:
    old = entry(world.cluster.apply())
    again = world.cluster.apply(uid="another")
    settle(world, old)
    assert world.cluster.writes == []
    assert len(world.journal) == 0
    world.handle(again)
    assert len(world.api.posts) == 1
    assert stands(world, again).unknown_outcomes == 0


def test_another_object_of_the_same_name_is_another_also_where_nobody_can_read_it(
    world: World,
) -> None:
    """A newer version of the operator has written its status: the old one was kept for ever."""
    old = entry(world.cluster.apply())
    again = world.cluster.apply(uid="another")
    newer(world.cluster.objects[again.namespace, again.name])
    settle(world, old)
    assert len(world.journal) == 0


def test_settling_twice_counts_once(world: World) -> None:
    """The new leader may crash, too, before its journal says that it is done."""
    event = world.cluster.apply()
    lost = entry(event)
    settle(world, lost)
    settle(world, lost)
    assert stands(world, event).unknown_outcomes == 1


# --- The object changed meanwhile


@pytest.mark.parametrize("policy", UnknownOutcomePolicy)
def test_of_an_event_edited_meanwhile_the_old_content_is_counted_and_the_new_one_sent(
    world: World, policy: UnknownOutcomePolicy
) -> None:
    world.policy = Policy(on_unknown_outcome=policy)
    event = world.cluster.apply()
    lost = entry(event)
    world.cluster.change(event, edit)
    settle(world, lost)
    after = stands(world, event)
    assert (after.state, after.sequence, after.unknown_outcomes) == (State.PENDING, 2, 1)
    world.clock.advance(POST_TIMEOUT)
    world.handle(world.cluster.now(event))
    ((body, sent_as),) = world.api.posts
    assert body["summary"] == "other"
    assert sent_as != lost.delivery_id
    assert stands(world, event).state is State.DELIVERED
    assert stands(world, event).unknown_outcomes == 1


def test_of_an_event_resent_meanwhile_the_lost_attempt_is_counted_and_the_resend_sent(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.handle(event)
    event = world.cluster.change(event, edit)
    lost = entry(event, sequence=2)
    world.cluster.change(event, resend)
    settle(world, lost)
    assert stands(world, event).unknown_outcomes == 1
    world.clock.advance(POST_TIMEOUT)
    world.handle(world.cluster.now(event))
    assert len(world.api.posts) == 2
    assert world.api.posts[-1][1] not in (lost.delivery_id, world.api.posts[0][1])


def test_content_that_came_back_is_told_after_the_lost_attempt_of_another(world: World) -> None:
    """A was delivered, B was under way, and A stands there again: B may be on the timeline."""
    event = world.cluster.apply()
    world.handle(event)
    lost = entry(world.cluster.change(event, edit), sequence=2)
    world.cluster.change(event, lambda raw: raw.update(spec=raw_spec()))
    settle(world, lost)
    world.clock.advance(POST_TIMEOUT)
    world.handle(world.cluster.now(event))
    first, second = (sent_as for _, sent_as in world.api.posts)
    assert first != second
    assert stands(world, event).sequence == 3


def test_an_edited_event_is_settled_twice_and_counted_once(world: World) -> None:
    event = world.cluster.apply()
    lost = entry(event)
    world.cluster.change(event, edit)
    settle(world, lost)
    settle(world, lost)
    assert (stands(world, event).sequence, stands(world, event).unknown_outcomes) == (2, 1)


@pytest.mark.parametrize("times", [1, 2])
def test_an_event_that_cannot_be_read_any_more_fails_and_is_counted_once(
    world: World, times: int
) -> None:
    event = world.cluster.apply()
    lost = entry(event)
    world.cluster.change(event, lambda raw: raw["spec"].update(severity="Critical"))
    for _ in range(times):
        settle(world, lost)
    assert stands(world, event).state is State.FAILED
    assert stands(world, event).unknown_outcomes == 1


# --- Whom it is about


def about(*namespaces: str) -> Raw:
    return raw_spec(scope={"namespaces": list(namespaces)})


def test_what_was_resolved_for_the_content_before_is_not_the_scope_of_the_lost_one(
    world: World,
) -> None:
    """The wide event was delivered; its narrow edit was under way."""
    event = world.cluster.apply(spec=about("shop", "pay", "ship"))
    world.handle(event)
    lost = entry(
        world.cluster.change(event, lambda raw: raw.update(spec=about("shop"))), sequence=2
    )
    settle(world, lost)
    world.clock.advance(POST_TIMEOUT)
    world.handle(world.cluster.now(event))
    _, (body, sent_as) = world.api.posts
    assert sent_as == lost.delivery_id
    assert body["scope"]["namespaces"] == ["shop"]


def test_what_was_shown_before_the_first_attempt_is_not_what_that_attempt_sent(
    world: World,
) -> None:
    """Shown while it was suspended; what it was released with came after that."""
    labels = {"app.kubernetes.io/instance": "checkout"}
    event = world.cluster.apply(spec=raw_spec(suspend=True), labels=labels)
    world.clock.advance(60)
    world.handle(event)
    world.workloads.apply("checkout", labels=labels)
    event = world.cluster.change(event, lambda raw: raw.update(spec=raw_spec()))
    settle(world, entry(event))
    world.clock.advance(60)
    world.handle(world.cluster.now(event))
    ((body, _),) = world.api.posts
    assert body["scope"]["servicesNames"] == ["checkout"]


def test_the_scope_of_the_attempts_before_the_lost_one_stays(world: World) -> None:
    world.api.answers = [Answer(503), Answer(201)]
    event = world.cluster.apply()
    world.handle(event)
    before = world.cluster.now(event).status.resolved
    settle(world, entry(event, attempt=2))
    assert before is not None
    assert world.cluster.now(event).status.resolved == before


def test_what_has_no_scope_after_a_lost_attempt_is_sent_when_it_has_one(world: World) -> None:
    """It waits for its scope, as its reason says, and not for a person."""
    event = world.cluster.apply()
    settle(world, entry(event))
    world.clock.advance(600)
    known, world.cluster_name = world.cluster_name, Nameless("the cluster's name is not known")
    world.handle(world.cluster.now(event))
    held = world.cluster.now(event)
    assert (held.status.delivery.state, held.status.delivered.reason) == (
        State.HELD,
        "ClusterNameUnknown",
    )
    assert not held.needs_nothing
    world.cluster_name = known
    world.handle(held)
    assert stands(world, event).state is State.DELIVERED
    assert len(world.api.posts) == 1


def test_what_was_edited_is_not_sent_before_the_lost_attempt_has_ended(world: World) -> None:
    """A deposed leader may still be sending the old content: the new one must come after it."""
    event = world.cluster.apply()
    lost = entry(event)
    world.cluster.change(event, edit)
    settle(world, lost)
    now = world.cluster.now(event)
    assert (now.status.delivery.state, now.status.delivery.unknown_outcomes) == (State.PENDING, 1)
    world.taken_over.clear()  # the new leader is started again, and goes by the record
    assert world.handle(now).again == later(POST_TIMEOUT)
    assert world.api.posts == []
    world.clock.advance(POST_TIMEOUT)
    world.handle(now)
    assert [body["summary"] for body, _ in world.api.posts] == ["other"]


def back(raw: Raw) -> None:
    raw["spec"] = raw_spec()
    raw["metadata"]["generation"] = 3


def suspended(raw: Raw) -> None:
    raw["spec"]["suspend"] = True
    raw["metadata"]["generation"] = 2


def misspell(raw: Raw) -> None:
    raw["spec"]["severity"] = "Critical"
    raw["metadata"]["generation"] = 2


RETRY, HOLD = UnknownOutcomePolicy.RETRY, UnknownOutcomePolicy.HOLD


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        pytest.param(RETRY, [edit], id="edited"),
        pytest.param(RETRY, [resend], id="resent"),
        pytest.param(RETRY, [edit, back], id="edited and back"),
        pytest.param(RETRY, [suspended, back], id="suspended and released"),
        pytest.param(RETRY, [misspell, back], id="misspelt and back"),
        pytest.param(HOLD, [edit], id="held and edited"),
        pytest.param(HOLD, [resend], id="held and resent"),
    ],
)
def test_nothing_that_happens_to_an_event_lets_it_overtake_its_lost_attempt(
    world: World, policy: UnknownOutcomePolicy, changes: list[Callable[[Raw], None]]
) -> None:
    """A deposed leader may still be sending: what is sent now would stand before that."""
    world.policy = Policy(on_unknown_outcome=policy)
    event = world.cluster.apply()
    settle(world, entry(event))
    for change in changes:
        world.clock.advance(1)
        waits = world.handle(world.cluster.change(event, change))
        assert world.api.posts == []
    assert waits.again == later(POST_TIMEOUT)
    world.clock.now = later(POST_TIMEOUT)
    world.handle(world.cluster.now(event))
    assert len(world.api.posts) == 1
    assert stands(world, event).state is State.DELIVERED


@pytest.mark.parametrize(
    "before",
    [None, State.RETRYING],
    ids=["its first attempt", "a retry"],
)
def test_what_waits_for_a_person_after_a_lost_attempt_still_does_behind_an_unreadable_edit(
    world: World, before: State | None
) -> None:
    """Under Hold it would be told a second time."""
    world.policy = Policy(on_unknown_outcome=HOLD)
    status = None if before is None else {"delivery": stored(record(state=before))}
    event = world.cluster.apply(status=status)
    lost = entry(event, attempt=1 if before is None else 2)
    misspell(world.cluster.objects[event.namespace, event.name])
    settle(world, lost)
    assert stands(world, event).unknown_outcomes == 1
    world.clock.now = later(POST_TIMEOUT)
    world.handle(world.cluster.change(event, back))
    assert world.api.posts == []
    assert (stands(world, event).state, stands(world, event).unknown_outcomes) == (State.HELD, 1)
    assert stands(world, event).content_hash, "a backup would bring it back as news"
    world.handle(world.cluster.change(event, edit))
    assert [body["summary"] for body, _ in world.api.posts] == ["other"]


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "not tried yet"])
def test_a_resend_has_its_whole_deadline_behind_an_unreadable_edit(
    world: World, is_lost: bool
) -> None:
    """What occurred long ago would expire at once."""
    spec = raw_spec(occurredAt="2026-01-01T00:00:00Z")
    expired = stored(record(parse_spec(spec), state=State.EXPIRED))
    event = world.cluster.apply(spec=spec, status={"delivery": expired})
    event = world.cluster.change(event, resend)
    lost = entry(event, sequence=2)
    misspell(world.cluster.objects[event.namespace, event.name])
    if is_lost:
        settle(world, lost)
    else:
        world.handle(world.cluster.now(event))
    assert stands(world, event).resend_time == world.clock.now
    world.clock.now = later(POST_TIMEOUT)

    def taken_back(raw: Raw) -> None:
        del raw["spec"]["severity"]
        raw["metadata"]["generation"] = 3

    world.handle(world.cluster.change(event, taken_back))
    assert len(world.api.posts) == 1
    assert stands(world, event).state is State.DELIVERED


def test_what_was_delivered_is_not_told_again_behind_a_lost_retry_and_an_unreadable_edit(
    world: World,
) -> None:
    event = world.cluster.apply(status={"delivery": stored(record(state=State.DELIVERED))})
    lost = entry(event, attempt=2)
    misspell(world.cluster.objects[event.namespace, event.name])
    settle(world, lost)
    world.clock.now = later(POST_TIMEOUT)
    world.handle(world.cluster.change(event, back))
    assert world.api.posts == []
    found = stands(world, event)
    assert (found.state, found.attempts, found.unknown_outcomes) == (State.DELIVERED, 2, 1)


def test_an_end_of_a_lost_attempt_that_a_clock_was_set_back_from_is_not_waited_for(
    world: World,
) -> None:
    event = world.cluster.apply()
    settle(world, entry(event))
    world.clock.advance(-86_400)
    world.handle(world.cluster.change(event, edit))
    assert len(world.api.posts) == 1


@pytest.mark.parametrize("found", [edit, misspell, newer], ids=["edited", "invalid", "unreadable"])
def test_however_it_was_found_its_mended_content_does_not_overtake_the_lost_attempt(
    world: World, found: Callable[[Raw], None]
) -> None:
    """The deposed leader may be stopped within its POST for as long as that may take."""
    event = world.cluster.apply()
    lost = entry(event)
    found(world.cluster.objects[event.namespace, event.name])
    settle(world, lost)

    def mend(raw: Raw) -> None:
        raw["spec"] = raw_spec(summary="as it is now")
        raw["metadata"]["generation"] = 3
        if found is newer:
            raw["status"] = {"delivery": {"state": "Pending"}}

    async def story() -> None:
        world.inbox.offer(world.cluster.change(event, mend))
        await seconds(world, int(POST_TIMEOUT) - 1)
        assert world.api.posts == []
        await seconds(world, 3)

    play(world, story)
    assert [body["summary"] for body, _ in world.api.posts] == ["as it is now"]
    assert stands(world, event).unknown_outcomes == 1


# --- A namespace that cannot be written


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
        assert asyncio.get_running_loop().time() - begun < LATE + 1.0
        assert stands(world, other).unknown_outcomes == 1
        assert sorted(world.journal._entries) == ["a", "b"]
        for event in (*refused, world.cluster.now(other)):
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


def delete(world: World, event: CustomEvent) -> None:
    del world.cluster.objects[event.namespace, event.name]


def is_going(world: World, event: CustomEvent) -> None:
    gone_soon = {"deletionTimestamp": "2026-05-01T12:00:01Z", "finalizers": ["of/somebody"]}
    world.cluster.change(event, lambda raw: raw["metadata"].update(gone_soon))


def stays(world: World, event: CustomEvent) -> None:
    """It is held, as its author wants that of a lost attempt."""


@pytest.mark.parametrize("shown", ["before", "after", "out"])
@pytest.mark.parametrize("change", [delete, is_going, stays])
def test_what_is_settled_late_is_not_sent_as_a_watch_that_lags_shows_it(
    world: World, change: Callable[[World, CustomEvent], None], shown: str
) -> None:
    hold = raw_spec(onUnknownOutcome="Hold")
    event = world.cluster.apply(uid="a", name="a", namespace="locked", spec=hold)
    policy = RefusedNamespace(world, "locked")

    async def story() -> None:
        begun = entry(event)
        if shown == "out":
            world.inbox.offer(event)
            assert await soon(world.inbox) is not None
        await settle_all(world, [begun])
        if shown == "before":
            world.inbox.offer(event)
        change(world, event)
        policy.lifted = True
        await asyncio.gather(*world.aside)
        if shown == "after":
            world.inbox.offer(event)
        if shown == "out":
            assert not world.inbox.is_current(event)
            world.inbox.done(event, event, None)
        world.inbox.offer(event)
        assert await soon(world.inbox) is None
        assert len(world.journal) == 0

    at_once(story())


def test_what_needs_a_telling_after_it_was_settled_late_gets_it(world: World) -> None:
    event = world.cluster.apply(uid="a", name="a", namespace="locked")
    policy = RefusedNamespace(world, "locked")

    async def story() -> None:
        await settle_all(world, [entry(event)])
        policy.lifted = True
        await asyncio.gather(*world.aside)
        assert await soon(world.inbox) is None  # a namespace may not be watched any more
        world.inbox.offer(world.cluster.now(event))
        taken = await soon(world.inbox)
        assert taken is not None
        assert taken.status.delivery.unknown_outcomes == 1

    at_once(story())


def test_a_schema_that_is_found_too_old_as_it_is_settled_late_stops_sending_and_not_the_process(
    world: World,
) -> None:
    event = world.cluster.apply(uid="a", name="a", namespace="locked")
    policy = RefusedNamespace(world, "locked")
    world.cluster.prunes = "contentHash"

    async def story() -> None:
        await settle_all(world, [entry(event)])
        policy.lifted = True
        await asyncio.gather(*world.aside)  # raises nothing: readiness tells of it
        assert "Apply the CRD" in world.throttle.halted

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


def test_such_a_namespace_stays_blocked_while_too_many_of_it_wait_alone(world: World) -> None:
    """A policy refuses all, then most as they are: what settles last must not let them go."""
    events = [world.cluster.apply(uid=n, name=n, namespace="locked") for n in "abcdef"]
    patch = world.cluster.patch_status
    refuses: list[type[ClusterError]] = [ClusterError]

    async def patch_status(event: CustomEvent, status: Raw) -> Raw:
        if refuses[0] is StatusRefused and event.uid == "f":
            await asyncio.sleep(60.0)
            return await patch(event, status)
        raise refuses[0]("denied by a policy", 403 if refuses[0] is ClusterError else 422)

    world.cluster.patch_status = patch_status  # type: ignore[method-assign]

    async def story() -> None:
        await settle_all(world, [entry(event) for event in events])
        refuses[0] = StatusRefused
        await asyncio.sleep(120.0)
        assert stands(world, events[-1]).unknown_outcomes == 1
        for event in (*events, world.cluster.apply(uid="new", name="new", namespace="locked")):
            world.inbox.offer(event)
        await asyncio.sleep(1.0)
        assert world.inbox.places()["blocked"] > 0
        assert world.api.posts == []

    play(world, story)


def test_objects_that_cannot_be_read_at_first_are_settled_all_the_same(world: World) -> None:
    event = world.cluster.apply()
    world.cluster.lost_reads = 5

    async def story() -> None:
        await settle_all(world, [entry(event)])
        await asyncio.gather(*world.aside)

    at_once(story())
    assert read_event(world.cluster.objects["shop", event.name]).status.delivery.attempts == 1
