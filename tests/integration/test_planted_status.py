"""Who may write a status may plant anything in it that the schema takes: the operator lives on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import getitem
from typing import Any

import pytest

from customevents import sandbox
from customevents.resource.status import State
from integration.conftest import Events, Shell, StartOperator
from operator_process import RunningOperator, eventually

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
TIMES = {
    "year 9999": "9999-12-31T23:59:59Z",
    "an offset that leads out of the calendar": "9999-12-31T23:59:59-23:00",
    "year 1, a day earlier": "0001-01-01T00:00:00+23:00",
    "year 0": "0000-01-01T00:00:00Z",
}
PLANTED = ("resendTime", "lastAttemptTime", "nextAttemptTime", "finishedTime")

#: A state that this version does not know, as a newer one's schema might have it.
NEWER = "Parked"

#: Where the CRD has the schema of the delivery record.
RECORD = (
    *("schema", "openAPIV3Schema", "properties", "status"),
    *("properties", "delivery", "properties"),
)


def plant(events: Events, name: str, **delivery: Any) -> None:
    patch = json.dumps({"status": {"delivery": delivery}})
    events.kubectl("patch", "cev", name, "--subresource=status", "--type=merge", "-p", patch)


def lives(running: RunningOperator) -> bool:
    assert running.process.poll() is None, running.log
    return "Traceback" not in running.log


@pytest.mark.parametrize("time", TIMES.values(), ids=TIMES.keys())
def test_no_time_in_an_unfinished_events_status_keeps_any_event_from_being_delivered(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running, time: str
) -> None:
    first = start_operator()
    timeline.call("PUT", "/sandbox/faults", {"status": 425, "match": {"summary": "odd"}})
    events.apply("odd", {**SPEC, "summary": "odd"})
    events.until("odd", "Retrying")
    first.terminate()
    plant(events, "odd", **dict.fromkeys(PLANTED, time))
    timeline.call("DELETE", "/sandbox/faults")

    second = start_operator()
    events.apply("checkout", {**SPEC, "summary": "another"})
    events.until("checkout", "Delivered")
    events.until("odd", "Delivered")
    assert lives(second)
    assert len(events.sent()) == 2


@pytest.mark.parametrize("time", TIMES.values(), ids=TIMES.keys())
def test_a_time_that_is_planted_while_the_post_is_under_way_costs_no_second_post(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running, time: str
) -> None:
    running = start_operator()
    timeline.call("PUT", "/sandbox/faults", {"delaySeconds": 1.5})
    events.apply("odd", SPEC)
    eventually("the attempt is under way", lambda: events.in_flight("odd") or None)
    plant(events, "odd", **dict.fromkeys(PLANTED, time))
    found = events.until("odd", "Delivered")
    assert found["status"]["delivery"]["unknownOutcomes"] == 0
    eventually("its entry has left the journal", lambda: not events.in_flight("odd") or None)
    assert lives(running)
    assert len(events.sent()) == 1


@contextmanager
def schema(events: Events, **fields: dict[str, Any]) -> Iterator[None]:
    """Another version's CRD: these fields of the delivery record have another schema."""

    def patch(replaced: dict[str, Any]) -> None:
        operations = [
            {"op": "replace", "path": f"/spec/versions/0/{'/'.join(RECORD)}/{name}", "value": value}
            for name, value in replaced.items()
        ]
        crd = ("crd", "customevents.customevents.dev")
        events.cluster.kubectl("patch", *crd, "--type=json", "-p", json.dumps(operations))

    crd = events.cluster.kubectl("get", "crd", "customevents.customevents.dev", "-o", "json")
    known = reduce(getitem, RECORD, json.loads(crd.stdout)["spec"]["versions"][0])
    patch({name: known[name] | change for name, change in fields.items()})
    try:
        yield
    finally:
        patch({name: known[name] for name in fields})


def until_planted(events: Events, name: str, **delivery: Any) -> None:
    """Plant what only the other version's schema takes: the API server learns of it later."""
    patch = json.dumps({"status": {"delivery": delivery}})
    args = ("patch", "cev", name, "--subresource=status", "--type=merge", "-p", patch)

    def taken() -> bool | None:
        done = events.cluster.kubectl("-n", events.namespace, *args, check=False)
        return done.returncode == 0 or None

    eventually("the API server takes it", taken)


@pytest.mark.parametrize("count", [2**31 - 2, 2**31 - 1, 10**18], ids=str)
def test_counts_at_the_end_of_what_can_be_stored_block_neither_the_event_nor_its_namespace(
    events: Events, start_operator: StartOperator, count: int
) -> None:
    events.apply("odd", SPEC)
    counts = dict.fromkeys(("attempts", "unknownOutcomes", "sequence"), count)
    with schema(events, **{name: {"maximum": 10**18} for name in counts}):
        until_planted(events, "odd", state="Retrying", **counts)
    running = start_operator()
    events.until("odd", "Delivered")
    events.apply("odd", {**SPEC, "summary": "edited"})
    events.until("odd", "Delivered", generation=2)
    events.apply("checkout", {**SPEC, "summary": "another"})
    events.until("checkout", "Delivered")
    assert len(events.sent()) == 3
    assert lives(running)


@pytest.fixture
def newer_schema(events: Events) -> Iterator[None]:
    """The CRD of a newer version, for as long as the test takes."""
    with schema(events, state={"enum": [*State, NEWER]}):
        yield


def _of_a_newer_version(events: Events, name: str) -> None:
    events.apply(name, {**SPEC, "scope": {"clusters": ["prod-eu-1"]}})
    until_planted(events, name, state=NEWER)


@pytest.mark.usefixtures("newer_schema")
def test_an_object_of_a_newer_version_is_named_once_and_left_alone_until_it_changes(
    events: Events, start_operator: StartOperator
) -> None:
    _of_a_newer_version(events, "odd")
    running = start_operator()
    events.apply("checkout", {**SPEC, "summary": "another"})
    events.until("checkout", "Delivered")
    events.kubectl("label", "cev", "odd", "touched=yes")
    events.apply("later", {**SPEC, "summary": "later"})
    events.until("later", "Delivered")
    named = [line for line in running.log.splitlines() if f"{events.namespace}/odd" in line]
    (said,) = named
    assert "cannot be read: status.delivery.state must be" in said
    assert len(events.sent()) == 2

    plant(events, "odd", state="Pending")
    events.until("odd", "Delivered")
    assert lives(running)


@pytest.mark.usefixtures("newer_schema")
def test_the_command_line_lives_with_a_status_that_it_cannot_read(
    events: Events, customevents: Shell
) -> None:
    _of_a_newer_version(events, "odd")
    events.apply("checkout", SPEC)
    listed = customevents("list", "-o", "json")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert {row["name"]: row["state"] for row in json.loads(listed.stdout)} == {
        "odd": "Unreadable",
        "checkout": "Pending",
    }
    table = customevents("list")
    assert table.returncode == 0
    assert "odd cannot be read: status.delivery.state" in table.stdout

    waited = customevents("wait", "odd", "--timeout", "1")
    assert (waited.returncode, waited.stdout) == (4, "")
    assert waited.stderr.startswith(f"customevents: {events.namespace}/odd cannot be read: ")
    assert waited.stderr.count("\n") == 1

    rendered = customevents("render", "odd")
    assert rendered.returncode == 0, rendered.stderr
    assert json.loads(rendered.stdout)["summary"] == SPEC["summary"]
