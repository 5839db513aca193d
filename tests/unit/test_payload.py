"""What goes over the wire is what the events API documents, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.eventsapi.payload import build_body, provenance
from customevents.resource.matching import Reach
from customevents.resource.spec import CustomEventSpec, Severity, parse_spec
from customevents.sandbox.contract import Event, judge
from unit.builders import event, raw_spec, spec

EVERYWHERE = Reach()


def test_the_body_is_spelt_as_documented() -> None:
    written = spec(severity="Warning", details={"version": "1.4.2", "build": 17})
    reach = Reach(clusters=("prod-eu-1",), namespaces=("shop",), services=("checkout", "cart"))
    assert build_body(written, reach) == {
        "eventType": "release",
        "summary": "checkout 1.4.2 is live",
        "severity": "warning",
        "scope": {
            "clusters": ["prod-eu-1"],
            "servicesNames": ["checkout", "cart"],
            "namespaces": ["shop"],
        },
        "details": {"version": "1.4.2", "build": "17"},
    }


def test_what_there_is_nothing_to_say_about_is_left_out() -> None:
    assert build_body(spec(), EVERYWHERE) == {
        "eventType": "release",
        "summary": "checkout 1.4.2 is live",
        "severity": "information",
    }


@pytest.mark.parametrize(
    ("reach", "scope"),
    [
        (Reach(clusters=("a",)), {"clusters": ["a"]}),
        (Reach(namespaces=("n",)), {"namespaces": ["n"]}),
        (Reach(services=("s",)), {"servicesNames": ["s"]}),
    ],
    ids=["clusters", "namespaces", "services"],
)
def test_a_dimension_that_is_not_narrowed_is_left_out(
    reach: Reach, scope: dict[str, list[str]]
) -> None:
    assert build_body(spec(), reach)["scope"] == scope


@pytest.mark.parametrize("written", ["Info", "info", "information", "Warning", "Error", "error"])
def test_a_severity_goes_out_in_the_apis_own_spelling(written: str) -> None:
    assert build_body(spec(severity=written), EVERYWHERE)["severity"] in list(Severity)


def test_the_provenance_says_which_object_an_event_comes_from() -> None:
    assert provenance(event(), spec(), "5e0c") == {
        "customevents.dev/source": "shop/checkout-1-4-2",
        "customevents.dev/id": "5e0c",
        "customevents.dev/occurredAt": "2026-05-01T12:00:00Z",
    }


def test_the_provenance_says_when_it_happened_if_the_author_does() -> None:
    happened = spec(occurredAt="2026-04-30T10:00:00.5+02:00")
    told = provenance(event(), happened, "5e0c")["customevents.dev/occurredAt"]
    assert told == "2026-04-30T08:00:00.500000Z"


def test_the_provenance_stands_beside_the_authors_details() -> None:
    body = build_body(spec(details={"by": "ci"}), EVERYWHERE, {"customevents.dev/id": "5e0c"})
    assert body["details"] == {"by": "ci", "customevents.dev/id": "5e0c"}


def test_the_provenance_cannot_be_forged_even_past_an_older_crd() -> None:
    forged = CustomEventSpec.model_construct(
        event_type="release", summary="live", details={"customevents.dev/id": "forged"}
    )
    body = build_body(forged, EVERYWHERE, {"customevents.dev/id": "5e0c"})
    assert body["details"] == {"customevents.dev/id": "5e0c"}


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
names = st.text("abc-", min_size=1, max_size=4)
lists = st.lists(names, max_size=2).map(tuple)
reaches = st.builds(Reach, clusters=lists, namespaces=lists, services=lists)
specs = st.fixed_dictionaries(
    {"eventType": words, "summary": words},
    optional={
        "severity": st.sampled_from(["Info", "warning", "Error"]),
        "details": st.dictionaries(words, words | st.integers(), max_size=3),
    },
)


def leaves(part: Any) -> list[Any]:
    if isinstance(part, dict):
        return [leaf for inner in part.values() for leaf in leaves(inner)]
    if isinstance(part, list) and part:
        return [leaf for inner in part for leaf in leaves(inner)]
    return [part]


@given(specs, reaches, st.booleans())
def test_any_body_is_one_that_the_documentation_allows(
    raw: dict[str, Any], reach: Reach, with_provenance: bool
) -> None:
    """The judge is the sandbox's: it shares no model with the code under test."""
    written = parse_spec(raw)
    origin = provenance(event(), written, "5e0c") if with_provenance else None
    body = build_body(written, reach, origin)
    headers = {"content-type": "application/json", "x-api-key": "test-key"}
    assert isinstance(judge(headers, json.dumps(body).encode(), key="test-key"), Event)
    assert all(isinstance(leaf, str) and leaf for leaf in leaves(body))


def test_the_largest_event_that_can_be_written_is_sent_whole() -> None:
    details = {f"{n:03}".ljust(128, "k"): "v" * 1024 for n in range(64)}
    written = parse_spec(raw_spec(summary="s" * 4096, details=details))
    body = build_body(written, EVERYWHERE, provenance(event(), written, "5e0c"))
    assert len(body["details"]) == 67
    assert len(body["summary"]) == 4096
