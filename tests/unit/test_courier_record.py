"""A result gets onto its object, whatever the Kubernetes API does, and never twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from customevents.delivery.state import Policy, Verdict
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.eventsapi.refusal import Refusal
from customevents.resource.errors import ClusterError, Conflict, Gone, StatusRefused
from customevents.resource.event import CustomEvent
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.resource.status import LastOutcome, OutcomeClass, State
from customevents.scope.cluster_name import Nameless
from unit.builders import later, raw_spec, record, spec, stored
from unit.in_memory import Handled, Raw, World
from unit.instant import at_once

NEVER_ARRIVED = NoAnswer(Stage.CONNECT, "ClientConnectorError")


@pytest.fixture
def world() -> World:
    return World()


def delivered(world: World, **parts: object) -> CustomEvent:
    """An event that was delivered and recorded."""
    handled = world.handle(world.cluster.apply(**parts))
    assert handled.fresh is not None
    assert handled.fresh.status.delivery.state is State.DELIVERED
    return handled.fresh


def test_an_object_that_is_gone_gets_no_record(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = world.cluster.objects.clear
    assert world.handle(event) == Handled(None)
    assert len(world.api.posts) == 1
    assert world.cluster.writes == []
    assert len(world.journal) == 0


def test_a_404_that_is_not_the_objects_own_is_a_write_that_failed(world: World) -> None:
    """As from a load balancer, or where the path is not served for a moment."""
    event = world.cluster.apply()
    world.cluster.refusals = [Gone("not found", 404), ClusterError("page not found", 404)]
    handled = world.handle(event)
    assert handled.fresh is not None
    assert handled.fresh.status.delivery.state is State.DELIVERED
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


def test_an_answer_that_is_no_object_is_a_write_that_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = world.cluster.apply()
    patch, answers = world.cluster.patch_status, [{}, {"kind": "Status", "metadata": {}}]

    async def patch_status(of: CustomEvent, status: Raw) -> Raw:
        fresh = await patch(of, status)
        return answers.pop() if answers else fresh

    monkeypatch.setattr(world.cluster, "patch_status", patch_status)
    assert world.handle(event).fresh == world.cluster.now(event)
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


def test_a_write_that_fails_again_and_again_is_told_once_for_each_trouble(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    event = world.cluster.apply()
    world.cluster.refusals = [ClusterError("busy", 503), ClusterError("slow", 429)] * 2
    world.handle(event)
    assert [record.getMessage() for record in caplog.records] == [
        f"{event.path}: the status cannot be written yet: busy",
        f"{event.path}: the status cannot be written yet: slow",
    ]


@pytest.mark.parametrize(
    ("asked", "least", "most"), [(0.0, 0.5, 1.0), (20.0, 20.0, 21.0), (1e9, 300.0, 301.0)]
)
def test_a_retry_after_is_the_least_pause_between_two_writes(
    world: World, asked: float, least: float, most: float
) -> None:
    event = world.cluster.apply()
    world.cluster.refusals = [ClusterError("slow down", 429, retry_after=asked)]

    async def timed() -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await world.writer().write(event, Verdict(record(), "Refused", ""))
        return loop.time() - begun

    assert least <= at_once(timed()) <= most


def test_another_object_of_the_same_name_does_not_get_the_record(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: world.cluster.apply(uid="another")
    assert world.handle(event) == Handled(None)
    assert world.cluster.writes == []


def test_the_record_is_written_as_often_as_it_takes_and_the_event_posted_once(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.cluster.refusals = [ClusterError("busy", 503), ClusterError("slow", 429)] * 2
    handled = world.handle(event)
    assert handled.fresh is not None
    assert handled.fresh.status.delivery.state is State.DELIVERED
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


def test_a_record_whose_answer_was_lost_is_recognised_and_not_written_again(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.cluster.lost_answers = 1
    handled = world.handle(event)
    assert handled.fresh == world.cluster.now(event)
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


def test_a_conflict_is_settled_although_the_object_cannot_be_read_at_first(world: World) -> None:
    event = world.cluster.apply()
    world.cluster.lost_answers = 1
    world.cluster.lost_reads = 3
    handled = world.handle(event)
    assert handled.fresh == world.cluster.now(event)
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


def test_a_status_that_the_schema_refuses_is_written_in_its_essence(world: World) -> None:
    world.cluster.refusals = [StatusRefused("status.resolved.reach: too long", 422)]
    world.handle(world.cluster.apply())
    (status,) = world.cluster.writes
    delivery = status["delivery"]
    assert (delivery["state"], delivery["attempts"]) == ("Delivered", 1)
    assert delivery["id"] == world.api.posts[0][1]
    assert "resolved" not in status
    assert "lastAttemptTime" not in delivery


def test_a_resend_is_answered_once_although_only_the_essence_of_its_status_is_taken(
    world: World,
) -> None:
    event = world.cluster.apply(annotations={"customevents.dev/resend": "again"})
    world.cluster.refusals = [StatusRefused("status.resolved.reach: too long", 422)]
    handled = world.handle(event)
    assert handled.fresh is not None
    assert handled.fresh.needs_nothing
    world.handle(handled.fresh)
    assert len(world.api.posts) == 1


def test_what_is_held_stays_held_although_only_the_essence_of_its_status_is_taken(
    world: World,
) -> None:
    """Else it would be sent a second time, which its author has ruled out."""
    world.policy = Policy(on_unknown_outcome=UnknownOutcomePolicy.HOLD)
    world.api.answers = [NoAnswer(Stage.SENT, "TimeoutError")]
    world.cluster.refusals = [StatusRefused("status.resolved.reach: too long", 422)]
    handled = world.handle(world.cluster.apply())
    assert handled.fresh is not None
    assert handled.fresh.needs_nothing
    world.handle(handled.fresh)
    assert len(world.api.posts) == 1


@pytest.mark.parametrize("lost", [0, 1], ids=["answered", "its answer lost"])
@pytest.mark.parametrize("pruned", ["lastOutcome.fields", "lastOutcome.requestId", "lastOutcome"])
def test_a_crd_that_drops_what_a_refusal_names_changes_nothing_else(
    world: World, pruned: str, lost: int
) -> None:
    world.cluster.prunes = pruned
    world.cluster.lost_answers = lost
    world.api.answers = [Answer(400, refusal=Refusal(("eventType",), "3f2504e0-4f89"))]
    handled = world.handle(world.cluster.apply())
    assert world.throttle.halted == ""
    assert handled.fresh is not None
    assert handled.fresh.status.delivery.state is State.FAILED
    assert "(HTTP 400: eventType; request 3f2504e0-4f89)" in handled.fresh.status.delivered.message
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


def test_the_essence_of_a_status_is_known_for_our_own_although_its_answer_was_lost(
    world: World,
) -> None:
    world.cluster.refusals = [StatusRefused("status.resolved.reach: too long", 422)]
    world.cluster.lost_answers = 1
    handled = world.handle(world.cluster.apply())
    assert world.throttle.halted == ""
    assert handled.fresh is not None
    assert handled.fresh.status.delivery.unknown_outcomes == 0
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 1)


@pytest.mark.parametrize("dropped", ["contentHash", "id", "state", "resend"])
def test_a_crd_that_drops_what_is_written_stops_all_sending(world: World, dropped: str) -> None:
    """Else the event would be sent again and again, since its record never stands."""
    world.cluster.prunes = dropped
    asked = {"customevents.dev/resend": "once"}
    assert at_once(world.deliver(world.cluster.apply(annotations=asked))) is None
    assert "Apply the CRD" in world.throttle.halted
    assert len(world.journal) == 1
    assert "Apply the CRD" in world.throttle.halted
    assert len(world.journal) == 1

    world.handle(world.cluster.apply(name="next", uid="next"))
    assert len(world.api.posts) == 1


def test_the_courier_lives_on_when_the_crd_drops_what_is_written(world: World) -> None:
    async def story() -> None:
        world.inbox.offer(world.cluster.apply())
        delivering = asyncio.create_task(world.courier().run())
        await asyncio.sleep(1.0)
        world.inbox.close()
        await delivering

    world.cluster.prunes = "contentHash"
    at_once(story())
    assert world.inbox.longest_busy() == 0.0


def test_a_message_is_cut_to_what_the_crd_takes(world: World) -> None:
    long = Verdict(record(state=State.FAILED), "Invalid", "x" * 5000)
    at_once(world.writer().write(world.cluster.apply(), long))
    assert world.cluster.writes[0]["conditions"][0]["message"] == "x" * 4096


def test_an_edit_under_way_is_not_stamped_as_seen(world: World) -> None:
    def edit(raw: Raw) -> None:
        raw["spec"]["summary"] = "other"
        raw["metadata"]["generation"] = 2

    event = world.cluster.apply()
    world.api.during = lambda: world.cluster.change(event, edit)
    handled = world.handle(event)
    assert handled.fresh is not None
    assert handled.fresh.generation == 2
    assert handled.fresh.status.delivered.observed_generation == 1
    assert not handled.fresh.needs_nothing


def test_an_unchanged_status_is_not_written_twice(world: World) -> None:
    world.cluster_name = Nameless("the cluster's name is not known")
    handled = world.handle(world.cluster.apply())
    world.clock.advance(60)
    assert handled.fresh is not None
    again = world.handle(handled.fresh)
    assert again.fresh == handled.fresh
    assert len(world.cluster.writes) == 1


@pytest.mark.parametrize(
    "knob",
    [{"suspend": True}, {"ttlSecondsAfterFinished": 60}, {"onUnknownOutcome": "Hold"}],
    ids=str,
)
def test_an_edit_that_is_not_content_is_stamped_with_one_write_and_no_post(
    world: World, knob: dict[str, object]
) -> None:
    def edit(raw: Raw) -> None:
        raw["spec"].update(knob)
        raw["metadata"]["generation"] = 2

    world.policy = Policy(ttl=True)
    fresh = delivered(world)
    before = world.cluster.writes[-1]
    world.clock.advance(100)
    stamped = world.handle(world.cluster.change(fresh, edit))
    assert stamped.fresh is not None
    assert (len(world.api.posts), len(world.cluster.writes)) == (1, 2)
    assert stamped.fresh.status.delivered.observed_generation == 2
    after = world.cluster.writes[-1]
    after["conditions"][0]["observedGeneration"] = 1
    assert after == before

    world.handle(stamped.fresh)
    assert len(world.cluster.writes) == 2


def test_an_event_that_waits_for_its_next_attempt_is_stamped_too(world: World) -> None:
    def edit(raw: Raw) -> None:
        raw["spec"]["ttlSecondsAfterFinished"] = 60
        raw["metadata"]["generation"] = 2

    world.api.answers = [NEVER_ARRIVED]
    waits = world.handle(world.cluster.apply())
    assert waits.fresh is not None
    stamped = world.handle(world.cluster.change(waits.fresh, edit))
    assert stamped.fresh is not None
    assert stamped.fresh.status.delivered.observed_generation == 2
    assert stamped.again == waits.again
    assert len(world.api.posts) == 1


def test_the_transition_time_changes_with_the_conditions_status_alone(world: World) -> None:
    world.api.answers = [NEVER_ARRIVED, NEVER_ARRIVED, Answer(201)]
    fresh = world.cluster.apply()
    times = []
    for _ in range(3):
        handled = world.handle(fresh)
        assert handled.fresh is not None
        fresh = handled.fresh
        times.append(fresh.status.delivered.last_transition_time)
        world.clock.advance(10)
    assert times == ["2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z", "2026-05-01T12:00:20Z"]


def test_a_second_telling_is_a_new_transition(world: World) -> None:
    fresh = delivered(world)
    world.clock.advance(60)
    edited = world.cluster.change(fresh, lambda raw: raw["spec"].update(summary="other"))
    world.handle(edited)
    times = [status["conditions"][0]["lastTransitionTime"] for status in world.cluster.writes]
    assert times == ["2026-05-01T12:00:00Z", "2026-05-01T12:01:00Z"]


def test_a_resend_is_posted_under_another_id_and_recorded_with_its_value(world: World) -> None:
    def annotate(raw: Raw) -> None:
        raw["metadata"]["annotations"] = {"customevents.dev/resend": "again"}

    fresh = delivered(world)
    world.handle(world.cluster.change(fresh, annotate))
    first, second = (delivery_id for _, delivery_id in world.api.posts)
    assert first != second
    written = world.cluster.writes[-1]["delivery"]
    assert (written["resend"], written["sequence"], written["id"]) == ("again", 2, second)


def test_a_resend_of_an_old_event_is_sent_before_its_new_deadline(world: World) -> None:
    old = raw_spec(occurredAt="2026-04-01T00:00:00Z")
    expired = world.handle(world.cluster.apply(spec=old))
    assert expired.fresh is not None
    assert expired.fresh.status.delivery.state is State.EXPIRED

    def annotate(raw: Raw) -> None:
        raw["metadata"]["annotations"] = {"customevents.dev/resend": "again"}

    world.handle(world.cluster.change(expired.fresh, annotate))
    assert len(world.api.posts) == 1
    assert world.cluster.writes[-1]["delivery"]["resendTime"] == "2026-05-01T12:00:00.000000Z"


def test_a_resend_of_an_old_event_is_not_tried_again_before_its_time(world: World) -> None:
    """Its deadline counts from the resend, and not from the record that the resend replaced."""
    old = raw_spec(occurredAt="2026-04-01T00:00:00Z")
    expired = world.handle(world.cluster.apply(spec=old))
    assert expired.fresh is not None
    world.api.answers = [NEVER_ARRIVED]
    annotations = {"customevents.dev/resend": "again"}
    resent = world.cluster.change(
        expired.fresh, lambda raw: raw["metadata"].update(annotations=annotations)
    )
    handled = world.handle(resent)
    assert handled.fresh is not None
    assert handled.again == handled.fresh.status.delivery.next_attempt_time


def test_a_suspended_resend_of_an_old_event_is_not_looked_at_before_its_time(
    world: World,
) -> None:
    old = raw_spec(occurredAt="2026-04-01T00:00:00Z")
    expired = world.handle(world.cluster.apply(spec=old))
    assert expired.fresh is not None

    def resend(raw: Raw) -> None:
        raw["metadata"]["annotations"] = {"customevents.dev/resend": "again"}
        raw["spec"]["suspend"] = True

    handled = world.handle(world.cluster.change(expired.fresh, resend))
    assert world.cluster.writes[-1]["delivery"]["state"] == "Suspended"
    assert handled.again == later(60)


# --- Where another record stands


LOST = NoAnswer(Stage.SENT, "ServerDisconnectedError")


def another_records(world: World, event: CustomEvent, **fields: Any) -> None:
    """Let another operator write a record while our attempt is under way, of another edit."""
    at = later(-1)  # no two operators make an attempt in the same microsecond
    given = {"state": State.DELIVERED, "attempts": 2, "last_attempt_time": at, **fields}
    theirs = record(**given)
    written = stored(theirs)
    seen = {"type": "Delivered", "status": "False", "observedGeneration": 3}

    def write(raw: Raw) -> None:
        raw["status"] = {"conditions": [seen], "delivery": written}
        raw["metadata"]["generation"] = 5

    world.cluster.change(event, write)


def test_of_two_records_of_one_delivery_the_delivered_one_and_the_more_attempts_stand(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.api.answers = [NEVER_ARRIVED]
    world.api.during = lambda: another_records(world, event)
    world.handle(event)
    stands = world.cluster.now(event).status.delivery
    assert (stands.state, stands.attempts) == (State.DELIVERED, 2)
    assert world.cluster.writes == []


def test_the_record_of_a_later_delivery_is_never_overwritten(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, sequence=7)
    world.handle(event)
    assert world.cluster.now(event).status.delivery.sequence == 7


def test_where_our_words_stand_they_are_about_the_generation_that_we_saw(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, state=State.RETRYING)
    world.handle(event)
    (status,) = world.cluster.writes
    assert status["delivery"]["state"] == "Delivered"
    assert status["conditions"][0]["observedGeneration"] == 1


def test_where_their_words_stand_they_are_about_the_generation_that_they_saw(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.api.answers = [LOST]
    world.api.during = lambda: another_records(world, event)
    world.handle(event)
    (status,) = world.cluster.writes
    assert status["delivery"]["state"] == "Delivered"
    assert status["delivery"]["unknownOutcomes"] == 1
    assert status["conditions"][0]["observedGeneration"] == 3


def test_where_another_telling_of_the_same_number_stands_its_words_stand_as_well(
    world: World,
) -> None:
    """Or the content that we saw would count as told, and what stands there tells another."""
    event = world.cluster.apply()
    theirs = record(spec(summary="before the edit"), state=State.DELIVERED)
    same = {"id": theirs.id, "content_hash": theirs.content_hash, "attempts": 1}
    world.knows_all = False
    world.api.during = lambda: another_records(world, event, **same)
    world.handle(event)
    (status,) = world.cluster.writes
    assert (status["delivery"]["id"], status["delivery"]["unknownOutcomes"]) == (theirs.id, 1)
    assert status["conditions"][0]["observedGeneration"] == 3


def test_an_attempt_that_nobody_here_made_stops_all_sending_and_everybody_reads_no_name(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, attempts=1)
    world.handle(event)
    assert "another operator sends the same events" in world.throttle.halted
    assert event.path not in world.throttle.halted
    assert f"{event.path}: another operator recorded an attempt on it" in caplog.text


def test_what_the_last_leader_still_records_is_no_other_operator(world: World) -> None:
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, attempts=1)
    world.taken_over[event.uid] = world.clock()
    world.handle(event)
    assert world.throttle.halted == ""


def test_who_does_not_know_all_attempts_of_its_own_kind_sees_no_other_operator(
    world: World,
) -> None:
    """The Lease or its list was lost, or another leads by now: see `Election.knows_all`."""
    event = world.cluster.apply()
    world.knows_all = False
    world.api.during = lambda: another_records(world, event, attempts=1)
    world.handle(event)
    assert world.throttle.halted == ""


def test_an_attempt_that_arrived_nowhere_is_no_other_operator(world: World) -> None:
    """The journal keeps none: it may be the last leader's, recorded late."""
    event, nowhere = world.cluster.apply(), LastOutcome(outcome_class=OutcomeClass.ENDPOINT_LEVEL)
    world.api.during = lambda: another_records(world, event, attempts=1, last_outcome=nowhere)
    world.handle(event)
    assert world.throttle.halted == ""


