"""Each oracle is silent where all is well, and speaks where what it is for does not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from faults.oracles import CANARY, Evidence, Fate, faults_found, not_as_fated
from promises.crowd import Post
from proxy import Seen
from proxy.wire import Head
from proxy.wire import Request as Kept

SOURCE = "shop/a"
POST = Post(1, "2026-01-31T10:00:00Z", "id-1", SOURCE, {}, 201, accepted=True)


def event(*, generation: int = 1, **record: Any) -> dict[str, Any]:
    return {
        "metadata": {"generation": generation},
        "status": {
            "conditions": [{"type": "Delivered", "observedGeneration": 1}],
            "delivery": {"id": "id-1", "state": "Delivered", "unknownOutcomes": 0, **record},
        },
    }


def kept(method: str, path: str, at: float, body: bytes = b"", id_: str = "") -> Seen:
    request = Kept(Head(b"", "", {"idempotency-key": id_}), body, method, path)
    return Seen(at, method, path, 200, at + 0.1, request)


LEASED = kept("PUT", "/leases/customevents", 1.0, b'"id-1"')
LEFT = kept("POST", "/mgmt/v1/events", 2.0, id_="id-1")
WRITTEN = kept("PATCH", "/namespaces/shop/customevents/a/status", 3.0)
WELL = Evidence({SOURCE: event()}, [POST], [LEASED, WRITTEN], [LEFT], "all is well")


def spoken(evidence: Evidence) -> list[str]:
    """The numbers of the oracles that found a fault."""
    return [words.partition("_")[0] for words in faults_found(evidence)]


def test_all_are_silent_where_all_is_well() -> None:
    assert faults_found(WELL) == []
    assert not_as_fated(WELL, {SOURCE: Fate()}) == []


def test_an_event_that_was_not_told_is_lost_and_delivered_is_no_proof() -> None:
    refused = replace(POST, answered=400, accepted=False)
    assert spoken(replace(WELL, posts=[refused])) == ["o1", "o3"]


def test_a_duplicate_has_to_be_counted() -> None:
    twice = replace(WELL, posts=[POST, POST])
    assert spoken(twice) == ["o2"]
    assert spoken(replace(twice, objects={SOURCE: event(unknownOutcomes=1)})) == []


def test_what_is_deleted_is_told_once_at_most() -> None:
    assert spoken(replace(WELL, objects={})) == []
    assert spoken(replace(WELL, objects={}, posts=[POST, POST])) == ["o2"]


def test_a_post_needs_its_entry_in_the_last_write_that_was_answered_before() -> None:
    late = replace(LEASED, at=1.95, answered=2.05)
    assert spoken(replace(WELL, asked=[late, WRITTEN])) == ["o4"]
    dropped = kept("PUT", "/leases/customevents", 1.5, b"[]")
    assert spoken(replace(WELL, asked=[LEASED, dropped, WRITTEN])) == ["o4"]
    refused = replace(dropped, status=409)
    assert spoken(replace(WELL, asked=[LEASED, refused, WRITTEN])) == []


def test_what_waits_has_not_ended() -> None:
    assert spoken(replace(WELL, objects={SOURCE: event(state="Retrying")})) == ["o5"]


def test_writes_are_counted_by_the_attempts() -> None:
    three = replace(WELL, asked=[LEASED, *[WRITTEN] * 3])
    assert spoken(three) == ["o7"]
    assert spoken(replace(three, objects={SOURCE: event(unknownOutcomes=1)})) == []


def test_a_condition_is_of_its_generation() -> None:
    assert spoken(replace(WELL, objects={SOURCE: event(generation=2)})) == ["o8"]


def test_the_key_stands_in_no_log() -> None:
    assert spoken(replace(WELL, logs=f"x-api-key: {CANARY}")) == ["o9"]


def test_a_fate_is_kept_to_in_each_figure() -> None:
    for fate in (Fate(posts=2), Fate(unknown=1), Fate(ids=2), Fate(state="Held")):
        assert not_as_fated(WELL, {SOURCE: fate}) != []
    gone = replace(WELL, objects={})
    assert not_as_fated(gone, {SOURCE: Fate(posts=1, deleted=True)}) == []
    assert not_as_fated(gone, {SOURCE: Fate(posts=0, deleted=True)}) != []
    assert not_as_fated(gone, {SOURCE: Fate()}) != []
