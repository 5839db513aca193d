"""The examples for Argo CD: what its health script says in every state, and its hook."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import Cluster
from lupa.lua51 import LuaRuntime  # Argo CD's interpreter has the Lua of 5.1

from customevents.resource.event import read_event
from customevents.resource.status import State
from gitops.conftest import Objects
from integration.conftest import Events, StartOperator

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = EXAMPLES / "argocd" / "health.lua"
HOOK = EXAMPLES / "argocd" / "hook.yaml"
GATE = "customevents.dev/gate"


def health(found: dict[str, Any]) -> tuple[str, str]:
    """What the script says of an object: the status that Argo CD shows, and the message."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.execute("io, os, require, package, debug, python = nil")  # Argo CD has none of them
    lua.globals().obj = lua.table_from(found, recursive=True)
    said = lua.execute(SCRIPT.read_text())
    assert set(said) == {"status", "message"}
    return said["status"], said["message"]


def gated(found: dict[str, Any], value: str = "true") -> dict[str, Any]:
    changed = copy.deepcopy(found)
    changed["metadata"].setdefault("annotations", {})[GATE] = value
    return changed


@pytest.mark.parametrize("state", State)
def test_an_event_is_healthy_in_every_state_and_the_message_tells(
    every_state: Objects, state: State
) -> None:
    (condition,) = every_state[state]["status"]["conditions"]
    expected = f"{condition['reason']}: {condition['message']}"
    assert health(every_state[state]) == ("Healthy", expected)
    assert health(gated(every_state[state], "false")) == ("Healthy", expected)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.PENDING, "Progressing"),
        (State.DELIVERED, "Healthy"),
        (State.RETRYING, "Progressing"),
        (State.FAILED, "Degraded"),
        (State.EXPIRED, "Degraded"),
        (State.HELD, "Progressing"),
        (State.SUSPENDED, "Progressing"),
    ],
)
def test_only_the_annotation_makes_it_a_gate(
    every_state: Objects, state: State, expected: str
) -> None:
    assert health(gated(every_state[state]))[0] == expected


def without_status(found: dict[str, Any]) -> None:
    del found["status"]


def edited(found: dict[str, Any]) -> None:
    found["metadata"]["generation"] += 1


def resent(found: dict[str, Any]) -> None:
    found["metadata"]["annotations"]["customevents.dev/resend"] = "again"


def resent_and_answered(found: dict[str, Any]) -> None:
    resent(found)
    found["status"]["delivery"]["resend"] = "again"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without_status, "Progressing"),
        (edited, "Progressing"),
        (resent, "Progressing"),
        (resent_and_answered, "Healthy"),
    ],
)
def test_a_gate_opens_only_for_what_the_operator_has_seen(
    every_state: Objects, change: Any, expected: str
) -> None:
    changed = gated(every_state[State.DELIVERED])
    change(changed)
    assert health(changed)[0] == expected


def lost(found: dict[str, Any]) -> None:
    found["status"]["delivery"]["lastOutcome"] = {"class": "Unknown"}
    found["status"]["conditions"][0]["reason"] = "UnknownOutcome"


def restored(found: dict[str, Any]) -> None:
    found["status"]["conditions"][0]["reason"] = "RestoredFromBackup"


@pytest.mark.parametrize("change", [lost, restored])
def test_a_gate_is_degraded_where_the_operator_waits_for_a_person(
    every_state: Objects, change: Any
) -> None:
    changed = gated(every_state[State.HELD])
    change(changed)
    assert read_event(changed).waits_for_a_person
    assert health(changed)[0] == "Degraded"


def test_a_gate_is_progressing_where_only_the_scope_is_missing_after_a_lost_answer(
    every_state: Objects,
) -> None:
    changed = gated(every_state[State.HELD])
    changed["status"]["delivery"]["lastOutcome"] = {"class": "Unknown"}
    assert not read_event(changed).waits_for_a_person
    assert health(changed)[0] == "Progressing"


def test_the_script_is_added_to_the_settings_that_argo_cd_has(
    cluster: Cluster, namespace: str
) -> None:
    here = ("-n", namespace)
    key = "resource.customizations.health.customevents.dev_CustomEvent"
    cluster.kubectl("create", "configmap", "argocd-cm", "--from-literal=url=https://cd", *here)
    made = cluster.kubectl(
        *("create", "configmap", "argocd-cm", f"--from-file={key}={SCRIPT}"),
        *("--dry-run=client", "-o", "yaml", *here),
    ).stdout
    cluster.kubectl(
        *("apply", "--server-side", "--field-manager=customevents", "-f", "-", *here), input=made
    )
    found = cluster.kubectl("get", "configmap", "argocd-cm", "-o", "json", *here).stdout
    assert json.loads(found)["data"] == {"url": "https://cd", key: SCRIPT.read_text()}


def sync(events: Events, revision: str) -> str:
    """Apply the hook as Argo CD does: with a name that it makes of the sync, and its own mark."""
    hook = yaml.safe_load(HOOK.read_text())
    metadata = hook["metadata"]
    name: str = metadata.pop("generateName") + f"{revision}-postsync-1767182400"
    metadata["name"] = name
    metadata["annotations"]["argocd.argoproj.io/tracking-id"] = f"shop:{name}"
    events.cluster.kubectl("apply", "-n", events.namespace, "-f", "-", input=json.dumps(hook))
    return name


def test_each_sync_tells_a_new_event_whose_ttl_is_honoured(
    events: Events, start_operator: StartOperator
) -> None:
    start_operator(ttl_enabled="true")
    for revision in ("1a2b3c4", "5d6e7f8"):
        found = events.until(sync(events, revision), "Delivered")
        assert (
            "ttlSecondsAfterFinished is ignored"
            not in (found["status"]["conditions"][0]["message"])
        )
        event = read_event(found)
        assert event.is_tracked
        assert not event.is_created_again
    assert len({event["idempotencyKey"] for event in events.sent()}) == 2


def test_the_hook_never_deletes_what_is_not_sent() -> None:
    annotations = yaml.safe_load(HOOK.read_text())["metadata"]["annotations"]
    assert annotations == {"argocd.argoproj.io/hook": "PostSync"}


def test_the_application_points_at_a_folder_with_an_event(cluster: Cluster) -> None:
    application = yaml.safe_load((EXAMPLES / "argocd" / "application.yaml").read_text())
    assert (application["apiVersion"], application["kind"]) == (
        "argoproj.io/v1alpha1",
        "Application",
    )
    assert {"project", "source", "destination"} <= application["spec"].keys()
    folder = EXAMPLES.parent / application["spec"]["source"]["path"]
    built = yaml.safe_load_all(cluster.kubectl("kustomize", str(folder)).stdout)
    assert [made["kind"] for made in built] == ["Deployment", "CustomEvent"]
