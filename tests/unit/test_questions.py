"""What `customevents probe` asks, and how an object says what came of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customevents.commands.questions import (
    BODIES,
    LABEL,
    Came,
    Question,
    details,
    questions,
    read_reaction,
    refused_by_cluster,
    settled,
    waves,
)
from customevents.resource import written
from customevents.resource.event import CustomEvent
from unit.builders import event

RUN = "x7k2p"
ASKED = questions(RUN)


def named(key: str) -> Question:
    (found,) = (question for question in ASKED if question.key == key)
    return found


def ended(
    state: str, reason: str = "Refused", outcome: dict[str, Any] | None = None
) -> CustomEvent:
    """An object whose last attempt ended so."""
    conditions = [{"type": "Delivered", "reason": reason, "observedGeneration": 1}]
    delivery = {"state": state, "lastOutcome": outcome} if outcome else {"state": state}
    return event(status={"conditions": conditions, "delivery": delivery})


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.key)
def test_each_event_may_be_written_is_sent_once_and_says_what_it_is(question: Question) -> None:
    manifest = question.manifest
    written.check(manifest)
    assert manifest["metadata"] == {"name": f"probe-{RUN}-{question.key}", "labels": {LABEL: RUN}}
    spec = manifest["spec"]
    assert (spec["onUnknownOutcome"], spec["severity"]) == ("Hold", "Info")
    assert spec["deliveryDeadlineSeconds"] == 60
    assert spec["summary"].startswith(f"probe {RUN}: {question.asks}")
    assert spec["scope"], "without a scope the operator first waits for a release"


def test_no_two_events_have_one_name_and_the_plain_one_comes_first_and_alone() -> None:
    assert len({question.name for question in ASKED}) == len(ASKED) == 14
    assert [question.key for question in waves(RUN)[0]] == ["control"]
    assert [question.key for question in waves(RUN)[-1]] == ["service", "cluster"]


@pytest.mark.parametrize("size", [30, 31, 60])
def test_a_type_has_its_size_and_shows_by_its_end_that_it_is_whole(size: int) -> None:
    value = named(f"type-{size}").manifest["spec"]["eventType"]
    assert (len(value), value[-3:]) == (size, "end")


@pytest.mark.parametrize("size", [100, 101, 4096])
def test_a_summary_has_its_size_and_shows_by_its_end_that_it_is_whole(size: int) -> None:
    value = named(f"summary-{size}").manifest["spec"]["summary"]
    assert (len(value), value[-3:]) == (size, "end")


@pytest.mark.parametrize("kib", BODIES)
def test_details_have_their_size_in_as_few_entries_as_hold_it(kib: int) -> None:
    made = details(kib)
    assert sum(len(key) + len(value) for key, value in made.items()) == kib * 1024
    assert len(made) == min(kib, 64)
    assert len(json.dumps(made)) < kib * 1024 + 1024


def test_the_largest_details_are_all_that_the_schema_takes() -> None:
    largest = details(BODIES[-1])
    assert {(len(key), len(value)) for key, value in largest.items()} == {(128, 1024)}


@pytest.mark.parametrize(
    ("ended_as", "came", "words"),
    [
        (
            ended("Delivered", outcome={"class": "Success", "code": 201}),
            Came.TAKEN,
            "taken: HTTP 201",
        ),
        (
            ended("Failed", outcome={"class": "Refused", "code": 400, "fields": ["eventType"]}),
            Came.REFUSED,
            "refused: HTTP 400, names eventType",
        ),
        (
            ended("Failed", outcome={"class": "Refused", "code": 413}),
            Came.REFUSED,
            "refused: HTTP 413, names no field",
        ),
        (
            ended("Failed", "ScopeNotAllowed"),
            Came.NOT_ASKED,
            "not asked: Failed (ScopeNotAllowed)",
        ),
        (
            ended("Held", "UnknownOutcome", {"class": "Unknown", "code": 503}),
            Came.NO_ANSWER,
            "no answer: HTTP 503, it may be on the timeline all the same",
        ),
        (
            ended("Held", "UnknownOutcome", {"class": "Unknown"}),
            Came.NO_ANSWER,
            "no answer: it may be on the timeline all the same",
        ),
        (
            ended("Retrying", "EndpointLevel", {"class": "EndpointLevel", "code": 404}),
            Came.NO_ANSWER,
            "no answer: HTTP 404, which the operator takes for trouble with the key or the "
            "endpoint",
        ),
        (ended("Pending", "Pending"), Came.NO_ANSWER, "no answer: Pending (Pending)"),
        (event(deletionTimestamp="2026-05-01T12:00:00Z"), Came.NO_ANSWER, "no answer: somebody"),
        (None, Came.NO_ANSWER, "no answer: somebody deleted it"),
    ],
)
def test_what_came_of_an_event_is_read_off_its_object(
    ended_as: CustomEvent | None, came: Came, words: str
) -> None:
    answer = read_reaction(named("type-31"), ended_as)
    assert answer.came is came
    assert answer.words.startswith(words)


def test_of_a_request_only_that_it_was_named_is_kept() -> None:
    outcome = {"class": "Refused", "code": 400, "requestId": "0f6c3a52-7d1e"}
    answer = read_reaction(named("type-31"), ended("Failed", outcome=outcome))
    assert answer.names_request
    assert "0f6c3a52" not in repr(answer)


def test_what_the_cluster_refuses_is_not_asked() -> None:
    forbidden = refused_by_cluster(named("cluster"), 403)
    invalid = refused_by_cluster(named("cluster"), 422)
    assert forbidden.words == "not asked: you may not create it (the cluster's HTTP 403)"
    assert invalid.words == "not asked: a rule of the cluster forbids it (the cluster's HTTP 422)"


@pytest.mark.parametrize(
    ("ended_as", "done"),
    [
        (ended("Delivered", outcome={"class": "Success", "code": 201}), True),
        (ended("Held", "UnknownOutcome", {"class": "Unknown", "code": 503}), True),
        (ended("Retrying", "EndpointLevel", {"class": "EndpointLevel", "code": 404}), True),
        (ended("Retrying", outcome={"class": "RefusedForNow", "code": 429}), False),
        (ended("Pending", "EndpointPaused"), False),
    ],
)
def test_nothing_is_waited_for_that_only_a_person_ends(ended_as: CustomEvent, done: bool) -> None:
    assert settled(ended_as) is done
