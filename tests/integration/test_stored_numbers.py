"""Details that an older schema let in as numbers: they are still read, sent, and written about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from localcluster import Cluster

from integration.conftest import Events, Shell, StartOperator
from operator_process import eventually

CRD = Path(__file__).parents[2] / "crds" / "customevents.customevents.dev.yaml"
VALUES = (
    "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/details"
    "/additionalProperties"
)
NUMBERS = {"commit": 7222500, "build": 42798}
SPEC = {"eventType": "release", "summary": "it is live"}


@contextmanager
def older_schema(cluster: Cluster, events: Events) -> Iterator[None]:
    """For a while, details may be integers, as they might before."""
    older = {"x-kubernetes-int-or-string": True, "minLength": 1, "maxLength": 1024}
    change = [{"op": "replace", "path": VALUES, "value": older}]
    name = "customevents.customevents.dev"
    cluster.kubectl("patch", "crd", name, "--type=json", "-p", json.dumps(change))
    try:
        eventually("numbers are taken", lambda: takes_numbers(events))
        yield
    finally:
        cluster.kubectl("replace", "-f", str(CRD))
        eventually("numbers are refused again", lambda: not takes_numbers(events))


def takes_numbers(events: Events) -> bool:
    manifest = events.manifest("dry", {**SPEC, "details": NUMBERS})
    tried = events.cluster.kubectl(
        "create", "--dry-run=server", "-f", "-", input=manifest, check=False
    )
    return tried.returncode == 0


@pytest.fixture
def stored(cluster: Cluster, events: Events) -> dict[str, Any]:
    """An event with numbers in its details, under the schema of today."""
    with older_schema(cluster, events):
        events.create("old", {**SPEC, "details": NUMBERS})
    return events.get("old")


def test_they_are_sent_as_strings_and_the_status_is_written(
    stored: dict[str, Any], events: Events, start_operator: StartOperator
) -> None:
    assert stored["spec"]["details"] == NUMBERS
    start_operator()
    events.until("old", "Delivered")
    (sent,) = events.sent()
    assert {key: sent["body"]["details"][key] for key in NUMBERS} == {
        "commit": "7222500",
        "build": "42798",
    }


@pytest.mark.usefixtures("stored")
def test_they_can_be_sent_again_and_edited_elsewhere(
    events: Events, start_operator: StartOperator, customevents: Shell
) -> None:
    start_operator()
    events.until("old", "Delivered")
    assert customevents("resend", "old").returncode == 0
    eventually("it is sent again", lambda: len(events.sent()) == 2)
    events.kubectl("patch", "cev", "old", "--type=merge", "-p", '{"spec": {"summary": "edited"}}')
    eventually("its edit is sent", lambda: len(events.sent()) == 3)


@pytest.mark.usefixtures("stored")
def test_the_same_file_is_rendered_where_it_is_stored_and_refused_where_it_is_new(
    events: Events, customevents: Shell
) -> None:
    """As kubectl has it: what did not change is not judged anew."""
    spec = {**SPEC, "details": NUMBERS, "scope": {"level": "Account"}}
    old = customevents("render", "-f", "-", stdin=events.manifest("old", spec))
    new = customevents("render", "-f", "-", stdin=events.manifest("new", spec))
    assert (old.returncode, new.returncode) == (0, 1), old.stderr
    assert "spec.details.commit must be a string: put it into quotes" in new.stderr
