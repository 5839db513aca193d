"""An object of the cluster, as far as the operator keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from customevents.resource.errors import UnreadableEvent
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.status import State
from unit.builders import event, raw_event, raw_spec, record, recorded


def test_what_is_needed_to_deliver_is_kept() -> None:
    read = event()
    assert (read.uid, read.path) == ("7d3c9e5a-8f53-4ab0-9a41-0c6b1d2e3f40", "shop/checkout-1-4-2")
    assert (read.resource_version, read.generation) == (100, 1)
    assert read.spec == raw_spec()
    assert read.resend == ""


def test_the_record_is_kept_as_it_is_stored_for_the_next_writes_comparison() -> None:
    stored = {"state": "Pending", "aFieldOfANewerCrd": 1}
    assert event(status={"delivery": stored}).stored_record == stored
    assert event(status={}).stored_record is None


def test_an_object_that_never_had_a_status_is_read() -> None:
    raw = raw_event()
    del raw["status"]
    assert read_event(raw).status.delivery.state is State.PENDING


def test_events_that_nobody_has_written_on_share_one_status() -> None:
    def untouched(message: str) -> CustomEvent:
        return event(
            status={
                "conditions": [{"type": "Delivered", "status": "Unknown", "message": message}],
                "delivery": {"state": "Pending"},
            }
        )

    one, other, of_another_crd = untouched("wait"), untouched("wait"), untouched("wait longer")
    assert one.status is other.status
    assert one.stored_record is other.stored_record
    assert of_another_crd.status.delivered.message == "wait longer"


def entry(time: str | None, **fields: str) -> dict[str, str]:
    return {"manager": "kubectl", **({"time": time} if time else {}), **fields}


@pytest.mark.parametrize(
    ("entries", "hour"),
    [
        ([], 12),
        ([entry("2026-05-01T13:00:00Z")], 13),
        ([entry("2026-05-01T14:00:00Z"), entry("2026-05-01T13:00:00Z")], 14),
        ([entry("2026-05-01T13:00:00Z"), entry("2026-05-01T15:00:00Z", subresource="status")], 13),
        ([entry("2026-05-01T15:00:00Z", subresource="status")], 12),
        ([entry(None)], 12),
        ([entry("2026-05-01T11:00:00Z")], 12),
        ([entry("9999-12-31T23:59:59Z"), entry("2026-05-01T13:00:00Z")], 13),
        ([entry("0000-12-31T12:00:00Z")], 12),
        ([entry("0001-01-01T00:00:00+23:00"), entry("9998-12-31T23:59:59-23:00")], 12),
    ],
    ids=[
        "created and left alone",
        "edited",
        "the newest edit counts",
        "our own status is no edit",
        "only our own status",
        "an entry without a time",
        "never before its creation",
        "a time that leaves no room for a deadline",
        "a time before all that can be read",
        "offsets that lead out of it",
    ],
)
def test_an_event_changed_when_somebody_last_wrote_anything_but_its_status(
    entries: list[dict[str, str]], hour: int
) -> None:
    assert event(managedFields=entries).changed == datetime(2026, 5, 1, hour, tzinfo=UTC)


def test_the_resend_annotation_is_read() -> None:
    assert event(annotations={"customevents.dev/resend": "again", "other": "x"}).resend == "again"


def test_of_a_long_resend_annotation_only_what_the_record_can_hold_is_read() -> None:
    annotated = event(annotations={"customevents.dev/resend": "x" * 5000})
    assert annotated.resend == "x" * 1024


DELIVERED = record(state=State.DELIVERED)
RESENT = record(state=State.DELIVERED, resend="one")


@pytest.mark.parametrize(
    ("object_", "settled"),
    [
        (recorded(DELIVERED), True),
        (recorded(record(state=State.FAILED)), True),
        (recorded(record(state=State.EXPIRED)), True),
        (recorded(record(state=State.RETRYING)), False),
        (recorded(record(state=State.HELD)), False),
        (recorded(record(state=State.SUSPENDED)), False),
        (event(), False),
        (recorded(DELIVERED, generation=2), False),
        (recorded(DELIVERED, resend="one"), False),
        (recorded(RESENT, resend="one"), True),
        (recorded(RESENT), True),
        (recorded(RESENT, resend="two"), False),
    ],
    ids=[
        "delivered",
        "failed",
        "expired",
        "retrying",
        "held",
        "suspended",
        "new",
        "delivered, then edited",
        "delivered, resend asked for",
        "resend answered",
        "annotation removed after it was answered",
        "another resend asked for",
    ],
)
def test_an_event_is_settled_when_there_is_nothing_to_do(
    object_: CustomEvent, settled: bool
) -> None:
    assert object_.needs_nothing is settled


@pytest.mark.parametrize(
    ("object_", "answered"),
    [
        (recorded(DELIVERED, generation=2), True),
        (recorded(DELIVERED, observed=2, generation=2), True),
        (recorded(DELIVERED, generation=3), False),
        (recorded(record(state=State.RETRYING), generation=2), False),
    ],
    ids=["delivered, then deleted", "deleted, then delivered", "edited as well", "undelivered"],
)
def test_of_an_object_that_is_being_deleted_nothing_is_to_be_done(
    object_: CustomEvent, answered: bool
) -> None:
    deleting = replace(object_, deleting=True)
    assert deleting.needs_nothing
    assert deleting.answered is answered


def test_that_an_object_is_being_deleted_is_read() -> None:
    assert event(deletionTimestamp="2026-05-01T12:00:00Z").deleting
    assert not event().deleting


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (
            {"delivery": {"state": "NotKnownYet"}},
            "status.delivery.state must be Pending, Delivered, Retry",
        ),
        (
            {"delivery": {"lastOutcome": {"class": "Odd"}}},
            "status.delivery.lastOutcome.class must be NotSent, ",
        ),
        ({"delivery": "Delivered"}, "status.delivery must be a map"),
        (["Delivered"], "it is no CustomEvent"),
    ],
    ids=str,
)
def test_a_status_that_cannot_be_read_is_named_in_one_line(status: object, why: str) -> None:
    with pytest.raises(UnreadableEvent) as caught:
        read_event({**raw_event(), "status": status})
    message = str(caught.value)
    assert message.startswith("shop/checkout-1-4-2 cannot be read: ")
    assert why in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "raw",
    [
        *({}, None, [], "x", {"metadata": None}, {"metadata": {"name": "x"}}),
        {"kind": "Status", "metadata": {}},
    ],
    ids=str,
)
def test_what_is_no_object_at_all_is_said_to_be_none(raw: Any) -> None:
    with pytest.raises(UnreadableEvent, match="it is no CustomEvent"):
        read_event(raw)
