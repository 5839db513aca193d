"""`customevents list`: what is not delivered, and why, for people and for programs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import Events, Shell, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
WAITING = (
    "Waiting for the operator; if this stays, is this namespace watched? Try: customevents check"
)


def listed(customevents: Shell, *args: str) -> list[dict[str, Any]]:
    done = customevents("list", "-o", "json", *args)
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_all_that_is_not_delivered_is_listed_failed_events_as_well(
    events: Events, customevents: Shell, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    timeline.call("PUT", "/sandbox/faults", {"status": 400, "match": {"summary": "refuse me"}})
    events.apply("refused", {**SPEC, "summary": "refuse me"})
    events.apply("late", {**SPEC, "occurredAt": "2020-01-01T00:00:00Z"})
    events.apply("quiet", {**SPEC, "suspend": True})
    events.apply("checkout", SPEC)
    for name, state in (("refused", "Failed"), ("late", "Expired"), ("quiet", "Suspended")):
        events.until(name, state)
    events.until("checkout", "Delivered")

    found = {row["name"]: row for row in listed(customevents)}
    assert {name: (row["state"], row["reason"]) for name, row in found.items()} == {
        "refused": ("Failed", "Refused"),
        "late": ("Expired", "DeadlineExceeded"),
        "quiet": ("Suspended", "Suspended"),
    }
    refused = found["refused"]
    assert "refused this event for good (HTTP 400)" in refused["message"]
    assert refused["attempts"] == 1
    assert (refused["namespace"], refused["eventType"]) == (events.namespace, "release")


def test_a_person_gets_a_table_with_a_line_for_each(events: Events, customevents: Shell) -> None:
    events.apply("checkout", {**SPEC, "eventType": "[red]feature flag[/red]"})
    done = customevents("list")
    assert (done.returncode, done.stderr) == (0, "")
    titles, row = done.stdout.splitlines()
    assert titles.split() == ["NAME", "TYPE", "STATE", "REASON", "AGE", "MESSAGE"]
    assert row.split()[0] == "checkout"
    assert "[red]feature flag[/red]" in row
    assert row.rstrip().endswith(WAITING)


@pytest.fixture
def elsewhere(events: Events) -> Iterator[str]:
    """A second namespace."""
    name = f"{events.namespace}-2"
    events.cluster.kubectl("create", "namespace", name)
    yield name
    # The namespace goes later, and the next test's operator would take up what is undelivered.
    collection = f"/apis/customevents.dev/v1alpha1/namespaces/{name}/customevents"
    events.cluster.kubectl("delete", "--raw", collection)
    events.cluster.kubectl("delete", "namespace", name, "--wait=false")


def test_all_namespaces_are_listed_when_asked_for(
    events: Events, customevents: Shell, elsewhere: str
) -> None:
    events.apply("checkout", SPEC)
    events.apply("cart", SPEC, namespace=elsewhere)
    assert [row["name"] for row in listed(customevents)] == ["checkout"]
    everywhere = {(row["namespace"], row["name"]) for row in listed(customevents, "-A")}
    assert everywhere >= {(events.namespace, "checkout"), (elsewhere, "cart")}
    assert customevents("list", "-A").stdout.split()[0] == "NAMESPACE"


def test_the_oldest_comes_first(events: Events, customevents: Shell) -> None:
    for name in ("b", "a"):
        events.apply(name, SPEC)
    rows = listed(customevents)
    assert rows == sorted(rows, key=lambda row: (row["changed"], row["name"]))


def test_yaml_says_the_same_as_json(events: Events, customevents: Shell) -> None:
    events.apply("checkout", SPEC)
    done = customevents("list", "-o", "yaml")
    assert yaml.safe_load(done.stdout) == listed(customevents)


def test_nothing_to_list_is_said_to_people_with_where_and_is_empty_for_programs(
    events: Events, customevents: Shell
) -> None:
    """A misspelt namespace, or that of another context, must not pass for the one that is meant."""
    done = customevents("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"Everything in {events.namespace} is delivered.\n"
    assert listed(customevents) == []


def test_a_terminal_gets_colours(
    events: Events, customevents: Shell, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    timeline.call("PUT", "/sandbox/faults", {"status": 400, "match": {"summary": "refuse me"}})
    events.apply("refused", {**SPEC, "summary": "refuse me"})
    events.until("refused", "Failed")
    assert "\x1b[31mFailed" in on_a_terminal(customevents, "list", "-n", events.namespace)
    assert "\x1b" not in customevents("list").stdout


def on_a_terminal(customevents: Shell, *args: str) -> str:
    ours, theirs = pty.openpty()
    env = {k: v for k, v in customevents.env.items() if k != "NO_COLOR"} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "customevents", *args]
    subprocess.run(command, env=env, stdout=theirs, timeout=60, check=True)
    os.close(theirs)
    try:
        return os.read(ours, 65536).decode()
    finally:
        os.close(ours)


def test_an_error_is_one_line(cluster: Cluster, customevents: Shell, tmp_path: Path) -> None:
    (no_yaml := tmp_path / "no-yaml").write_text("users: {")
    (something_else := tmp_path / "something-else").write_text("a text")
    for kubeconfig, words in (
        (tmp_path / "kubeconfig", "no way to the Kubernetes API"),
        (no_yaml, f"{no_yaml} is no kubeconfig"),
        (something_else, f"{something_else} is no kubeconfig"),
        (cluster.user_kubeconfig("stranger"), 'User "stranger" cannot list resource'),
    ):
        done = customevents("list", kubeconfig=kubeconfig)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert words in done.stderr


def test_another_form_is_a_usage_error(customevents: Shell) -> None:
    assert customevents("list", "-o", "xml").returncode == 2
