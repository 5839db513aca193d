"""What a script gives as a name is one, or is asked for nowhere: an empty variable, a branch."""

from __future__ import annotations

import json

import pytest

from integration.conftest import Events, Shell

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


@pytest.mark.parametrize(
    ("command", "code"),
    [("wait", 4), ("render", 1), ("resend", 1)],
    ids=["wait", "render", "resend"],
)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "the name is empty: is a variable not set?"),
        ("shown/status", '"shown/status" names no CustomEvent: give status -n shown'),
        ("../cev/shown", '"../cev/shown" names no CustomEvent: give NAME or cev/NAME'),
        ("shown?x=1", '"shown?x=1" is no name of a CustomEvent: give '),
    ],
)
def test_what_is_no_name_is_one_line_and_no_success(
    events: Events, customevents: Shell, command: str, code: int, name: str, words: str
) -> None:
    events.apply("shown", SPEC)
    done = customevents(command, name)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"customevents: {words}")
    assert done.stderr.count("\n") == 1


def test_resend_never_annotates_another_thing(events: Events, customevents: Shell) -> None:
    events.kubectl("create", "configmap", "victim")
    elsewhere = f"../../../../../api/v1/namespaces/{events.namespace}/configmaps/victim"
    assert customevents("resend", elsewhere).returncode == 1
    found = json.loads(events.kubectl("get", "configmap", "victim", "-o", "json"))
    assert "annotations" not in found["metadata"]
