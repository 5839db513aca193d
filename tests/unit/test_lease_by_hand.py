"""A Lease that somebody edited: whatever stands there, a new leader leads, and forgets nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from customevents.delivery.election import Observed, Terms
from customevents.delivery.journal import TakenOver
from customevents.resource.lease import IN_FLIGHT, LONGEST_DURATION, MOST, read_entries, readable
from customevents.settings import Settings
from unit.instant import at_once
from unit.leases import Raw, Scene, held_by, intent, seconds_until

#: Lease duration + POST timeout.
QUARANTINE = 45.0

GOOD = ["uid", "id", "shop", "checkout", 1, 1]

#: Of all kinds that JSON has.
ODD: list[Any] = [None, True, 7, -1, 1.5, "", "x", [], ["x"], {}, {"x": 1}, 2**70]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def acquire(scene: Scene) -> TakenOver:
    async def within_a_while() -> TakenOver:
        return await asyncio.wait_for(scene.journal().acquire(), 600)

    return at_once(within_a_while())


def listing(*rows: Any) -> Raw:
    """A Lease that was released with these rows."""
    return held_by("", annotation=json.dumps({"format": 1, "entries": rows}))


def with_field(place: int, value: Any) -> list[Any]:
    row = list(GOOD)
    row[place] = value
    return row


BAD_ROWS: list[Any] = [
    *(with_field(0, value) for value in ODD if value != "x"),
    *(with_field(1, value) for value in ODD if value != "x"),
    *(with_field(2, value) for value in (*ODD, "../shop", "a/b", "a?b", "a%2Fb") if value != "x"),
    *(with_field(3, value) for value in (*ODD, "../checkout", "a/b", "a#b", "..") if value != "x"),
    *(with_field(4, value) for value in (*ODD, MOST) if value != 7 or value is True),
    *(with_field(5, value) for value in (*ODD, MOST) if value != 7 or value is True),
    *ODD,
    "abcdef",
    GOOD[:5],
    [*GOOD, 1],
    dict(enumerate(GOOD)),
]


@pytest.mark.parametrize("row", BAD_ROWS, ids=str)
def test_a_row_that_names_no_attempt_is_dropped_and_the_others_are_settled(
    scene: Scene, row: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scene.leases.change(listing(["a", "id-of-a", "shop", "name-of-a", 1, 1], row))
    assert acquire(scene) == TakenOver((intent("a"),), QUARANTINE)
    assert scene.leases.listed == [["a"]]
    assert [r.getMessage() for r in caplog.records] == [
        "1 rows of the Lease name no attempt: dropped"
    ]


def test_of_two_rows_of_an_object_the_later_attempt_is_settled(scene: Scene) -> None:
    rows = [["a", "id-of-a", "shop", "name-of-a", 1, number] for number in (2, 3, 1)]
    scene.leases.change(listing(*rows))
    assert acquire(scene) == TakenOver((intent("a", attempt=3),), QUARANTINE)


def test_dropped_rows_are_told_once_however_often_the_lease_cannot_be_taken(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.leases.change(listing("odd"))

    async def story() -> None:
        journal = scene.journal()
        acquiring = asyncio.create_task(journal.acquire())
        scene.leases.failed_reads = 3
        await asyncio.wait_for(acquiring, 600)
        assert journal.election.times_lost == 1

    at_once(story())
    assert sum("rows of the Lease" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "9" * 5_000, "NaN", '{"format": 1, "entries": "abcdef"}', "", "null"]
)
def test_a_list_of_any_form_is_unreadable_and_stops_nobody(scene: Scene, text: str) -> None:
    scene.leases.change(held_by("", annotation=text))
    assert acquire(scene) == TakenOver((), QUARANTINE)


# --- How long a holder is believed


def free_after(**spec: Any) -> float:
    """Seconds until the Lease of a holder that is gone is free."""
    lease = readable(held_by("gone"))
    lease["spec"].update(spec)
    observed, terms = Observed(), Terms("us", duration=15.0)
    found = next(s for s in range(10_000) if observed.is_free(lease, terms, float(s)))
    return float(found)


@pytest.mark.parametrize("stated", [2**31 - 1, 61, 10**400, 1e308])
def test_a_holder_that_is_gone_is_believed_for_a_minute_whatever_it_states(stated: Any) -> None:
    assert free_after(leaseDurationSeconds=stated) == LONGEST_DURATION


@pytest.mark.parametrize("stated", [0, -1, "15", True, None, [], {}, float("nan")])
def test_one_that_states_no_duration_is_believed_for_ours(stated: Any) -> None:
    assert free_after(leaseDurationSeconds=stated) == 15


def test_no_operator_may_have_a_longer_lease_than_is_believed() -> None:
    bounds = Settings.model_fields["lease_duration"].metadata
    assert LONGEST_DURATION in [getattr(bound, "le", None) for bound in bounds]


@pytest.mark.parametrize("stated", [2**31 - 1, 2**40, -1, "7", 7.5, True, None, []])
def test_transitions_that_cannot_be_counted_on_begin_anew(scene: Scene, stated: Any) -> None:
    scene.leases.change(held_by(""))
    scene.leases.edit(leaseTransitions=stated)
    acquire(scene)
    assert scene.leases.stands["spec"]["leaseTransitions"] == 0


def test_a_leader_goes_on_after_transitions_that_began_anew(scene: Scene) -> None:
    scene.leases.change(held_by(""))
    scene.leases.edit(leaseTransitions=2**31 - 1)

    async def story() -> None:
        async with scene.leading() as journal:
            await journal.commit(intent("a"))
            scene.leases.edit({"team": "payments"})
            assert await seconds_until(journal.commit(intent("b"))) < 1

    at_once(story())


@pytest.mark.parametrize(
    "edit", [{"leaseTransitions": 9}, {"leaseDurationSeconds": 1}, {"renewTime": None}], ids=str
)
def test_a_leader_goes_on_whatever_is_edited_but_the_holder(
    scene: Scene, edit: dict[str, Any]
) -> None:
    scene.leases.change(held_by(""))

    async def story() -> None:
        async with scene.leading() as journal:
            await journal.commit(intent("a"))
            scene.leases.edit(None, **edit)
            assert await seconds_until(journal.commit(intent("b"))) < 1
            assert scene.leases.listed[-1] == ["a", "b"]

    at_once(story())


# --- Supervisor that are missing or odd


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize(
    "place", ["metadata.annotations", IN_FLIGHT, "spec", "holderIdentity", "renewTime"]
)
def test_a_lease_of_any_form_is_led_with_in_the_end(scene: Scene, place: str, odd: Any) -> None:
    lease = held_by("gone", intent("a"))
    match place:
        case "metadata.annotations":
            lease["metadata"]["annotations"] = odd
        case "spec":
            lease["spec"] = odd
        case "holderIdentity" | "renewTime":
            lease["spec"][place] = odd
        case _:
            lease["metadata"]["annotations"][place] = odd
    scene.leases.change(lease)
    known = place in ("spec", "holderIdentity", "renewTime")
    assert acquire(scene) == (
        TakenOver((intent("a"),), 0.0) if known else TakenOver((), QUARANTINE)
    )


@pytest.mark.parametrize("metadata", ODD, ids=str)
def test_the_list_is_read_of_any_json(metadata: Any) -> None:
    lease = readable({"metadata": metadata, "spec": metadata})
    assert not read_entries(lease["metadata"]["annotations"].get(IN_FLIGHT)).whole
