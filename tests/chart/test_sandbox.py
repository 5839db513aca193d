"""The sandbox of a release: who may reach it, and what its notes promise of the page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcluster import Cluster

from chart.helming import CHART, Helm, Json, one
from chart.releases import installed, on
from customevents.sandbox import Running
from sandbox.sandbox_client import send

SANDBOX = ("-f", CHART / "ci" / "sandbox-values.yaml")
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
    pod = one(helm4.template(*SANDBOX), "Deployment", "customevents-sandbox")
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    key = tmp_path / "key"
    key.write_text("test-key\n")
    swapped = {"::": "127.0.0.1", "8090": "0", "/etc/customevents/key/apiKey": str(key)}
    with started([swapped.get(word, word) for word in container["args"]]) as api:
        page = send(api, "GET", "/", headers={"Accept": "text/html"})
        assert page.status == 200
        assert b"Sandbox" in page.body
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@contextmanager
def started(arguments: list[str]) -> Iterator[Running]:
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
