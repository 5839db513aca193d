"""What users read: one condition that never holds up a rollout, and a record that round-trips."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from customevents.resource.status import (
    MOST,
    Condition,
    DeliveryRecord,
    LastOutcome,
    OutcomeClass,
    ResolvedScope,
    State,
    Status,
    to_seconds,
)
from unit.builders import NOW, stored

EAST = timezone(timedelta(hours=5, minutes=30))

WHOLE = Status(
    conditions=(
        Condition(
            status="True",
            reason="Delivered",
            message="Delivered at the first attempt.",
            observed_generation=1,
            last_transition_time="2026-05-01T12:00:00Z",
        ),
    ),
    delivery=DeliveryRecord(
        state=State.DELIVERED,
        id="5e0c",
        sequence=1,
        content_hash="v1:abc",
        resend="again",
        resend_time=NOW,
        attempts=2,
        unknown_outcomes=1,
        last_attempt_time=NOW,
        finished_time=NOW,
        last_outcome=LastOutcome(outcome_class=OutcomeClass.SUCCESS, code=201),
    ),
    resolved=ResolvedScope(
        endpoint="api.komodor.com",
        severity="information",
        clusters=("prod-eu-1",),
        namespaces=("shop",),
        service_names=("checkout",),
        reach="service checkout, namespace shop, cluster prod-eu-1",
        sources={"clusters": "setting clusterName"},
    ),
)


@pytest.mark.parametrize(
    ("state", "condition", "finished"),
    [
        (State.PENDING, "Unknown", False),
        (State.RETRYING, "False", False),
        (State.DELIVERED, "True", True),
        (State.FAILED, "False", True),
        (State.EXPIRED, "False", True),
        (State.HELD, "False", False),
        (State.SUSPENDED, "Unknown", False),
    ],
    ids=str,
)
def test_each_state_has_its_condition(state: State, condition: str, finished: bool) -> None:
    assert state.condition == condition
    assert state.finished is finished


def test_the_states_keep_their_names_since_field_selectors_ask_for_them() -> None:
    assert [state.value for state in State] == [
        "Pending",
        "Delivered",
        "Retrying",
        "Failed",
        "Expired",
        "Held",
        "Suspended",
    ]


def test_the_status_is_written_in_the_crds_spelling() -> None:
    assert WHOLE.to_json() == {
        "conditions": [
            {
                "type": "Delivered",
                "status": "True",
                "reason": "Delivered",
                "message": "Delivered at the first attempt.",
                "observedGeneration": 1,
                "lastTransitionTime": "2026-05-01T12:00:00Z",
            }
        ],
        "delivery": {
            "state": "Delivered",
            "id": "5e0c",
            "sequence": 1,
            "contentHash": "v1:abc",
            "resend": "again",
            "resendTime": "2026-05-01T12:00:00.000000Z",
            "attempts": 2,
            "unknownOutcomes": 1,
            "lastAttemptTime": "2026-05-01T12:00:00.000000Z",
            "finishedTime": "2026-05-01T12:00:00.000000Z",
            "lastOutcome": {"class": "Success", "code": 201},
        },
        "resolved": {
            "endpoint": "api.komodor.com",
            "severity": "information",
            "clusters": ["prod-eu-1"],
            "namespaces": ["shop"],
            "serviceNames": ["checkout"],
            "reach": "service checkout, namespace shop, cluster prod-eu-1",
            "sources": {"clusters": "setting clusterName"},
        },
    }


def test_what_was_written_reads_as_the_same_status() -> None:
    assert Status.model_validate(json.loads(json.dumps(WHOLE.to_json()))) == WHOLE


def test_nothing_is_written_as_null_or_as_an_empty_list() -> None:
    bare = Status(conditions=(Condition(),), resolved=ResolvedScope(endpoint="api.komodor.com"))
    assert bare.to_json() == {
        "conditions": [
            {"type": "Delivered", "status": "Unknown", "reason": "Pending", "message": ""}
        ],
        "delivery": {"state": "Pending", "sequence": 0, "attempts": 0, "unknownOutcomes": 0},
        "resolved": {"endpoint": "api.komodor.com"},
    }
    assert Status.model_validate(bare.to_json()) == bare


def test_there_is_no_condition_and_no_field_that_kstatus_would_judge_a_rollout_by() -> None:
    written = WHOLE.to_json()
    assert set(written) == {"conditions", "delivery", "resolved"}
    assert [condition["type"] for condition in written["conditions"]] == ["Delivered"]


zones = st.sampled_from([UTC, EAST, timezone(timedelta(hours=-11))])
moments = st.datetimes(
    min_value=datetime(1970, 1, 2), max_value=datetime(8999, 12, 30), timezones=zones
)


@given(moments)
def test_a_time_survives_being_written_and_read(moment: datetime) -> None:
    written = Status(delivery=DeliveryRecord(next_attempt_time=moment)).to_json()
    assert Status.model_validate(written).delivery.next_attempt_time == moment


@given(moments)
def test_a_time_is_written_in_utc_with_six_decimals(moment: datetime) -> None:
    delivery = stored(DeliveryRecord(next_attempt_time=moment))
    assert delivery["nextAttemptTime"] == f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def test_a_conditions_time_is_in_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 5, 1, 17, 30, 15, 999999, tzinfo=EAST)
    assert to_seconds(moment) == "2026-05-01T12:00:15Z"


def test_the_schema_default_reads_as_a_pending_delivery() -> None:
    waiting = {"type": "Delivered", "status": "Unknown", "reason": "Pending", "message": "Waiting"}
    read = Status.model_validate({"conditions": [waiting], "delivery": {"state": "Pending"}})
    assert read.delivery == DeliveryRecord()
    assert read.delivered.status == "Unknown"
    assert read.delivered.observed_generation is None


def test_an_object_without_any_status_reads_as_pending() -> None:
    assert Status.model_validate({}).delivery.state is State.PENDING
    assert Status.model_validate({}).delivered.reason == "Pending"


def test_the_condition_is_found_among_others() -> None:
    other = {"type": "Seen", "status": "True"}
    delivered = {"type": "Delivered", "status": "False", "reason": "Refused"}
    read = Status.model_validate({"conditions": [other, delivered]})
    assert read.delivered.reason == "Refused"


def test_fields_of_a_newer_crd_are_no_reason_to_refuse_a_status() -> None:
    assert Status.model_validate({"delivery": {"state": "Held", "colour": "red"}, "more": 1})


@pytest.mark.parametrize(
    "raw",
    [
        {"delivery": {"state": "Confused"}},
        {"delivery": {"id": 5}},
        {"resolved": {"clusters": "prod"}},
        {"delivery": {"lastOutcome": {"class": "Odd"}}},
        {"conditions": [{"type": "Delivered", "status": "Perhaps"}]},
    ],
    ids=str,
)
def test_a_status_that_the_schema_cannot_have_let_in_is_an_error(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Status.model_validate(raw)


@pytest.mark.parametrize(
    ("planted", "read"),
    [(0, 0), (7, 7), (-1, 0), ("many", 0), (1.5, 0), (None, 0), (2**30 - 2, 2**30 - 2)],
    ids=str,
)
@pytest.mark.parametrize("count", ["attempts", "unknownOutcomes", "sequence"])
def test_a_count_is_read_as_one(count: str, planted: object, read: int) -> None:
    delivery = Status.model_validate({"delivery": {count: planted}}).delivery
    assert Status(delivery=delivery).model_dump(by_alias=True)["delivery"][count] == read


@pytest.mark.parametrize("planted", [2**31 - 1, 2**63 - 1, 10**30], ids=str)
@pytest.mark.parametrize("count", ["attempts", "unknownOutcomes", "sequence"])
def test_a_count_leaves_room_to_go_on_counting(count: str, planted: int) -> None:
    delivery = Status.model_validate({"delivery": {count: planted}}).delivery
    room = MOST - Status(delivery=delivery).model_dump(by_alias=True)["delivery"][count]
    assert room > 1_000_000


@pytest.mark.parametrize("planted", ["0000-01-01T00:00:00Z", "soon", 5, "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize(
    "field", ["resendTime", "lastAttemptTime", "nextAttemptTime", "finishedTime"]
)
def test_a_time_that_cannot_be_one_is_none(field: str, planted: object) -> None:
    delivery = Status.model_validate({"delivery": {field: planted}}).delivery
    assert delivery == DeliveryRecord()


@pytest.mark.parametrize("planted", [99, 1000, 2**63 - 1, "200", None], ids=str)
def test_a_code_that_cannot_be_one_of_http_is_none(planted: object) -> None:
    read = Status.model_validate({"delivery": {"lastOutcome": {"code": planted}}})
    assert read.delivery.last_outcome == LastOutcome()


def test_counts_that_may_be_missing_are_checked_too() -> None:
    huge = 2**63 - 1
    read = Status.model_validate(
        {
            "conditions": [{"type": "Delivered", "observedGeneration": huge}],
            "resolved": {"matchingServices": huge},
        }
    )
    assert read.resolved is not None
    assert 0 < (read.resolved.matching_services or 0) < MOST
    assert 0 < (read.delivered.observed_generation or 0) < MOST
