"""`customevents report`: what is needed to help, and nothing that is nobody's business."""

from __future__ import annotations

import json
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from customevents import sandbox
from integration.conftest import Events, Shell, StartOperator
from namespaces import temporary_namespace
from proxy import ApiProxy, RawAnswer, Rule

#: What a canary of each kind says; none of it may be in a report.
SECRET = f"canary-{secrets.token_hex(8)}"
SPEC = {
    "eventType": "release",
    "summary": f"{SECRET} in a summary",
    "details": {"note": f"{SECRET} in details"},
}

FILES = [
    *("README.txt", "check.txt", "versions.json", "state.json", "lease.json", "settings.json"),
    *("counts.json", "undelivered.json", "warnings.json", "log.txt", "log-before.txt"),
]


@pytest.fixture
def neighbour(api: client.ApiClient) -> Iterator[str]:
    """Another tenant, with events of its own."""
    with temporary_namespace(api, f"neighbour-{secrets.token_hex(3)}") as name:
        yield name


def report(customevents: Shell, target: Path, *args: str, **how: Any) -> dict[str, str]:
    done = customevents("report", "--file", str(target), *args, **how)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"{target} is written\n")
    with zipfile.ZipFile(target) as bundle:
        return {name.partition("/")[2]: bundle.read(name).decode() for name in bundle.namelist()}


def test_it_has_what_is_needed_to_help_and_no_key_no_content_no_other_tenant(
    events: Events,
    customevents: Shell,
    start_operator: StartOperator,
    timeline: sandbox.Running,
    proxy: ApiProxy,
    neighbour: str,
    tmp_path: Path,
) -> None:
    (key_file := tmp_path / "key").write_text(SECRET)
    timeline.call("PUT", "/sandbox/key", {"key": SECRET})
    timeline.call("PUT", "/sandbox/faults", {"status": 400})
    running = start_operator(api_key_file=str(key_file), log_level="DEBUG")
    events.apply("checkout", SPEC)
    other = Events(events.cluster, neighbour, timeline)
    other.apply("secret-launch", SPEC)
    for each, name in ((events, "checkout"), (other, "secret-launch")):
        each.until(name, "Failed")
    running.says(f"{neighbour}/secret-launch")
    # There is no kubelet here that could tell a pod's log: these are its lines.
    log = RawAnswer(200, "text/plain", running.log)
    proxy.add(Rule("GET", r"/pods/operator/log\?tailLines=500$", log, count=None))

    target = tmp_path / "it.zip"
    files = report(customevents, target, kubeconfig=proxy.kubeconfig)

    assert list(files) == FILES
    whole = "\n".join(files.values())
    token = json.loads(proxy.kubeconfig.read_text())["users"][0]["user"]["token"]
    for secret in (SECRET, token, neighbour, "secret-launch", str(Path.home())):
        assert secret not in whole
    assert f"{events.namespace}/checkout" in files["log.txt"]
    assert "(masked)/(masked)" in files["log.txt"]
    assert "operator" in json.loads(files["state.json"])["leader"]
    assert json.loads(files["counts.json"])["byState"]["Failed (Refused)"] >= 2
    (undelivered,) = json.loads(files["undelivered.json"])
    assert (undelivered["name"], undelivered["reason"]) == ("checkout", "Refused")
    assert json.loads(files["lease.json"])["listIsWhole"]
    assert json.loads(files["versions.json"])["kubernetes"].startswith("v1.")
    assert "leads (ConfigMap customevents/customevents)" in files["check.txt"]


def test_what_somebody_may_not_read_says_so_in_its_place(
    customevents: Shell, tmp_path: Path
) -> None:
    files = report(customevents, tmp_path / "it.zip", "--as", "nobody")
    assert list(files) == FILES
    for name in ("lease.json", "settings.json", "counts.json", "undelivered.json"):
        assert files[name].startswith("not to be had: the Kubernetes API answered 403: ")
    assert "warning  your rights" in files["check.txt"]


def test_a_file_that_is_there_is_not_written_over(customevents: Shell, tmp_path: Path) -> None:
    (there := tmp_path / "it.zip").write_text("mine")
    done = customevents("report", "--file", str(there))
    assert done.returncode == 1
    assert done.stderr == f"customevents: {there} is there already: give another --file\n"
    assert there.read_text() == "mine"


def test_a_folder_that_is_not_there_is_one_line(customevents: Shell, tmp_path: Path) -> None:
    done = customevents("report", "--file", str(tmp_path / "none" / "it.zip"))
    assert done.returncode == 1
    assert done.stderr.startswith("customevents: cannot write ")
    assert done.stderr.count("\n") == 1
