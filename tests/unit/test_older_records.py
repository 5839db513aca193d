"""Records as earlier versions of the operator wrote them, letter by letter: read rightly today."""

from __future__ import annotations

from typing import Any

import pytest

from customevents.delivery.state import Policy
from customevents.resource.event import CustomEvent
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.resource.status import State
from unit.builders import raw_spec
from unit.in_memory import Raw, World

ID = "3edc17b4-e21a-5887-a620-52d287ec4805"
HASH = "v1:a434ab12a1ac47a4e6d9c77d4d0f1616c53f1506776ba150deee0c658d4e3fd8"
TIME = "2026-05-01T11:59:00.000000Z"

#: What all of them wrote after one attempt; `resend` and `resendTime` came second, and only where
#: a resend was asked for.
TRIED: Raw = {
    "id": ID,
    "sequence": 1,
    "contentHash": HASH,
    "attempts": 1,
    "unknownOutcomes": 0,
    "lastAttemptTime": TIME,
}
SUCCESS: Raw = {**TRIED, "finishedTime": TIME, "lastOutcome": {"class": "Success", "code": 201}}
DELIVERED: Raw = {**SUCCESS, "state": "Delivered"}
LOST: Raw = {**TRIED, "unknownOutcomes": 1, "lastOutcome": {"class": "Unknown", "code": 502}}
RETRYING: Raw = {**LOST, "state": "Retrying", "nextAttemptTime": TIME}
HELD: Raw = {**LOST, "state": "Held"}
#: Where the schema refused the rest, before that kept the resend and the last outcome.
ESSENCE: Raw = {
    "state": "Delivered",
    "id": ID,
    "sequence": 1,
    "contentHash": HASH,
    "attempts": 1,
    "unknownOutcomes": 0,
}
#: Of a delivered event that an edit made unreadable: the very first version, and those after it.
FIRST_INVALID: Raw = {**SUCCESS, "state": "Failed"}
INVALID: Raw = {
    "state": "Failed",
    "sequence": 1,
    "attempts": 0,
    "unknownOutcomes": 0,
    "finishedTime": TIME,
}


def written(world: World, delivery: Raw, reason: str) -> CustomEvent:
    """An object as that version left it."""
    condition = {
        "type": "Delivered",
        "status": "True" if delivery["state"] == "Delivered" else "False",
        "reason": reason,
        "message": "as it was",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-05-01T11:59:00Z",
    }
    return world.cluster.apply(status={"conditions": [condition], "delivery": delivery})


def edit(world: World, event: CustomEvent, **spec: Any) -> CustomEvent:
    """The same with another spec."""

    def change(raw: Raw) -> None:
        raw["spec"] = raw_spec(**spec)
        raw["metadata"]["generation"] += 1

    return world.cluster.change(event, change)


@pytest.fixture
def world() -> World:
    return World()


def test_what_an_earlier_version_wrote_of_this_content_is_what_today_says_of_it(
    world: World,
) -> None:
    event = world.cluster.apply()
    world.handle(event)
    record = world.cluster.now(event).status.delivery
    assert (record.id, record.content_hash) == (ID, HASH)


@pytest.mark.parametrize("delivery", [DELIVERED, ESSENCE], ids=["whole", "essence"])
def test_what_an_earlier_version_delivered_is_not_sent_again(world: World, delivery: Raw) -> None:
    event = written(world, delivery, "Delivered")
    assert event.needs_nothing
    world.handle(edit(world, event, suspend=False, ttlSecondsAfterFinished=60))
    assert world.api.posts == []
    now = world.cluster.now(event).status
    assert (now.delivery.state, now.delivered.observed_generation) == (State.DELIVERED, 2)
    world.handle(edit(world, event, summary="other"))
    assert len(world.api.posts) == 1
    assert world.cluster.now(event).status.delivery.sequence == 2


def test_what_an_earlier_version_tried_is_tried_on_under_its_id(world: World) -> None:
    event = written(world, RETRYING, "UnknownOutcome")
    world.handle(event)
    assert [sent_as for _, sent_as in world.api.posts] == [ID]
    record = world.cluster.now(event).status.delivery
    assert (record.state, record.attempts, record.unknown_outcomes) == (State.DELIVERED, 2, 1)


def test_what_an_earlier_version_holds_for_a_person_is_held(world: World) -> None:
    world.policy = Policy(on_unknown_outcome=UnknownOutcomePolicy.HOLD)
    event = written(world, HELD, "UnknownOutcome")
    assert event.needs_nothing
    world.handle(event)
    assert world.api.posts == []


def test_a_resend_that_an_earlier_version_answered_is_not_sent_again(world: World) -> None:
    resent: Raw = {**DELIVERED, "sequence": 2, "resend": "one", "resendTime": TIME}
    event = written(world, resent, "Delivered")
    event = world.cluster.change(
        event, lambda raw: raw["metadata"].update(annotations={"customevents.dev/resend": "one"})
    )
    assert event.needs_nothing
    world.handle(event)
    assert world.api.posts == []


def test_what_the_first_version_delivered_before_an_unreadable_edit_is_delivered(
    world: World,
) -> None:
    event = written(world, FIRST_INVALID, "Invalid")
    world.handle(edit(world, event))
    assert world.api.posts == []
    assert world.cluster.now(event).status.delivery.state is State.DELIVERED


def test_of_what_later_ones_forgot_at_an_unreadable_edit_the_next_telling_has_a_new_id(
    world: World,
) -> None:
    event = written(world, INVALID, "Invalid")
    world.handle(edit(world, event))
    ((_, sent_as),) = world.api.posts
    assert sent_as != ID
    assert world.cluster.now(event).status.delivery.sequence == 2
