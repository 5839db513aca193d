"""What is wrong with a field is said in our words, whatever pydantic finds wrong."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core.core_schema import ErrorType

from customevents.resource import wording
from customevents.resource.errors import InvalidSpec
from customevents.resource.spec import parse_spec
from customevents.resource.written import MOST, check, objections
from unit.builders import raw_spec

FALLBACK = "must be something else"


def manifest(**fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"name": "checkout"},
        "spec": raw_spec(**fields),
    }


def only(found: dict[str, str]) -> tuple[str, str]:
    ((place, words),) = found.items()
    return place, words


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        (
            {"details": {"k": True}},
            "spec.details.k",
            "must be a string: put it into quotes (unquoted, it is the boolean true)",
        ),
        (
            {"details": {"k": 1.5}},
            "spec.details.k",
            "must be a string: put it into quotes (unquoted, it is the number 1.5)",
        ),
        (
            {"details": {"k": {"a": 1}}},
            "spec.details.k",
            "must be a string: put it into quotes, as one text (a map is none)",
        ),
        (
            {"details": {"k": ["a"]}},
            "spec.details.k",
            "must be a string: put it into quotes, as one text (a list is none)",
        ),
        (
            {"details": {"k": None}},
            "spec.details.k",
            "must be a string: put one into quotes, or leave it out (null is none)",
        ),
        ({"details": {"k": ""}}, "spec.details.k", "must not be empty"),
        ({"details": {"": "v"}}, "spec.details", "must have no empty names"),
        ({"eventType": 7}, "spec.eventType", "must be a string: put it into quotes "),
        ({"eventType": "x" * 61}, "spec.eventType", "must have at most 60 characters"),
        ({"eventType": "a\nb"}, "spec.eventType", "must be one line of plain text: "),
        ({"severity": "Critical"}, "spec.severity", "must be Info, Warning, Error, info, "),
        ({"suspend": "maybe"}, "spec.suspend", "must be true or false, without quotes"),
        ({"scope": []}, "spec.scope", "must be a map: names with a value each"),
        ({"scope": {"level": "x"}}, "spec.scope.level", "must be Namespace, Cluster or Account"),
        ({"scope": {"clusters": "a"}}, "spec.scope.clusters", "must be a list"),
        ({"scope": {"clusters": []}}, "spec.scope.clusters", "must not be empty"),
        ({"scope": {"clusters": [""]}}, "spec.scope.clusters[0]", "must not be empty"),
        (
            {"scope": {"clusters": ["a"] * 51}},
            "spec.scope.clusters",
            "must have at most 50 entries",
        ),
        ({"occurredAt": 7}, "spec.occurredAt", "must be a time with its zone, such as "),
        (
            {"occurredAt": "1969-01-01T00:00:00Z"},
            "spec.occurredAt",
            "must not be before 1970-01-01T00:00:00Z",
        ),
        (
            {"occurredAt": "9999-01-01T00:00:00Z"},
            "spec.occurredAt",
            "must be before 9999-01-01T00:00:00Z",
        ),
        ({"deliveryDeadlineSeconds": 59}, "spec.deliveryDeadlineSeconds", "must be 60 or more"),
        ({"deliveryDeadlineSeconds": "x"}, "spec.deliveryDeadlineSeconds", "must be a whole num"),
        ({"deliveryDeadlineSeconds": 2**40}, "spec.deliveryDeadlineSeconds", "must be 604800 or "),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_field_is_told_by_its_place_and_what_it_must_be(
    fields: dict[str, Any], place: str, words: str
) -> None:
    found = only(objections(manifest(**fields)))
    assert found[0] == place
    assert found[1].startswith(words)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"deliveryDeadlineSeconds": 60.5}, "spec.deliveryDeadlineSeconds must be a whole number"),
        ({"deliveryDeadlineSeconds": "9" * 5000}, "spec.deliveryDeadlineSeconds must be a whole"),
        ({"deliveryDeadlineSeconds": float("inf")}, "spec.deliveryDeadlineSeconds must be a whole"),
        ({"suspend": 7}, "spec.suspend must be true or false"),
        ({"suspend": []}, "spec.suspend must be true or false"),
        ({"occurredAt": "2026-02-30T12:00:00Z"}, "spec.occurredAt must be a time with its zone"),
        ({"occurredAt": "2026-01-31T12:00:00"}, "spec.occurredAt must be a time with its zone"),
        ({"occurredAt": 1e300}, "spec.occurredAt must be a time with its zone"),
        ({"occurredAt": "yesterday"}, "spec.occurredAt must be a time with its zone"),
        ({"occurredAt": "2026-01-31T25:00:00Z"}, "spec.occurredAt must be a time with its zone"),
        ({"deliveryDeadlineSeconds": "x"}, "spec.deliveryDeadlineSeconds must be a whole number"),
        ({"occurredAt": []}, "spec.occurredAt must be a time with its zone"),
        ({"summary": "\ud800"}, "spec.summary must be text"),
    ],
    ids=lambda part: str(part)[:40].encode("ascii", "replace").decode(),
)
def test_what_is_stored_is_told_in_the_same_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec(raw_spec(**fields))
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("fields", "place", "meant"),
    [
        ({"scop": {}}, "spec.scop", "scope"),
        ({"Summary": "x"}, "spec.Summary", "summary"),
        ({"scope": {"servicesNames": ["a"]}}, "spec.scope.servicesNames", "serviceNames"),
        ({"serviceNames": ["a"]}, "spec.serviceNames", "spec.scope.serviceNames"),
        (
            {"scope": {"serviceSelector": {"matchLabel": {}, "matchLabels": {"a": "b"}}}},
            "spec.scope.serviceSelector.matchLabel",
            "matchLabels",
        ),
    ],
    ids=lambda part: str(part)[:40],
)
def test_an_unknown_field_is_told_with_the_nearest_one(
    fields: dict[str, Any], place: str, meant: str
) -> None:
    assert only(objections(manifest(**fields))) == (place, f"is no field: did you mean {meant}?")


def test_an_unknown_field_like_no_other_is_told_alone() -> None:
    assert only(objections(manifest(zzz=1))) == ("spec.zzz", "is no field")


def test_all_that_is_wrong_is_said_in_one_line() -> None:
    with pytest.raises(InvalidSpec) as caught:
        check(manifest(details={"a\x1b[31m\n": 1, "b": 2}, severity="x"))
    words = str(caught.value)
    assert words.isprintable()
    assert [place in words for place in ("spec.severity", "spec.details.a", "spec.details.b")] == [
        True
    ] * 3


def test_what_is_nested_too_deeply_is_refused_in_words() -> None:
    deep: Any = "a"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidSpec, match="nested more deeply"):
        check(manifest(scope=deep))


def test_the_table_names_errors_that_pydantic_has() -> None:
    known = {*get_args(ErrorType)}
    assert {*wording._WORDS, *wording._WORDS_OF_KEYS} <= known


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["2026-01-31T12:00:00Z", "2026-01-31", "1e5", "99999999999999999999", "In"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
SELECTORS = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": anything,
        "matchExpressions": anything
        | st.lists(
            st.fixed_dictionaries({}, optional=dict.fromkeys(("key", "operator"), anything)),
            max_size=2,
        ),
    },
)
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("level", "clusters", "namespaces", "serviceNames", "other"), anything),
        "serviceSelector": anything | SELECTORS,
    },
)
FIELDS = (
    *("eventType", "summary", "severity", "details", "occurredAt", "suspend", "onUnknownOutcome"),
    *("deliveryDeadlineSeconds", "ttlSecondsAfterFinished"),
)


@given(
    st.fixed_dictionaries(
        {}, optional={**dict.fromkeys(FIELDS, anything), "scope": anything | SCOPES}
    )
)
def test_no_spec_whatever_has_an_error_without_words(fields: dict[str, Any]) -> None:
    said = [*objections(manifest(**fields)).values()]
    try:
        parse_spec(raw_spec(**json.loads(json.dumps(fields))))
    except InvalidSpec as error:
        said.append(str(error))
    for words in said:
        assert FALLBACK not in words
        assert "nput should" not in words


def test_of_any_number_of_wrong_fields_a_few_are_named() -> None:
    many = manifest(**{f"a{n}": n for n in range(50_000)})
    assert len(objections(many)) == MOST
