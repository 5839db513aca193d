"""`customevents render`: the body that would be sent, resolved against the live cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import Events, Existing, Shell, StartOperator
from integration.workloads import apply, workload
from operator_process import eventually, said_of_itself
from work import work

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
HEAD = "apiVersion: customevents.dev/v1alpha1\nkind: CustomEvent\nmetadata: {name: a}\n"
SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: Of a cluster with so many workloads, and in the work of at most so many starts.
WORKLOADS, STARTS = 300, 2.3


@pytest.fixture
def leading(events: Events, start_operator: StartOperator) -> None:
    """An operator that has said how it resolves."""
    start_operator()
    eventually(
        "it has said so",
        lambda: said_of_itself(events.cluster).get("clusterName") == "prod-eu-1" or None,
    )


def bodies(said: str) -> list[dict[str, Any]]:
    """What `render` prints: one JSON document an event."""
    decoder, found, rest = json.JSONDecoder(), [], said.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].strip()
    return found


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    """A body without its delivery id and time."""
    details = body["details"]
    own = {"customevents.dev/id", "customevents.dev/occurredAt"}
    assert own <= set(details)
    return {**body, "details": {key: text for key, text in details.items() if key not in own}}


@pytest.mark.usefixtures("leading")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_rendered_as_it_is_sent(
    example: Path, events: Events, customevents: Shell
) -> None:
    events.kubectl("apply", "-f", str(example))  # with the workloads that it is about
    done = customevents("render", "-f", "-", stdin=example.read_text())
    assert done.returncode == 0, done.stderr
    rendered = bodies(done.stdout)
    events.kubectl("wait", "--for=condition=Delivered", "cev", "--all", "--timeout=30s")
    sent = [event["body"] for event in events.sent()]
    key = "customevents.dev/source"
    in_order = sorted(sent, key=lambda body: str(body["details"][key]))
    assert sorted(map(comparable, rendered), key=lambda b: str(b["details"][key])) == list(
        map(comparable, in_order)
    )


@pytest.mark.usefixtures("leading")
def test_a_live_event_is_rendered_with_its_id(events: Events, customevents: Shell) -> None:
    events.apply("checkout", {**SPEC, "suspend": True})
    found = events.until("checkout", "Suspended")
    (body,) = bodies(customevents("render", "checkout").stdout)
    assert body["details"]["customevents.dev/id"] == found["status"]["delivery"]["id"]
    assert body["scope"]["clusters"] == ["prod-eu-1"]
    assert events.sent() == []


@pytest.mark.usefixtures("leading")
def test_a_long_type_is_rendered_with_advice(events: Events, customevents: Shell) -> None:
    spec = {"eventType": "t" * 31, "summary": "s", "scope": {"namespaces": [events.namespace]}}
    done = customevents("render", "-f", "-", stdin=events.manifest("long", spec))
    assert bodies(done.stdout)[0]["eventType"] == "t" * 31
    assert "\n# spec.eventType has 31 characters" in done.stderr


def test_a_selector_is_resolved_and_the_reach_is_said_beside_the_body(
    events: Events, customevents: Shell, existing: Existing
) -> None:
    scope = {"serviceSelector": {"matchLabels": {"part-of": "shop"}}}
    with existing(workload("checkout", namespace=events.namespace, labels={"part-of": "shop"})):
        manifest = events.manifest("checkout", {**SPEC, "scope": scope})
        done = customevents("render", "-f", "-", stdin=manifest)
    (body,) = bodies(done.stdout)
    assert body["scope"]["servicesNames"] == ["checkout"]
    assert "service checkout, namespace" in done.stderr


@pytest.mark.usefixtures("leading")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: [", "this is no YAML"),
        ("kind: ConfigMap", "there is no CustomEvent in it"),
        (f"{HEAD}spec: {{summary: x}}", "a: spec.eventType must be given"),
        (
            f"{HEAD}spec: {{eventType: a, summary: b, "
            "scope: {serviceSelector: {matchLabels: {a: b}}}}",
            "matches no workload",
        ),
    ],
)
def test_what_cannot_be_sent_is_one_line(text: str, words: str, customevents: Shell) -> None:
    done = customevents("render", "-f", "-", stdin=text)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_the_operators_word_it_says_that_it_guesses(
    events: Events, customevents: Shell
) -> None:
    spec = {**SPEC, "scope": {"level": "Account"}}
    elsewhere = ("--operator-namespace", "default")
    done = customevents("render", "-f", "-", *elsewhere, stdin=events.manifest("wide", spec))
    assert done.returncode == 0, done.stderr
    note = "# the operator's settings are not known, so its defaults count: ConfigMap default/"
    assert done.stderr.startswith(note)


def test_where_something_else_is_written_in_its_place_it_says_that_it_guesses(
    events: Events, customevents: Shell
) -> None:
    events.kubectl("create", "configmap", "customevents", "--from-literal=state.json=yesterday")
    spec = {**SPEC, "scope": {"level": "Account"}}
    elsewhere = ("--operator-namespace", events.namespace)
    done = customevents("render", "-f", "-", *elsewhere, stdin=events.manifest("wide", spec))
    assert done.returncode == 0, done.stderr
    where = f"ConfigMap {events.namespace}/customevents"
    note = f"# the operator's settings are not known, so its defaults count: {where} does not say"
    assert done.stderr.startswith(note)


def test_a_file_or_a_name_is_wanted_and_not_both(customevents: Shell) -> None:
    assert customevents("render").returncode == 2
    assert customevents("render", "checkout", "-f", "-").returncode == 2


@pytest.mark.usefixtures("leading")
def test_with_300_workloads_its_answer_takes_little_more_than_to_load_its_libraries(
    events: Events,
    customevents: Shell,
    figure: Callable[[str], None],
) -> None:
    manifests = [workload(f"service-{number}") for number in range(WORKLOADS)]
    apply(events.cluster, events.namespace, *manifests)
    manifest = events.manifest("few", {**SPEC, "scope": {"serviceNames": ["service-7"]}})
    render = [sys.executable, "-m", "customevents", "render", "-n", events.namespace, "-f", "-"]
    took = work({"render": render}, customevents.env, stdin=manifest)["render"]
    figure(f"render, {WORKLOADS} workloads: {took}")
    assert took.starts <= STARTS