@pytest.mark.parametrize(
    ("state", "attempts", "unknown", "is_another"),
    [
        (State.HELD, 0, 1, False),
        (State.RETRYING, 1, 0, False),
        (State.RETRYING, 1, 1, True),
        (State.DELIVERED, 1, 0, True),
    ],
)
def test_an_essence_is_another_operators_only_where_it_says_that_it_may_have_arrived(
    world: World, state: State, attempts: int, unknown: int, is_another: bool
) -> None:
    """What the last leader could not record at first, it may record late, and only its essence."""
    event = world.cluster.apply()
    essence = {"attempts": attempts, "state": state, "unknown_outcomes": unknown}
    world.api.during = lambda: another_records(world, event, **essence)
    world.handle(event)
    assert bool(world.throttle.halted) is is_another


def test_without_the_lease_nothing_is_said_that_another_leader_may_see_otherwise(
    world: World,
) -> None:
    event = world.cluster.apply(spec=raw_spec(suspend=True))
    world.journal.memory.is_valid = False
    world.handle(event)
    assert world.cluster.writes == []
    world.journal.memory.is_valid = True
    world.handle(event)
    assert world.cluster.now(event).status.delivery.state is State.SUSPENDED


def test_our_own_write_whose_answer_was_lost_is_no_other_operator(world: World) -> None:
    world.cluster.lost_answers = 1
    world.handle(world.cluster.apply())
    assert world.throttle.halted == ""


