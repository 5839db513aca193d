"""Each field of a spec is content, or is named as none: what is forgotten here turns red.

A content field that the hash forgets is edited, and never sent. One that the body forgets is sent,
and never seen.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from contract.schemas import crd_schema, facts
from customevents.eventsapi.payload import build_body, provenance
from customevents.resource.event import read_event
from customevents.resource.identity import NOT_CONTENT, content_hash
from customevents.resource.matching import Reach
from customevents.resource.spec import CustomEventSpec, parse_spec
from unit.builders import raw_event, raw_spec

#: Two values of each field of the content; None: the field is absent.
CONTENT: dict[str, tuple[Any, Any]] = {
    "eventType": ("release", "rollback"),
    "summary": ("1.4.2 is live", "1.4.3 is live"),
    "severity": (None, "Warning"),
    "details": ({"version": "1.4.2"}, {"version": "1.4.3"}),
    "scope.level": ("Cluster", "Account"),
    "scope.clusters": (["a"], ["b"]),
    "scope.namespaces": (["a"], ["b"]),
    "scope.serviceNames": (["a"], ["b"]),
    "scope.serviceSelector.matchLabels": ({"app": "a"}, {"app": "b"}),
    "scope.serviceSelector.matchExpressions": (
        [{"key": "app", "operator": "In", "values": ["a"]}],
        [{"key": "app", "operator": "In", "values": ["a", "b"]}],
    ),
    "occurredAt": ("2026-05-01T12:00:00Z", "2026-05-01T12:00:01Z"),
}

#: The same of what only says how an event is delivered.
KNOBS: dict[str, tuple[Any, Any]] = {
    "suspend": (False, True),
    "onUnknownOutcome": ("Retry", "Hold"),
    "deliveryDeadlineSeconds": (60, 61),
    "ttlSecondsAfterFinished": (0, 1),
}


def with_field(path: str, value: Any) -> CustomEventSpec:
    """A spec with this value in this place."""
    for name in reversed(path.split(".")):
        value = {} if value is None else {name: value}
    return parse_spec(raw_spec(**value))


def places_of_the_crd() -> set[str]:
    """Where a spec holds a value: of a list or a map, the whole of it."""
    types = dict(facts(crd_schema("spec"), "spec"))
    found = set()
    for fact, kind in types.items():
        place, _, said = fact.rpartition(" ")
        is_map = f"{place}.<key> type" in types
        if said == "type" and place != "spec" and (kind != "object" or is_map):
            found.add(place.removeprefix("spec.").partition("[]")[0].partition(".<")[0])
    return found


def test_each_field_of_the_crd_is_content_or_is_named_as_none() -> None:
    assert places_of_the_crd() == {*CONTENT, *KNOBS}


def test_what_is_no_content_are_fields_of_the_model() -> None:
    assert set(CustomEventSpec.model_fields) > NOT_CONTENT
    assert {to_camel(name) for name in NOT_CONTENT} == set(KNOBS)


@pytest.mark.parametrize("path", CONTENT)
def test_an_edit_of_content_is_another_content(path: str) -> None:
    one, other = (with_field(path, value) for value in CONTENT[path])
    assert content_hash(one) != content_hash(other)


@pytest.mark.parametrize("path", KNOBS)
def test_an_edit_of_a_knob_is_none(path: str) -> None:
    one, other = (with_field(path, value) for value in KNOBS[path])
    assert content_hash(one) == content_hash(other)


@pytest.mark.parametrize("path", [path for path in CONTENT if not path.startswith("scope")])
def test_an_edit_of_content_is_another_body(path: str) -> None:
    """What a scope comes to in a body is decided by the cluster: see the scope's own tests."""
    event = read_event(raw_event())
    one, other = (
        build_body(spec, Reach(), provenance(event, spec, "id"))
        for spec in (with_field(path, value) for value in CONTENT[path])
    )
    assert one != other
