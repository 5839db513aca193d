"""The same content has the same hash however it is written, and other content never has it.

A hash that changed without the content would tell every event of everybody once more.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.resource.identity import content_hash, delivery_id
from customevents.resource.spec import parse_spec
from unit.builders import spec

FULL: dict[str, Any] = {
    "eventType": "release",
    "summary": "größer ↑",
    "severity": "Warning",
    "details": {"b": 2, "a": "one"},
    "scope": {
        "level": "Namespace",
        "namespaces": ["shop"],
        "serviceSelector": {
            "matchLabels": {"tier": "web", "app": "shop"},
            "matchExpressions": [
                {"key": "beta", "operator": "DoesNotExist"},
                {"key": "arch", "operator": "In", "values": ["b", "a"]},
            ],
        },
    },
    "occurredAt": "2026-05-01T12:00:00Z",
}

CANONICAL = (
    '{"details":{"a":"one","b":"2"},"eventType":"release",'
    '"occurredAt":"2026-05-01T12:00:00.000000Z",'
    '"scope":{"level":"Namespace","namespaces":["shop"],"serviceSelector":{"matchExpressions":['
    '{"key":"arch","operator":"In","values":["a","b"]},{"key":"beta","operator":"DoesNotExist"}],'
    '"matchLabels":{"app":"shop","tier":"web"}}},'
    '"severity":"warning","summary":"größer ↑"}'
)


def hash_of(raw: dict[str, Any]) -> str:
    return content_hash(parse_spec(raw))


def test_the_hash_is_the_sha_256_of_the_canonical_json_and_says_its_version() -> None:
    assert hash_of(FULL) == "v1:" + hashlib.sha256(CANONICAL.encode()).hexdigest()


names = st.text("abc", min_size=1, max_size=3)
name_lists = st.lists(names, min_size=1, max_size=4)
expressions = st.fixed_dictionaries(
    {"key": names, "operator": st.sampled_from(["In", "NotIn"]), "values": name_lists}
)
selectors = st.fixed_dictionaries(
    {"matchLabels": st.dictionaries(names, names, min_size=1, max_size=4)},
    optional={"matchExpressions": st.lists(expressions, max_size=3)},
)
lists = {"clusters": name_lists, "namespaces": name_lists, "serviceNames": name_lists}
scopes = st.one_of(
    st.fixed_dictionaries({"level": st.sampled_from(["Cluster", "Account"])}, optional=lists),
    st.fixed_dictionaries({"serviceSelector": selectors}),
)
moments = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9998, 12, 30))
specs = st.fixed_dictionaries(
    {"eventType": names, "summary": names},
    optional={
        "severity": st.sampled_from(["Info", "warning", "Error"]),
        "details": st.dictionaries(names, names | st.integers(), max_size=4),
        "scope": scopes,
        "occurredAt": moments.map(lambda moment: f"{moment.isoformat()}Z"),
    },
)


def scrambled(part: Any, dice: random.Random) -> Any:
    """The same with maps in another order, and lists too, with some of their items twice."""
    if isinstance(part, dict):
        keys = dice.sample(list(part), len(part))
        return {key: scrambled(part[key], dice) for key in keys}
    if isinstance(part, list):
        items = part + dice.sample(part, dice.randint(0, len(part)))
        return [scrambled(item, dice) for item in dice.sample(items, len(items))]
    return part


@given(specs, st.randoms(use_true_random=False))
def test_order_and_duplicates_change_nothing(raw: dict[str, Any], dice: random.Random) -> None:
    assert hash_of(scrambled(raw, dice)) == hash_of(raw)


def test_a_requirement_that_stands_twice_in_a_selector_changes_nothing() -> None:
    once: dict[str, Any] = {"key": "tier", "operator": "In", "values": ["a", "b"]}
    twice: dict[str, Any] = {"values": ["b", "a"], "operator": "In", "key": "tier"}
    assert content_hash(
        spec(scope={"serviceSelector": {"matchExpressions": [once, twice]}})
    ) == content_hash(spec(scope={"serviceSelector": {"matchExpressions": [once]}}))


@pytest.mark.parametrize(
    "explicit",
    [
        {"severity": "Info"},
        {"severity": "info"},
        {"severity": "information"},
        {"details": {}},
        {"suspend": False},
        {"scope": None},
        {"occurredAt": None},
        {"onUnknownOutcome": None},
        {"aFieldThatANewerCrdDefaults": "its default"},
    ],
    ids=str,
)
def test_an_explicit_default_is_the_same_as_an_absent_field(explicit: dict[str, Any]) -> None:
    assert content_hash(spec(**explicit)) == content_hash(spec())


@pytest.mark.parametrize("empty", [{"matchExpressions": []}, {"matchExpressions": [], "x": 1}])
def test_an_empty_part_of_a_selector_is_the_same_as_an_absent_one(empty: dict[str, Any]) -> None:
    bare = {"matchLabels": {"app": "shop"}}
    assert content_hash(spec(scope={"serviceSelector": {**bare, **empty}})) == content_hash(
        spec(scope={"serviceSelector": bare})
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("Warning", "warning"), ("Error", "error"), ("Info", "information")],
)
def test_the_spelling_of_a_severity_changes_nothing(one: str, other: str) -> None:
    assert content_hash(spec(severity=one)) == content_hash(spec(severity=other))


@given(st.integers())
def test_an_integer_and_its_digits_are_the_same_detail(number: int) -> None:
    assert content_hash(spec(details={"n": number})) == content_hash(
        spec(details={"n": str(number)})
    )


@given(moments, st.integers(-23 * 60, 23 * 60))
def test_the_time_zone_of_a_moment_changes_nothing(moment: datetime, minutes: int) -> None:
    utc = moment.replace(tzinfo=UTC)
    elsewhere = utc.astimezone(timezone(timedelta(minutes=minutes)))
    assert content_hash(spec(occurredAt=utc.isoformat())) == content_hash(
        spec(occurredAt=elsewhere.isoformat())
    )


@pytest.mark.parametrize(
    "knob",
    [
        {"suspend": True},
        {"ttlSecondsAfterFinished": 60},
        {"onUnknownOutcome": "Hold"},
        {"deliveryDeadlineSeconds": 60},
    ],
    ids=str,
)
def test_how_an_event_is_delivered_is_not_its_content(knob: dict[str, Any]) -> None:
    assert content_hash(spec(**knob)) == content_hash(spec())


WHAT_CAN_BE_SENT: list[dict[str, Any]] = [
    {},
    {"eventType": "rollback"},
    {"summary": "checkout 1.4.3 is live"},
    {"summary": "checkout 1.4.2 is live "},
    {"severity": "Warning"},
    {"severity": "Error"},
    {"details": {"a": "1"}},
    {"details": {"a": "01"}},
    {"details": {"b": "1"}},
    {"details": {"a": "1", "b": "1"}},
    {"occurredAt": "2026-05-01T12:00:00Z"},
    {"occurredAt": "2026-05-01T12:00:00.000001Z"},
    {"occurredAt": "2026-05-01T12:00:00+01:00"},
    {"scope": {"level": "Namespace"}},  # unlike no scope, it asks for no release discovery
    {"scope": {"level": "Cluster"}},
    {"scope": {"level": "Account"}},
    {"scope": {"clusters": ["a"]}},
    {"scope": {"clusters": ["a", "b"]}},
    {"scope": {"clusters": ["ab"]}},
    {"scope": {"namespaces": ["a"]}},
    {"scope": {"serviceNames": ["a"]}},
    {"scope": {"serviceNames": ["a"], "level": "Account"}},
    {"scope": {"serviceSelector": {"matchLabels": {"a": "b"}}}},
    {"scope": {"serviceSelector": {"matchLabels": {"a": "c"}}}},
    {"scope": {"serviceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}},
    {"scope": {"serviceSelector": {"matchExpressions": [{"key": "b", "operator": "Exists"}]}}},
    {
        "scope": {
            "serviceSelector": {
                "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]
            }
        }
    },
    {
        "scope": {
            "serviceSelector": {
                "matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]
            }
        }
    },
]


def test_each_field_of_the_content_changes_the_hash() -> None:
    hashes = {content_hash(spec(**fields)): fields for fields in WHAT_CAN_BE_SENT}
    assert list(hashes.values()) == WHAT_CAN_BE_SENT


@given(specs, specs)
def test_contents_that_differ_in_their_words_differ_in_their_hash(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    words = (one["eventType"], one["summary"]) == (other["eventType"], other["summary"])
    assert words or hash_of(one) != hash_of(other)


IDENTITY = ("uid-1", "v1:abc", "", 1)


def test_the_delivery_id_is_a_uuid_5_and_the_same_whoever_computes_it() -> None:
    found = uuid.UUID(delivery_id(*IDENTITY))
    assert found.version == 5
    assert str(found) == delivery_id(*IDENTITY)


@pytest.mark.parametrize(
    "other",
    [
        ("uid-2", "v1:abc", "", 1),
        ("uid-1", "v1:abd", "", 1),
        ("uid-1", "v1:abc", "again", 1),
        ("uid-1", "v1:abc", "", 2),
    ],
    ids=["uid", "content", "resend", "sequence"],
)
def test_the_delivery_id_depends_on_each_of_its_inputs(other: tuple[str, str, str, int]) -> None:
    assert delivery_id(*other) != delivery_id(*IDENTITY)


def test_inputs_do_not_run_into_each_other() -> None:
    assert delivery_id("uid", "1", "", 2) != delivery_id("uid1", "", "", 2)
    assert delivery_id("uid", "", "1", 2) != delivery_id("uid", "1", "", 2)
    assert delivery_id("uid", "", "1", 2) != delivery_id("uid", "", "", 12)