def test_a_record_that_a_backup_brings_back_is_no_other_operator(world: World) -> None:
    """Its id is that of an object with another uid."""
    event = world.cluster.apply()
    world.api.during = lambda: another_records(world, event, id="of-another-uid")
    world.handle(event)
    assert world.throttle.halted == ""


def test_a_conflict_that_changed_no_record_does_not_change_what_is_recorded(world: World) -> None:
    event = world.cluster.apply()
    world.api.answers = [NEVER_ARRIVED, Answer(400)]
    first = world.handle(event).fresh
    assert first is not None
    world.clock.advance(300)
    world.cluster.refusals = [Conflict("the object has been modified", 409)]
    second = world.handle(first)
    stands = world.cluster.now(event).status
    assert (stands.delivery.state, stands.delivery.attempts) == (State.FAILED, 2)
    assert stands.delivered.reason == "Refused"
    assert second.again is None


def test_what_is_refused_without_a_cause_is_not_tried_without_a_pause(world: World) -> None:
    """As by a webhook that answers 422."""
    event = world.cluster.apply()
    refused = Conflict("denied", 422)
    world.cluster.refusals = [refused] * 1000
    assert at_once(world.deliver(event)) is None
    world.aside.pop().close()
    assert len(world.cluster.refusals) > 980


def test_who_writes_the_record_again_and_again_is_met_with_pauses(world: World) -> None:
    event = world.cluster.now(world.cluster.apply())
    tries: list[float] = []

    def write_over(raw: Raw) -> None:
        raw["status"]["delivery"]["unknownOutcomes"] = len(tries)

    def during() -> None:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) < 6:
            world.cluster.change(event, write_over)

    world.cluster.during = during
    world.handle(event)
    assert len(tries) == 6
    assert tries[-1] - tries[0] > 5.0
    assert len(world.api.posts) == 1
