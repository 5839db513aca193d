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
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import Events, Existing, Shell, StartOperator
from integration.workloads import workload
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
def helper(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[ApiProxy]:
    """Somebody who may read everything, behind a proxy."""
    of = f"--serviceaccount={namespace}:helper"
    cluster.kubectl("create", "serviceaccount", "helper", "-n", namespace)
    cluster.kubectl("create", "clusterrolebinding", "helper", "--clusterrole=cluster-admin", of)
    with ApiProxy(cluster.service_account_kubeconfig(namespace, "helper"), tmp_path) as running:
        yield running
    cluster.kubectl("delete", "clusterrolebinding", "helper")


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
    helper: ApiProxy,
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
    helper.add(Rule("GET", r"/pods/operator/log\?container=operator&", log, count=None))

    target = tmp_path / "it.zip"
    files = report(customevents, target, kubeconfig=helper.kubeconfig)

    assert list(files) == FILES
    whole = "\n".join(files.values())
    token = json.loads(helper.kubeconfig.read_text())["users"][0]["user"]["token"]
    for secret in (SECRET, token, neighbour, "secret-launch", str(Path.home())):
        assert secret not in whole
    assert f"{events.namespace}/checkout" in files["log.txt"]
    assert "(about another namespace)" in files["log.txt"]
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
    for name in ("lease.json", "settings.json", "undelivered.json"):
        assert files[name].startswith("not to be had: the Kubernetes API answered 403: ")
    assert files["counts.json"].startswith("not to be had: events may not be listed")
    assert files["log.txt"].startswith("left out: it names events of all tenants")
    assert "warning  your rights" in files["check.txt"]


def test_without_a_cluster_there_is_no_report(customevents: Shell, tmp_path: Path) -> None:
    target = tmp_path / "it.zip"
    done = customevents("report", "--file", str(target), kubeconfig=tmp_path / "none")
    assert (done.returncode, done.stderr.count("\n"), target.exists()) == (1, 1, False)


def test_settings_are_shown_and_what_is_none_is_only_named(
    customevents: Shell, existing: Existing, account: Path, tmp_path: Path
) -> None:
    assert account  # with it, the operator's namespace is there
    deployment = workload("customevents", namespace="customevents")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["env"] = [
        {"name": "CUSTOMEVENTS_SITE", "value": "eu"},
        {"name": "CUSTOMEVENTS_PROXY", "value": f"http://joe:{SECRET}@proxy:3128"},
        {"name": "CUSTOMEVENTS_API_KEY", "value": SECRET},
        {"name": "TOKEN", "value": SECRET},
    ]
    with existing(deployment):
        files = report(customevents, tmp_path / "it.zip")
    assert SECRET not in "".join(files.values())
    assert json.loads(files["settings.json"])["environment"] == {
        "CUSTOMEVENTS_SITE": "eu",
        "CUSTOMEVENTS_PROXY": "http://(masked)@proxy:3128",
        "CUSTOMEVENTS_API_KEY": "(not a setting)",
        "TOKEN": "(not a setting)",
    }


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
