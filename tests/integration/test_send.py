"""`customevents send`: from flags or from curl's body to the timeline, through the cluster."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from customevents import sandbox
from integration.conftest import Events, Shell, StartOperator

FLAGS = ("--type", "feature flag", "--summary", "express checkout is on")
BODY = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: The bodies of the API's documentation: two clusters, in each two namespaces.
DOCUMENTED: dict[str, dict[str, Any]] = {
    "the whole account": {},
    "a cluster": {"clusters": ["a"]},
    "a namespace, wherever it is": {"namespaces": ["c"]},
    "services, wherever they are": {"servicesNames": ["s1", "s2", "s3"]},
    "a namespace of a cluster": {"clusters": ["b"], "namespaces": ["d"]},
    "a service of a namespace of two clusters": {
        "clusters": ["a", "b"],
        "namespaces": ["c"],
        "servicesNames": ["s5"],
    },
}


def body_of(event: dict[str, Any]) -> dict[str, Any]:
    """What arrived, without where it came from."""
    body = dict(event["body"])
    details = body.pop("details")
    own = {key: value for key, value in details.items() if "customevents.dev/" not in key}
    return body | ({"details": own} if own else {})


def test_an_event_made_of_flags_is_delivered(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator()
    done = customevents(
        *("send", *FLAGS, "--severity", "Warning", "--name", "express"),
        *("--detail", "flag=express-checkout", "--detail", "rule=percent=100"),
        *("--service", "checkout", "--service", "cart", "--namespace-scope", "shop"),
        *("--cluster", "prod-eu-2", "--level", "Cluster", "--occurred-at", "2199-01-31T12:00:00Z"),
    )
    where = f"{events.namespace}/express"
    said = f"{where} is created\n{where} is Delivered: Delivered at the first attempt.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    assert events.get("express")["spec"] == {
        "eventType": "feature flag",
        "summary": "express checkout is on",
        "severity": "Warning",
        "details": {"flag": "express-checkout", "rule": "percent=100"},
        "scope": {
            "level": "Cluster",
            "clusters": ["prod-eu-2"],
            "namespaces": ["shop"],
            "serviceNames": ["checkout", "cart"],
        },
        "occurredAt": "2199-01-31T12:00:00Z",
    }
    assert len(events.sent()) == 1


def test_what_no_flag_says_is_left_to_the_operator(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator()
    done = customevents("send", *FLAGS)
    assert done.returncode == 0
    assert re.match(rf"{events.namespace}/feature-flag-\w+ is created\n", done.stdout)
    (sent,) = events.sent()
    assert sent["body"]["scope"] == {"clusters": ["prod-eu-1"], "namespaces": [events.namespace]}


def test_the_body_of_a_curl_user_arrives_as_it_was(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator()
    bodies = [
        BODY
        | {"severity": "error", "details": {"case": case}}
        | ({"scope": scope} if scope else {})
        for case, scope in DOCUMENTED.items()
    ]
    for body in bodies:
        assert customevents("send", "--curl", json.dumps(body)).returncode == 0
    assert [body_of(sent) for sent in events.sent()] == bodies


def test_a_body_without_scope_reaches_everybody_and_that_is_said_aloud(
    customevents: Shell,
) -> None:
    done = customevents("send", "--as-resource", "--curl", json.dumps(BODY))
    assert yaml.safe_load(done.stdout)["spec"] == {**BODY, "scope": {"level": "Account"}}
    assert done.stderr == (
        "customevents: the body has no scope: this is about ALL services of the account "
        "(level: Account)\n"
    )


def test_a_long_type_is_taken_with_advice(customevents: Shell) -> None:
    done = customevents("send", "--as-resource", "--type", "t" * 31, "--summary", "s")
    assert yaml.safe_load(done.stdout)["spec"]["eventType"] == "t" * 31
    assert done.stderr.startswith("customevents: spec.eventType has 31 characters")


def test_the_body_comes_as_curl_takes_it(customevents: Shell, tmp_path: Path) -> None:
    text = json.dumps(BODY | {"scope": DOCUMENTED["a namespace of a cluster"]})
    (tmp_path / "body.json").write_text(text)
    printed = {
        customevents("send", "--as-resource", "--curl", source, stdin=text).stdout
        for source in (text, f"@{tmp_path}/body.json", "@-", "-")
    }
    assert len(printed) == 1
    assert "eventType: release" in printed.pop()


def test_a_resource_is_only_printed_and_kubectl_takes_it(
    events: Events, customevents: Shell
) -> None:
    done = customevents("send", "--as-resource", *FLAGS, "--detail", "percent=100")
    assert events.kubectl("get", "cev") == ""
    events.cluster.kubectl("create", "-f", "-", input=done.stdout)
    (created,) = json.loads(events.kubectl("get", "cev", "-o", "json"))["items"]
    assert created["metadata"]["name"].startswith("feature-flag-")
    assert created["spec"]["details"] == {"percent": "100"}


def test_it_ends_as_wait_does(
    customevents: Shell, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    late = customevents("send", *FLAGS, "--timeout", "0")
    assert late.returncode == 3
    assert "is still Pending: Waiting for the operator" in late.stdout

    start_operator()
    timeline.call("PUT", "/sandbox/faults", {"status": 400, "match": {"summary": "refuse me"}})
    refused = customevents("send", "--type", "release", "--summary", "refuse me")
    assert refused.returncode == 1
    assert "is Failed: The events API refused this event for good (HTTP 400)" in refused.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            (*FLAGS, "--name", "Not A Name"),
            '"Not A Name" is no name of a CustomEvent: give lower-case',
        ),
        ((*FLAGS, "--severity", "Critical"), "spec.severity must be Info, "),
        ((*FLAGS, "--cluster", "*"), "spec.scope.clusters[0] must be a plain name"),
        (("--curl", "{"), "the body is no JSON"),
        (("--curl", "[]"), "the body must be a JSON object"),
        (("--curl", json.dumps({"eventtype": "release"})), "the body must not have 'eventtype'"),
        (("--curl", json.dumps({"eventType": "release"})), "spec.summary must be given"),
        (("--curl", "@nowhere.json"), "cannot read nowhere.json: No such file or directory"),
    ],
)
def test_what_cannot_be_sent_is_one_line(
    events: Events, customevents: Shell, args: tuple[str, ...], words: str
) -> None:
    done = customevents("send", *args)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[:-1]) == (4, "", [])
    assert words in done.stderr
    assert events.kubectl("get", "cev") == ""


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--type", "release"),
        ("--summary", "checkout 1.4.2 is live"),
        (*FLAGS, "--curl", json.dumps(BODY)),
        (*FLAGS, "--detail", "percent"),
    ],
)
def test_flags_that_make_no_event_are_a_usage_error(
    customevents: Shell, args: tuple[str, ...]
) -> None:
    assert customevents("send", *args).returncode == 2
