"""What `send` writes is what one would write into a file."""

from __future__ import annotations

import pytest

from customevents.commands.draft import manifest
from customevents.resource.errors import InvalidSpec


@pytest.mark.parametrize(
    ("event_type", "stem"),
    [
        ("release", "release-"),
        ("Feature flag: on!", "feature-flag-on-"),
        ("häuser", "h-user-"),
        ("発売", "event-"),
        ("x" * 60, "x" * 40 + "-"),
        ("x" * 39 + " y", "x" * 39 + "-"),
    ],
)
def test_a_name_is_made_of_the_type(event_type: str, stem: str) -> None:
    made = manifest({"eventType": event_type, "summary": "it happened"}, None, None)
    assert made["metadata"] == {"generateName": stem}


def test_a_name_and_a_namespace_stand_as_given() -> None:
    made = manifest({"eventType": "release", "summary": "it happened"}, "checkout", "shop")
    assert made["metadata"] == {"name": "checkout", "namespace": "shop"}


def test_what_the_schema_would_refuse_is_not_written() -> None:
    with pytest.raises(InvalidSpec, match=r"spec\.summary"):
        manifest({"eventType": "release", "summary": ""}, None, None)
