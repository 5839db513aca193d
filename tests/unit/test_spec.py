"""What users write is read as the CRD means it, and refused in one line where it cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from customevents.resource.errors import InvalidSpec
from customevents.resource.spec import (
    RESERVED_DETAILS,
    Level,
    Severity,
    UnknownOutcomePolicy,
    advice,
    parse_spec,
)
from unit.builders import raw_spec, spec


def refusal(**fields: Any) -> str:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec(raw_spec(**fields))
    return str(caught.value)


def test_two_fields_are_all_that_is_needed() -> None:
    read = parse_spec({"eventType": "release", "summary": "it is live"})
    assert (read.event_type, read.summary) == ("release", "it is live")
    assert read.canonical_severity is Severity.INFORMATION
    assert read.details == {}
    assert read.scope is None
    assert read.occurred_at is None
    assert not read.suspend
    assert read.on_unknown_outcome is None
    assert read.delivery_deadline_seconds is None
    assert read.ttl_seconds_after_finished is None


def test_all_fields_are_read() -> None:
    read = spec(
        severity="Error",
        details={"build": 17, "by": "ci"},
        scope={"level": "Cluster", "clusters": ["a"], "namespaces": ["n"], "serviceNames": ["s"]},
        occurredAt="2026-05-01T10:00:00.25+02:00",
        suspend=True,
        onUnknownOutcome="Hold",
        deliveryDeadlineSeconds=60,
        ttlSecondsAfterFinished=0,
    )
    assert read.canonical_severity is Severity.ERROR
    assert read.details == {"build": "17", "by": "ci"}
    assert read.scope is not None
    assert read.scope.level is Level.CLUSTER
    assert (read.scope.clusters, read.scope.namespaces) == (("a",), ("n",))
    assert read.scope.service_names == ("s",)
    assert read.occurred_at == datetime(2026, 5, 1, 8, 0, 0, 250000, tzinfo=UTC)
    assert read.suspend
    assert read.on_unknown_outcome is UnknownOutcomePolicy.HOLD
    assert read.delivery_deadline_seconds == 60
    assert read.ttl_seconds_after_finished == 0


def test_a_selector_is_read() -> None:
    expression = {"key": "tier", "operator": "In", "values": ["web", "api"]}
    selector = {"matchLabels": {"app": "shop"}, "matchExpressions": [expression]}
    scope = spec(scope={"serviceSelector": selector, "namespaces": ["shop"]}).scope
    assert scope is not None
    assert scope.service_selector is not None
    assert scope.service_selector.match_labels == {"app": "shop"}
    assert scope.service_selector.match_expressions[0].values == ("web", "api")


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("Info", Severity.INFORMATION),
        ("info", Severity.INFORMATION),
        ("information", Severity.INFORMATION),
        ("Warning", Severity.WARNING),
        ("warning", Severity.WARNING),
        ("Error", Severity.ERROR),
        ("error", Severity.ERROR),
    ],
)
def test_each_spelling_of_a_severity_is_understood(written: str, means: Severity) -> None:
    assert spec(severity=written).canonical_severity is means


@pytest.mark.parametrize(
    "fields",
    [
        {"eventType": "x" * 60},
        {"summary": "x" * 4096},
        {"summary": "two\nlines"},
        {"details": {f"key {n}": "x" for n in range(64)}},
        {"details": {"k" * 128: "v" * 1024}},
        {"details": {"zero": 0, "negative": -1, "wide": 2**63 - 1}},
        {"scope": {"level": "Namespace"}},
        {"scope": {"clusters": ["c" * 253] * 50}},
        {"scope": {"clusters": ["Prod EU / 1"]}},
        {"scope": {"namespaces": ["n" * 63] * 50}},
        {"scope": {"serviceNames": ["s" * 253] * 200}},
        {"scope": {"serviceSelector": {"matchLabels": {"a": "b"}}, "level": "Namespace"}},
        {"scope": {"serviceSelector": {"matchLabels": {"a": "b"}}, "namespaces": ["one"]}},
        {"occurredAt": "1970-01-01T00:00:00Z"},
        {"occurredAt": "9998-12-31T23:59:59.999999Z"},
        {"deliveryDeadlineSeconds": 604800},
        {"afield": "of a newer CRD"},
    ],
    ids=lambda fields: str(fields)[:50],
)
def test_what_the_schema_allows_is_read(fields: dict[str, Any]) -> None:
    parse_spec(raw_spec(**fields))


SELECTOR = {"matchLabels": {"app": "shop"}}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"eventType": ""}, "spec.eventType"),
        ({"eventType": "x" * 61}, "spec.eventType"),
        ({"eventType": "two\nlines"}, "spec.eventType"),
        ({"eventType": "line\n"}, "spec.eventType"),
        ({"eventType": "next\u0085line"}, "spec.eventType"),
        ({"eventType": None}, "spec.eventType"),
        ({"summary": ""}, "spec.summary"),
        ({"summary": "x" * 4097}, "spec.summary"),
        ({"summary": 7}, "spec.summary"),
        ({"severity": "Critical"}, "spec.severity"),
        ({"severity": "ERROR"}, "spec.severity"),
        ({"details": {f"key {n}": "x" for n in range(65)}}, "spec.details"),
        ({"details": {"": "empty key"}}, "spec.details"),
        ({"details": {"k" * 129: "long key"}}, "spec.details"),
        ({"details": {"empty": ""}}, "spec.details.empty"),
        ({"details": {"long": "v" * 1025}}, "spec.details.long"),
        ({"details": {"flag": True}}, "spec.details.flag"),
        ({"details": {"ratio": 1.5}}, "spec.details.ratio"),
        ({"details": {"nothing": None}}, "spec.details.nothing"),
        ({"details": {"nested": {"a": "b"}}}, "spec.details.nested"),
        ({"scope": {}}, "spec.scope"),
        ({"scope": {"servicesNames": ["a slip"]}}, "spec.scope"),
        ({"scope": {"level": "Galaxy"}}, "spec.scope.level"),
        ({"scope": {"clusters": []}}, "spec.scope.clusters"),
        ({"scope": {"clusters": ["c"] * 51}}, "spec.scope.clusters"),
        ({"scope": {"clusters": ["c" * 254]}}, "spec.scope.clusters[0]"),
        ({"scope": {"namespaces": []}}, "spec.scope.namespaces"),
        ({"scope": {"namespaces": ["n" * 64]}}, "spec.scope.namespaces[0]"),
        ({"scope": {"namespaces": ["n"] * 51}}, "spec.scope.namespaces"),
        ({"scope": {"serviceNames": []}}, "spec.scope.serviceNames"),
        ({"scope": {"serviceNames": ["s"] * 201}}, "spec.scope.serviceNames"),
        ({"scope": {"serviceNames": ["good", ""]}}, "spec.scope.serviceNames[1]"),
        ({"scope": {"serviceSelector": {}}}, "spec.scope.serviceSelector"),
        ({"occurredAt": "yesterday"}, "spec.occurredAt"),
        ({"occurredAt": "2026-05-01T10:00:00"}, "spec.occurredAt"),
        ({"occurredAt": "1969-12-31T23:59:59Z"}, "spec.occurredAt"),
        ({"occurredAt": "9999-01-01T00:00:00Z"}, "spec.occurredAt"),
        ({"occurredAt": "0001-01-01T00:00:00+05:00"}, "spec.occurredAt"),
        ({"suspend": "maybe"}, "spec.suspend"),
        ({"onUnknownOutcome": "Guess"}, "spec.onUnknownOutcome"),
        ({"deliveryDeadlineSeconds": 59}, "spec.deliveryDeadlineSeconds"),
        ({"deliveryDeadlineSeconds": 604801}, "spec.deliveryDeadlineSeconds"),
        ({"ttlSecondsAfterFinished": -1}, "spec.ttlSecondsAfterFinished"),
    ],
    ids=lambda part: str(part)[:50],
)
def test_what_the_schema_refuses_is_refused_by_the_name_of_its_field(
    fields: dict[str, Any], names: str
) -> None:
    assert refusal(**fields).startswith(names)


@pytest.mark.parametrize("field", ["eventType", "summary"])
def test_a_required_field_must_be_there(field: str) -> None:
    raw = raw_spec()
    del raw[field]
    with pytest.raises(InvalidSpec, match=f"^spec.{field} must be given$"):
        parse_spec(raw)


@pytest.mark.parametrize("field", ["clusters", "namespaces", "serviceNames"])
@pytest.mark.parametrize(
    "name", ["*", "prod-*", "a,b", " a", "a ", "a\n", "a\tb", "\u00a0a", "a\u0085b"], ids=repr
)
def test_a_name_that_is_not_plain_is_refused(field: str, name: str) -> None:
    assert "must be a plain name" in refusal(scope={field: ["good", name]})


@pytest.mark.parametrize("key", sorted(RESERVED_DETAILS))
def test_the_operators_own_details_cannot_be_written_by_an_author(key: str) -> None:
    assert key in refusal(details={key: "forged"})


@pytest.mark.parametrize(
    "beside",
    [
        {"serviceNames": ["checkout"]},
        {"clusters": ["a"]},
        {"namespaces": ["one", "two"]},
        {"level": "Cluster"},
        {"level": "Account"},
    ],
    ids=str,
)
def test_a_selector_stands_alone_or_with_one_namespace(beside: dict[str, Any]) -> None:
    assert "must have serviceSelector alone" in refusal(
        scope={"serviceSelector": SELECTOR, **beside}
    )


def test_a_refusal_does_not_speak_pydantic() -> None:
    assert refusal(scope={}) == (
        "spec.scope must name something: a misspelt field may have been dropped"
    )


def test_a_refusal_is_one_short_line_whatever_the_author_wrote() -> None:
    words = refusal(details={"a\nvery\nlong " * 1000: True})
    assert "\n" not in words
    assert len(words) <= 1000


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = ["eventType", "summary", "severity", "details", "scope", "occurredAt", "suspend"]


@given(st.dictionaries(st.sampled_from(FIELDS), anything))
def test_whatever_the_schema_lets_in_is_read_or_refused_in_one_line(raw: dict[str, Any]) -> None:
    refused = ""
    try:
        parse_spec(raw_spec(**raw))
    except InvalidSpec as error:
        refused = str(error)
    assert len(refused.splitlines()) <= 1


def test_a_spec_cannot_be_changed_after_it_was_read() -> None:
    read = spec()
    with pytest.raises(ValidationError):
        read.summary = "something else"  # type: ignore[misc]


@pytest.mark.parametrize("seconds", [2**31, 2**63 - 1])
def test_a_ttl_that_an_older_schema_let_in_is_capped(seconds: int) -> None:
    assert spec(ttlSecondsAfterFinished=seconds).ttl_seconds_after_finished == 2**31 - 1


@pytest.mark.parametrize(("length", "is_advised"), [(30, False), (31, True), (60, True)])
def test_a_type_that_one_document_of_the_api_calls_too_long_comes_with_advice(
    length: int, is_advised: bool
) -> None:
    assert advice("ä" * length).startswith(f"spec.eventType has {length}") == is_advised
