"""`customevents render` refuses the files that `kubectl apply` refuses, and shows the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from localcluster import Cluster

from contract import cases
from contract.events_in_cluster import manifest
from contract.files import ONLY_THE_CLUSTER_KNOWS, REFUSED, TAKEN, event
from customevents.commands.bodies import read_manifests
from customevents.resource.errors import InvalidSpec
from customevents.resource.operator_state import STATE, OperatorState
from customevents.resource.written import check, objections
from integration.workloads import workload
from namespaces import temporary_namespace

THERE = event("scope: {serviceSelector: {matchLabels: {app: a}}}", metadata="name: there")

#: Of a workload, for the selectors that are taken.
LABELS = {"app": "a", "tier": "web", "app.kubernetes.io/part-of": "shop"}

ALL = {**TAKEN, **REFUSED}


@pytest.fixture(scope="module")
def place(api: client.ApiClient, cluster: Cluster) -> Iterator[str]:
    """A namespace with one event in it, of the name `there`."""
    said = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "customevents"},
        "data": {STATE: OperatorState(cluster_name="prod").to_json()},
    }
    items = [said, workload("checkout", labels=LABELS)]
    with temporary_namespace(api, "files") as name:
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        cluster.kubectl("apply", "-n", name, "-f", "-", input=listed)
        cluster.kubectl("apply", "-n", name, "-f", "-", input=THERE)
        yield name


def kubectl_refuses(cluster: Cluster, place: str, text: str) -> bool:
    verb = "create" if "generateName" in text else "apply"
    dry = (verb, "--dry-run=server", "-n", place, "-f", "-")
    return cluster.kubectl(*dry, input=text, check=False).returncode != 0


@pytest.fixture(scope="module")
def rendered(cluster: Cluster, place: str) -> dict[str, list[Any]]:
    """What `render` made of each file: its exit code, and what it said."""
    options = ("-n", place, "--operator-namespace", place)
    done = subprocess.run(
        [sys.executable, "-m", "contract.render_each", *options],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"KUBECONFIG": str(cluster.kubeconfig)},
        input=json.dumps({case: in_place(text, place) for case, text in ALL.items()}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


def in_place(text: str, place: str) -> str:
    return text.replace("NAMESPACE", place)


@pytest.mark.parametrize("case", ALL)
def test_kubectl_and_render_agree(
    cluster: Cluster, place: str, rendered: dict[str, list[Any]], case: str
) -> None:
    code, body, said = rendered[case]

    assert kubectl_refuses(cluster, place, in_place(ALL[case], place)) is (case in REFUSED)
    assert (code != 0) is (case in REFUSED), said
    assert (body == "") is (case in REFUSED)
    assert "own rules alone" not in said
    assert "this version does not" not in said
    assert "in body" not in said
    assert ("InvalidSpec" in said) is (case in REFUSED), said


@pytest.mark.parametrize("case", ALL)
def test_without_the_cluster_the_same_is_refused(case: str) -> None:
    text = in_place(ALL[case], "shop")
    refused = False
    try:
        for manifest in read_manifests(text):
            check(manifest)
    except InvalidSpec:
        refused = True
    assert refused is (case in REFUSED and case not in ONLY_THE_CLUSTER_KNOWS)


@pytest.mark.parametrize("case", cases.ACCEPTED)
def test_without_the_cluster_every_spec_is_taken_that_the_schema_takes(case: str) -> None:
    assert objections(as_read(cases.ACCEPTED[case])) == {}


@pytest.mark.parametrize("case", cases.REFUSED | cases.UNKNOWN_FIELDS)
def test_without_the_cluster_every_spec_is_refused_that_the_schema_refuses(case: str) -> None:
    spec, _ = {**cases.REFUSED, **cases.UNKNOWN_FIELDS}[case]

    (place, words), *_ = objections(as_read(spec)).items()

    assert place.startswith("spec")
    assert words.startswith(("must ", "is no field"))


def as_read(spec: cases.Json) -> cases.Json:
    """As a file says it: there, a null says nothing."""
    (found,) = read_manifests(json.dumps(manifest("checkout", spec)))
    return found
