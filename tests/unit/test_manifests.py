"""A file of manifests is read as the API server would get it from kubectl."""

from __future__ import annotations

from typing import Any

import pytest

from customevents.commands.bodies import as_applied, read_manifests
from customevents.resource.event import CustomEvent
from customevents.resource.spec import parse_spec

MANIFEST = """
apiVersion: customevents.dev/v1alpha1
kind: CustomEvent
metadata: {name: checkout, METADATA}
spec: {eventType: release, summary: checkout 1.4.2 is live, SPEC}
"""


def read(*, metadata: str = "", spec: str = "") -> CustomEvent:
    (found,) = read_manifests(MANIFEST.replace("METADATA", metadata).replace("SPEC", spec))
    return as_applied(found, "shop")


def details(spec: str) -> dict[str, Any]:
    return parse_spec(read(spec=f"details: {{at: {spec}}}").spec).details


@pytest.mark.parametrize(
    "text", ["12:30", "12:30:45", "2026-01-31", "2026-02-30", "2026-01-31T12:00:00Z"]
)
def test_a_time_or_a_date_among_the_details_is_the_string_that_is_sent(text: str) -> None:
    assert details(text) == {"at": text}


def test_what_a_template_left_empty_says_nothing() -> None:
    event = read(
        metadata="labels: , annotations: ", spec="severity: , details: , scope: {namespaces: [a]}"
    )
    assert event.release is None
    assert parse_spec(event.spec).details == {}
