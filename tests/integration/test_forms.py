"""What commands print for programs, and how a wait shows on a screen how it stands."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from customevents import sandbox
from integration.conftest import Events, Shell, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: What is said of an event, also by `list`.
KEYS = ["namespace", "name", "eventType", "state", "reason", "message", "attempts", "changed"]
READ: dict[str, Callable[[str], Any]] = {"json": json.loads, "yaml": yaml.safe_load}


@pytest.fixture
def refusing(timeline: sandbox.Running) -> None:
    timeline.call("PUT", "/sandbox/faults", {"status": 400, "match": {"summary": "refuse me"}})


@pytest.mark.parametrize("form", READ)
@pytest.mark.usefixtures("refusing")
def test_send_and_wait_print_the_event_and_nothing_else(
    events: Events, customevents: Shell, start_operator: StartOperator, form: str
) -> None:
    start_operator()
    flags = ("--type", "release", "--summary", "refuse me", "--name", "refused")
    sent = customevents("send", *flags, "-o", form)
    waited = customevents("wait", "refused", "-o", form)
    for done in (sent, waited):
        assert done.returncode == 1
        found: dict[str, Any] = READ[form](done.stdout)
        assert list(found) == KEYS
        assert (found["name"], found["state"], found["reason"]) == ("refused", "Failed", "Refused")
        assert f"{events.namespace}/refused is Failed" in done.stderr


@pytest.mark.parametrize("form", READ)
def test_resend_prints_what_it_asked_for(events: Events, customevents: Shell, form: str) -> None:
    events.apply("checkout", SPEC)
    done = customevents("resend", "checkout", "-o", form)
    (asked,) = READ[form](done.stdout)
    assert (asked["namespace"], asked["name"]) == (events.namespace, "checkout")
    annotations = events.get("checkout")["metadata"]["annotations"]
    assert annotations["customevents.dev/resend"] == asked["resend"]


def test_render_prints_bodies_as_yaml_documents(customevents: Shell, events: Events) -> None:
    two = "\n---\n".join(
        events.manifest(name, {**SPEC, "scope": {"level": "Account"}}) for name in ("a", "b")
    )
    done = customevents("render", "-f", "-", "-o", "yaml", stdin=two)
    bodies = list(yaml.safe_load_all(done.stdout))
    assert [body["summary"] for body in bodies] == [SPEC["summary"]] * 2


def test_explain_prints_one_object_without_what_is_not_known(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator()
    events.apply("checkout", {**SPEC, "scope": {"serviceNames": ["checkout"]}})
    events.until("checkout", "Delivered")
    found = json.loads(customevents("explain", "checkout", "-o", "json").stdout)
    assert list(found) == [
        *("namespace", "name", "state", "reason", "message", "written", "scope", "attempts"),
        *("operator", "endpoint", "key", "clusterName", "next"),
    ]
    assert found["scope"] == {
        "reach": f"service checkout, namespace {events.namespace}, cluster prod-eu-1",
        "clusters": {"names": ["prod-eu-1"], "source": "setting clusterName"},
        "namespaces": {"names": [events.namespace], "source": "metadata.namespace"},
        "serviceNames": {"names": ["checkout"], "source": "spec.scope.serviceNames"},
        "matchingServices": 0,
    }
    assert found["attempts"]["count"] == 1
    assert found["attempts"]["code"] == 201
    assert found["attempts"]["journal"] == "read"
    assert "requestId" not in found["attempts"]
    assert found["next"]["todo"].startswith("correct spec.scope.serviceNames")


def on_a_screen(customevents: Shell, *args: str) -> tuple[int, str]:
    """The exit code, and all that a screen was sent."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        command = [sys.executable, "-m", "customevents", *args]
        env = customevents.env | {"TERM": "xterm", "COLUMNS": "70"}
        with subprocess.Popen(command, env=env, stdout=theirs, stderr=theirs, stdin=theirs) as run:
            os.close(theirs)
            shown = b""
            try:
                while part := screen.read(4096):
                    shown += part
            except OSError:  # EIO: its last user is gone
                pass
        return run.returncode, shown.decode()


def test_a_wait_shows_on_a_screen_how_it_stands_and_leaves_its_last_word_alone(
    events: Events, customevents: Shell
) -> None:
    events.apply("checkout", SPEC)
    where = ("-n", events.namespace)
    code, shown = on_a_screen(customevents, "wait", "checkout", "--timeout", "1", *where)
    *drawn, last = shown.split("\r\x1b[K")
    assert code == 3
    assert f"{events.namespace}/checkout is Pending ("[:60] in "".join(drawn)
    assert all("\n" not in line and len(line) < 70 for line in drawn)
    assert last.startswith(f"{events.namespace}/checkout is still Pending: ")
