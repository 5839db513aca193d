"""The sandbox of a release: who may reach it, and what its notes promise of the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from localcluster import Cluster

from chart.helm_cli import CHART, Helm, Json, one
from chart.releases import installed, on
from customevents.sandbox import Running
from customevents.sandbox.behaviour import switches
from sandbox.sandbox_client import post, send

SANDBOX = ("-f", CHART / "ci" / "sandbox-values.yaml")
ENABLED = "sandbox.enabled=true"
COVERED = (*SANDBOX, "--set", "networkPolicy.enabled=true")


def selected(policy: Json, pod: Json) -> bool:
    return labels(policy["spec"]) <= set(pod["spec"]["template"]["metadata"]["labels"].items())


def labels(selector: Json) -> set[tuple[str, str]]:
    return set(selector["podSelector"]["matchLabels"].items())


def test_only_the_operator_reaches_the_sandbox_and_it_reaches_nobody(helm: Helm) -> None:
    found = helm.template(*COVERED)
    policy = one(found, "NetworkPolicy", "customevents-sandbox")
    sandbox = one(found, "Deployment", "customevents-sandbox")
    operator = one(found, "Deployment", "customevents")
    assert selected(policy, sandbox)
    assert not selected(policy, operator)
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy["spec"]
    (rule,) = policy["spec"]["ingress"]
    (source,) = rule["from"]
    assert labels(source) <= operator["spec"]["template"]["metadata"]["labels"].items()
    assert not labels(source) <= sandbox["spec"]["template"]["metadata"]["labels"].items()
    assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]


def test_without_a_sandbox_there_is_no_policy_for_it(helm4: Helm) -> None:
    told = ("--set", "apiKeySecret.name=key,networkPolicy.enabled=true")
    policies = [o for o in helm4.template(*told) if o["kind"] == "NetworkPolicy"]
    assert [policy["metadata"]["name"] for policy in policies] == ["customevents"]


def test_the_notes_say_how_to_see_the_page_and_that_it_can_be_broken(
    helm: Helm, chart_cluster: Cluster
) -> None:
    with installed(on(chart_cluster, helm.binary), *SANDBOX) as said:
        assert "open http://localhost:8090/" in said
        assert "port-forward service/customevents-sandbox 8090" in said
        assert "break the sandbox" in said


def test_the_page_is_served_by_what_the_chart_starts(helm4: Helm, tmp_path: Path) -> None:
    with started(helm4.template(*SANDBOX), tmp_path) as api:
        page = send(api, "GET", "/", headers={"Accept": "text/html"})
        assert page.status == 200
        assert b"Sandbox" in page.body
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_it_begins_with_the_inventory_and_the_switches_of_the_values(
    helm: Helm, tmp_path: Path
) -> None:
    more = "sandbox.behaviour.errorShape=none,sandbox.inventory.b.payments={ledger}"
    with started(helm.template(*SANDBOX, "--set", more), tmp_path) as api:
        event = {"eventType": "release", "summary": "1.4.2", "scope": {"servicesNames": ["ledger"]}}
        assert post(api, event).status == 201
        (arrived,) = api.call("GET", "/events")["events"]
        assert arrived["services"] == [
            {"cluster": "b", "namespace": "payments", "service": "ledger"}
        ]
        behaviour = api.call("GET", "/sandbox/behaviour")["behaviour"]
        assert (behaviour["eventType"], behaviour["errorShape"]) == ("30 cut", "none")
        assert behaviour["longestBody"] == 1048577


def test_a_number_is_a_switch_without_quotes_too(helm: Helm, tmp_path: Path) -> None:
    found = helm.template("--set", f"{ENABLED},sandbox.behaviour.eventType=30")
    with started(found, tmp_path) as api:
        assert api.call("GET", "/sandbox/behaviour")["behaviour"]["eventType"] == "30"


def test_a_new_inventory_restarts_it(helm4: Helm) -> None:
    more = ("--set", "sandbox.inventory.demo-cluster.shop={checkout}")
    before, after = (
        one(helm4.template(*values), "Deployment", "customevents-sandbox")
        for values in (SANDBOX, (*SANDBOX, *more))
    )
    assert before["spec"]["template"] != after["spec"]["template"]


def test_the_chart_takes_the_switches_that_the_sandbox_has() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    taken = schema["properties"]["sandbox"]["properties"]["behaviour"]["properties"]
    assert {name: texts(its) for name, its in taken.items()} == {
        switch["name"]: switch["values"] for switch in switches()
    }


def texts(its: Json) -> list[str] | None:
    """The values of a switch, without the numbers as --set writes them."""
    return [each for each in its["enum"] if isinstance(each, str)] if "enum" in its else None


@pytest.mark.parametrize("wrong", ["eventType=31", "eventTyp=30", "longestBody=0"])
def test_a_switch_that_there_is_not_is_refused(helm: Helm, wrong: str) -> None:
    told = helm.refusal("template", CHART, "--set", f"{ENABLED},sandbox.behaviour.{wrong}")
    assert wrong.partition("=")[0] in told


@contextmanager
def started(found: list[Json], folder: Path) -> Iterator[Running]:
    """The sandbox as its container would start it, with what is mounted in this folder."""
    pod = one(found, "Deployment", "customevents-sandbox")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    here = {"--host=::": "--host=127.0.0.1", "--port=8090": "--port=0"}
    arguments = [here.get(each, each.replace("=/", f"={folder}/")) for each in container["args"]]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        mounted = folder / mount["mountPath"].removeprefix("/")
        mounted.mkdir(parents=True)
        for name, text in files(found, volumes[mount["name"]]).items():
            (mounted / name).write_text(text)
    command = [sys.executable, "-m", "customevents", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        said = re.search(r"http://\S+", process.stdout.readline())
        assert said
        yield Running(said[0])
    finally:
        process.terminate()
        process.communicate(timeout=10)


def files(found: list[Json], volume: Json) -> dict[str, str]:
    """What a volume holds, by name."""
    held: dict[str, str] = (
        one(found, "Secret", volume["secret"]["secretName"])["stringData"]
        if "secret" in volume
        else one(found, "ConfigMap", volume["configMap"]["name"])["data"]
    )
    return held
