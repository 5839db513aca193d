"""Who writes an event writes what its managedFields say: the operator must live with that."""

from __future__ import annotations

import json

import pytest

from integration.conftest import Events, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+12:00"], ids=["year 9999", "year 0"]
)
def test_no_time_that_an_author_plants_stops_the_operator(
    events: Events, start_operator: StartOperator, time: str
) -> None:
    events.apply("planted", {**SPEC, "suspend": True})
    entry = {
        "manager": "author",
        "operation": "Apply",
        "apiVersion": "customevents.dev/v1alpha1",
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:summary": {}}},
    }
    edits = [
        {"op": "add", "path": "/metadata/managedFields/-", "value": entry},
        {"op": "remove", "path": "/spec/suspend"},
    ]
    events.kubectl("patch", "cev", "planted", "--type=json", "-p", json.dumps(edits))
    planted = events.kubectl("get", "cev", "planted", "-o", "json", "--show-managed-fields")
    assert '"manager": "author"' in planted

    running = start_operator()
    events.until("planted", "Delivered", generation=2)
    assert running.process.poll() is None, running.log
