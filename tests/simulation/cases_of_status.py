"""What is asked of both API servers about the status, which the operator writes by JSON Patch.

Each case is one function, whose name is the sentence that is true of both.
"""

from __future__ import annotations

from typing import Any

from simulation.comparing import Asking, Case
from simulation.manifests import OPERATOR, Raw, add, event, events, must_be, one, record, status_of

UNTOUCHED = {"state": "Pending"}


def a_record_is_swapped_for_the_one_that_was_read(asked: Asking) -> None:
    uid = asked.post(events(asked), event()).metadata["uid"]
    same = must_be("/metadata/uid", uid)
    first, then = record(), record("Delivered", attempts=2)
    asked.patch(
        status_of(asked),
        same,
        must_be("/status/delivery", UNTOUCHED),
        add("/status", first),
        **OPERATOR,
    )
    asked.patch(
        status_of(asked),
        same,
        must_be("/status/delivery", first["delivery"]),
        add("/status", then),
        **OPERATOR,
    )
    asked.patch(
        status_of(asked),
        same,
        must_be("/status/delivery", first["delivery"]),
        add("/status", first),
        **OPERATOR,
    )
    asked.get(one(asked))


def a_test_that_fails_names_no_cause(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(status_of(asked), must_be("/metadata/uid", "another"), add("/status", record()))
    asked.patch(status_of(asked), must_be("/status/delivery", {}), add("/status", record()))
    asked.patch(status_of(asked), must_be("/status/delivery/id", "x"), add("/status", record()))
    asked.patch(status_of(asked), must_be("/status/no/where", "x"), add("/status", record()))
    asked.get(one(asked))


def what_is_absent_is_null_for_a_test(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(status_of(asked), must_be("/status/delivery/id", None))
    asked.patch(status_of(asked), must_be("/status/delivery", None))
    asked.patch(status_of(asked), must_be("/status/nothing", None), add("/status", {}))
    asked.patch(status_of(asked), must_be("/status/delivery", None))


def a_test_tells_numbers_texts_and_truth_apart(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(status_of(asked), add("/status", record()))
    for wanted in (1, 1.0, True, "1", None, [1]):
        asked.patch(status_of(asked), must_be("/status/delivery/attempts", wanted))


def a_test_does_not_mind_the_order_of_fields(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(status_of(asked), add("/status", record(id="x", sequence=1)))
    turned = {"sequence": 1, "id": "x", "attempts": 1, "state": "Retrying"}
    asked.patch(status_of(asked), must_be("/status/delivery", turned))
    asked.patch(status_of(asked), must_be("/status/delivery", {**turned, "more": 1}))
    asked.patch(status_of(asked), must_be("/status/delivery", {"sequence": 1}))


def operations_follow_one_another_and_all_hold_or_none(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(
        status_of(asked),
        add("/status/delivery", {"state": "Held"}),
        must_be("/status/delivery/state", "Held"),
        {"op": "replace", "path": "/status/delivery/state", "value": "Failed"},
        add("/status/delivery/id", "x"),
        {"op": "remove", "path": "/status/conditions"},
    )
    asked.patch(status_of(asked), add("/status", {}), {"op": "remove", "path": "/status/gone"})
    asked.get(one(asked))


def operations_reach_into_lists(asked: Asking) -> None:
    asked.post(events(asked), event())
    other = {"type": "Other", "status": "True"}
    asked.patch(status_of(asked), add("/status/conditions/-", other))
    asked.patch(status_of(asked), add("/status/conditions/0/reason", "R"))
    asked.patch(status_of(asked), {"op": "remove", "path": "/status/conditions/0"})
    asked.patch(status_of(asked), {"op": "remove", "path": "/status/conditions/7"})
    asked.patch(status_of(asked), add("/status/conditions/9", other))
    asked.patch(status_of(asked), {"op": "replace", "path": "/status/conditions/0", "value": other})


def what_cannot_be_reached_is_not_made(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(status_of(asked), add("/status/no/where", 1))
    asked.patch(status_of(asked), {"op": "remove", "path": "/status/gone"})
    asked.patch(status_of(asked), {"op": "replace", "path": "/status/gone", "value": 1})
    asked.patch(status_of(asked), add("/status/delivery/state/deep", 1))


def a_patch_of_the_status_changes_nothing_else(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(status_of(asked), add("/status", record()))
    asked.patch(status_of(asked), add("/spec/summary", "n"), add("/metadata/labels", {"a": "b"}))
    asked.patch(status_of(asked), add("/metadata/finalizers", ["a/b"]), add("/spec", "no spec"))
    asked.patch(status_of(asked), add("/metadata/resourceVersion", "1"))
    asked.patch(status_of(asked), add("/metadata/name", "other"))
    asked.get(one(asked))


def a_status_that_is_taken_away_is_the_default_again(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.patch(status_of(asked), add("/status", record()), **OPERATOR)
    asked.patch(status_of(asked), {"op": "remove", "path": "/status"}, **OPERATOR)
    asked.patch(status_of(asked), add("/status", record()), **OPERATOR)
    asked.patch(status_of(asked), add("/status", None), **OPERATOR)
    asked.patch(status_of(asked), add("/status", {}), **OPERATOR)
    asked.merge(status_of(asked), {"status": None}, **OPERATOR)


def the_same_status_again_makes_no_version(asked: Asking) -> None:
    since = asked.post(events(asked), event()).version
    asked.patch(status_of(asked), add("/status", record()), **OPERATOR)
    asked.patch(status_of(asked), add("/status", record()), **OPERATOR)
    asked.patch(status_of(asked), add("/status", {**record(), "unknown": 1}), **OPERATOR)
    asked.watch(events(asked), since)


def a_status_drops_what_nobody_knows_and_what_is_null(asked: Asking) -> None:
    asked.post(events(asked), event())
    statuses: tuple[Raw, ...] = (
        {"unknown": 1, "delivery": {"state": "Held", "unknown": 1}},
        {"delivery": None, "conditions": None},
        {"delivery": {"state": "Held", "id": None}},
        {"delivery": {"lastOutcome": {}}, "resolved": {}},
    )
    for status in statuses:
        asked.patch(status_of(asked), add("/status", status), **OPERATOR)


def a_status_that_breaks_the_schema_is_refused_with_each_cause(asked: Asking) -> None:
    asked.post(events(asked), event())
    for status in _broken():
        asked.patch(status_of(asked), add("/status", status), **OPERATOR)
    asked.get(one(asked))


def _broken() -> list[Any]:
    outcome = {"class": "Odd", "code": 99, "fields": ["f" * 65] * 9, "requestId": 5}
    condition = {"type": "", "status": "maybe", "message": "m" * 4097, "reason": ""}
    return [
        "a text",
        [],
        {"delivery": [], "conditions": {}, "resolved": 1},
        {"delivery": {"state": "Odd", "lastOutcome": outcome}},
        {"conditions": [condition, {"type": "A"}, {"status": "True"}, 5]},
        {"conditions": [{"type": "A", "status": "True"}] * 2},
        {"conditions": [{"type": f"{i}", "status": "True"} for i in range(9)]},
        {"resolved": {"clusters": ["", "c" * 254], "severity": "fatal", "matchingServices": -1}},
        {"resolved": {"serviceNames": ["s"] * 201, "sources": {"clusters": "c" * 1025}}},
        {"delivery": {"state": 5, "lastOutcome": {"class": ["Success"]}}},
        {"delivery": {"resend": "r" * 1025, "contentHash": "c" * 129}},
    ]


def times_of_a_status_are_times(asked: Asking) -> None:
    asked.post(events(asked), event())
    for time in (
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.123456+02:00",
        "2026-01-31t12:00:00z",
        "2026-01-31T12:00:00",
        "2026-02-31T12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31 12:00:00Z",
        "2026-01-31",
        "",
        12,
    ):
        asked.patch(status_of(asked), add("/status/delivery/nextAttemptTime", time))


def counts_of_a_status_are_whole_and_bounded(asked: Asking) -> None:
    asked.post(events(asked), event())
    for count in (0, 2**31 - 1, 2**31, -1, 1.5, 3.0, True, "1", 2**63):
        asked.patch(status_of(asked), add("/status/delivery/sequence", count))
    for code in (100, 999, 1000, 99, 2**31, 200.0):
        asked.patch(status_of(asked), add("/status/delivery/lastOutcome", {"code": code}))


def texts_are_measured_in_characters(asked: Asking) -> None:
    asked.post(events(asked), event())
    for text in ("é" * 64, "é" * 65, "🙂" * 64, ""):
        asked.patch(status_of(asked), add("/status/delivery/id", text))


def a_status_is_patched_in_other_ways_too(asked: Asking) -> None:
    since = asked.post(events(asked), event()).version
    asked.merge(status_of(asked), {"status": {"delivery": {"attempts": 3}}, "spec": None})
    version = asked.get(status_of(asked)).version
    whole = {**event(resourceVersion=version), "status": {"delivery": {"state": "Held"}}}
    asked.put(status_of(asked), whole)
    asked.put(status_of(asked), whole)
    asked.put(status_of(asked), {**whole, "metadata": {"name": "e"}})
    asked.watch(events(asked), since)


def there_is_no_status_of_what_is_gone(asked: Asking) -> None:
    asked.patch(status_of(asked, "gone"), add("/status", {}))
    asked.post(events(asked), event())
    asked.delete(one(asked))
    asked.patch(status_of(asked), add("/status", {}))
    asked.get(status_of(asked))
    asked.put(status_of(asked), event(resourceVersion="1"))


CASES: tuple[Case, ...] = (
    a_record_is_swapped_for_the_one_that_was_read,
    a_test_that_fails_names_no_cause,
    what_is_absent_is_null_for_a_test,
    a_test_tells_numbers_texts_and_truth_apart,
    a_test_does_not_mind_the_order_of_fields,
    operations_follow_one_another_and_all_hold_or_none,
    operations_reach_into_lists,
    what_cannot_be_reached_is_not_made,
    a_patch_of_the_status_changes_nothing_else,
    a_status_that_is_taken_away_is_the_default_again,
    the_same_status_again_makes_no_version,
    a_status_drops_what_nobody_knows_and_what_is_null,
    a_status_that_breaks_the_schema_is_refused_with_each_cause,
    times_of_a_status_are_times,
    counts_of_a_status_are_whole_and_bounded,
    texts_are_measured_in_characters,
    a_status_is_patched_in_other_ways_too,
    there_is_no_status_of_what_is_gone,
)
