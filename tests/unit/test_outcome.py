"""The table of outcomes, a row each: may the event have been applied, and who is to blame."""

from __future__ import annotations

import pytest

from customevents.delivery.outcome import Follows, Outcome, classify, row_of
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.status import OutcomeClass
from unit.builders import NOW

ROWS = [
    (OutcomeClass.SUCCESS, [200, 201, 202, 204, 299]),
    (OutcomeClass.ENDPOINT_LEVEL, [401, 403, 404, 405, 407, 410, 421, 451]),
    (OutcomeClass.ENDPOINT_LEVEL, [300, 301, 302, 303, 304, 307, 308, 399]),
    (OutcomeClass.REFUSED_FOR_NOW, [408, 425, 429]),
    (OutcomeClass.REFUSED, [400, 406, 413, 415, 422, 431]),
    (OutcomeClass.REFUSED, [402, 411, 412, 414, 416, 417, 418, 423, 424, 426, 428, 444, 499]),
    (OutcomeClass.UNKNOWN, [409]),
    (OutcomeClass.UNKNOWN, [500, 502, 503, 504]),
    (OutcomeClass.UNKNOWN, [501, 505, 507, 511, 520, 599, 600, 999]),
    (OutcomeClass.UNKNOWN, [100, 101, 103, 199]),
]


def outcome_of(result: Answer | NoAnswer) -> Outcome:
    return classify(result, NOW)


@pytest.mark.parametrize(("kind", "status"), [(kind, one) for kind, all_ in ROWS for one in all_])
def test_each_status_has_its_class(kind: OutcomeClass, status: int) -> None:
    outcome = outcome_of(Answer(status))
    assert outcome.kind is kind
    assert outcome.code == status


def test_a_503_that_says_when_to_come_back_applied_nothing() -> None:
    assert outcome_of(Answer(503, retry_after="30")).kind is OutcomeClass.REFUSED_FOR_NOW


@pytest.mark.parametrize("status", [201, 301, 400, 403, 409, 429, 500, 502, 504])
def test_on_any_other_status_a_wish_to_wait_changes_nothing(status: int) -> None:
    assert outcome_of(Answer(status, retry_after="30")).kind is outcome_of(Answer(status)).kind


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        (Stage.CERTIFICATE, OutcomeClass.ENDPOINT_LEVEL),
        (Stage.CONNECT, OutcomeClass.NEVER_ARRIVED),
        (Stage.SENT, OutcomeClass.UNKNOWN),
    ],
)
def test_without_an_answer_it_counts_how_far_the_attempt_came(
    stage: Stage, kind: OutcomeClass
) -> None:
    outcome = outcome_of(NoAnswer(stage, "SomeError"))
    assert outcome.kind is kind
    assert outcome.code is None


def test_only_a_2xx_is_a_success() -> None:
    successes = {
        status
        for status in range(100, 1000)
        if outcome_of(Answer(status)).kind is OutcomeClass.SUCCESS
    }
    assert successes == set(range(200, 300))


def test_the_words_for_an_outcome_hold_nothing_of_the_servers_text() -> None:
    assert outcome_of(Answer(429, retry_after="Wed, 01 May 2026 12:00:00 GMT")).words == "HTTP 429"
    assert outcome_of(NoAnswer(Stage.SENT, "ServerDisconnectedError")).words == (
        "ServerDisconnectedError"
    )


@pytest.mark.parametrize(
    ("result", "seconds"),
    [
        (Answer(429, retry_after="7"), 7.0),
        (Answer(503, retry_after="7"), 7.0),
        (Answer(429), 0.0),
        (Answer(408, retry_after="7"), 0.0),
        (Answer(201, retry_after="7"), 0.0),
        (NoAnswer(Stage.SENT, "ServerDisconnectedError"), 0.0),
    ],
    ids=["429", "503", "429 that says nothing", "408", "201", "no answer"],
)
def test_a_retry_after_beside_429_and_503_asks_to_leave_the_endpoint_alone(
    result: Answer | NoAnswer, seconds: float
) -> None:
    assert outcome_of(result).pause == seconds


# --- The table


def test_no_status_is_in_two_rows() -> None:
    statuses = [status for kind in OutcomeClass for status in row_of(kind).statuses]
    assert len(statuses) == len(set(statuses))


def test_each_stage_is_in_one_row() -> None:
    stages = [row_of(kind).stage for kind in OutcomeClass]
    assert sorted(stage for stage in stages if stage) == sorted(Stage)


@pytest.mark.parametrize("kind", OutcomeClass)
def test_what_may_have_been_applied_is_counted_or_delivered_and_nothing_else_is(
    kind: OutcomeClass,
) -> None:
    follows = row_of(kind).follows
    assert row_of(kind).maybe_applied == (follows in (Follows.COUNT, Follows.DELIVERED))


@pytest.mark.parametrize("kind", OutcomeClass)
def test_each_row_says_what_happened_and_the_reason_is_named_after_its_class(
    kind: OutcomeClass,
) -> None:
    row = row_of(kind)
    assert row.words(Outcome(kind, detail="it broke"))
    assert row.reason in (kind.value, f"{kind.value}Outcome", "Delivered")
