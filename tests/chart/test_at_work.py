"""The operator as the chart would start it: with its environment, and its rights and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from localcluster import HELM, Cluster

from chart.helm_cli import MINIMAL, Helm, Json, environment, one
from chart.releases import CRD, NAMESPACE, create_event, get, installed, on
from customevents import sandbox
from operator_process import RunningOperator, eventually, operator, operator_environment, probe

#: Used only where the cluster answers that an event is not as it was.
AT_CONFLICTS = {("customevents", "get")}

KUBEADM = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "kubeadm-config", "namespace": "kube-system"},
    "data": {"ClusterConfiguration": "clusterName: prod-eu-1"},
}


@pytest.fixture
def timeline() -> Iterator[sandbox.Running]:
    """What the operator posts to, instead of the endpoint that the chart names."""
    with sandbox.running() as running:
        yield running


@pytest.fixture
def told_by_kubeadm(chart_cluster: Cluster) -> Iterator[None]:
    """Nearly the last place where the operator looks for the cluster's name: it sees them all."""
    chart_cluster.kubectl("create", "-f", "-", input=json.dumps(KUBEADM))
    yield
    chart_cluster.kubectl("delete", "configmap", "kubeadm-config", "-n", "kube-system")


@contextmanager
def at_work(
    cluster: Cluster, folder: Path, timeline: sandbox.Running, name: str, *values: str
) -> Iterator[tuple[list[Json], RunningOperator]]:
    """Install a release and run its operator until the block ends; yields its objects as well."""
    helm = on(cluster, HELM)
    values = (*values, "--set", "lease.duration=3")  # it tells of itself each time it renews
    found = helm.template(*MINIMAL, *values)
    settings = environment(one(found, "Deployment", name))
    key = folder / "api-key"
    key.write_text("test-key")
    given = {"CUSTOMEVENTS_API_KEY_FILE": str(key), "CUSTOMEVENTS_ENDPOINT": timeline.url}
    own = {k.removeprefix("CUSTOMEVENTS_").lower(): v for k, v in {**settings, **given}.items()}
    del own["allow_http"]  # the sandbox here has no certificate
    with installed(helm, *MINIMAL, *values):
        account = cluster.service_account_kubeconfig(NAMESPACE, name)
        with operator(folder, account, **own) as running:
            yield found, running


def asked_for(helm: Helm) -> list[str]:
    """The paths that the kubelet and Prometheus ask for."""
    found = helm.template(*MINIMAL, "--set", "metrics.serviceMonitor.enabled=true")
    name = "customevents"
    (container,) = one(found, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    probes = [container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
    (endpoint,) = one(found, "ServiceMonitor", name)["spec"]["endpoints"]
    return [*(probe["httpGet"]["path"] for probe in probes), endpoint["path"]]


def check(cluster: Cluster, found: list[Json], account: str) -> str:
    """Do as the pod of `helm test` would, where there was a node to run it; what it says.

    All is well from the second time on that the operator renews its Lease.
    """
    (pod,) = [o for o in found if o["kind"] == "Pod"]
    (container,) = pod["spec"]["containers"]
    env = operator_environment(cluster.service_account_kubeconfig(NAMESPACE, account))

    def look() -> str | None:
        done = subprocess.run(
            [sys.executable, "-m", "customevents", *container["args"]],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout if done.returncode == 0 else None

    return eventually("all is well", look)


def leave_the_crd(cluster: Cluster) -> None:
    """A release for namespaces does not bring it: another one did, and is gone."""
    if get(cluster, "crd", CRD) is None:
        with installed(on(cluster, HELM), *MINIMAL):
            pass


def requests(cluster: Cluster, account: str, since: int) -> list[Json]:
    """What a service account asked for, behind so many characters of the audit log."""
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    lines = map(json.loads, cluster.audit_log.read_text()[since:].splitlines())
    return [line for line in lines if line["user"]["username"] == user]


def used(made: list[Json]) -> set[tuple[str, str]]:
    """Resource and verb of each request; none of them was refused."""
    assert [line for line in made if line["responseStatus"]["code"] in (401, 403)] == []
    references = [(line["objectRef"], line["verb"]) for line in made if "objectRef" in line]
    return {
        ("/".join(filter(None, (ref["resource"], ref.get("subresource")))), verb)
        for ref, verb in references
    }


def granted(found: list[Json], *roles: str) -> set[tuple[str, str]]:
    """Resource and verb of each right in these roles."""
    return {
        (resource, verb)
        for role in found
        if role["metadata"]["name"] in roles
        for rule in role.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def delivered(cluster: Cluster, name: str, namespace: str) -> Json | None:
    event = get(cluster, "cev", name, namespace)
    assert event is not None
    return event if event["status"]["delivery"]["state"] == "Delivered" else None


@pytest.mark.usefixtures("told_by_kubeadm")
def test_it_needs_every_right_that_it_is_given_and_no_other(
    chart_cluster: Cluster, helm4: Helm, timeline: sandbox.Running, tmp_path: Path
) -> None:
    cluster = chart_cluster
    timeline.call("PUT", "/sandbox/faults", {"status": 400, "match": {"summary": "refuse me"}})
    since = len(cluster.audit_log.read_text())
    name = "customevents"
    with at_work(cluster, tmp_path, timeline, name, "--set", "ttl.enabled=true") as (
        found,
        running,
    ):
        create_event(cluster, "kept", "default", scope={"serviceNames": ["checkout"]})
        create_event(cluster, "gone", "default", ttlSecondsAfterFinished=0)
        create_event(cluster, "refused", "default", summary="refuse me")
        event = eventually("it is delivered", lambda: delivered(cluster, "kept", "default"))
        assert event["status"]["resolved"]["clusters"] == ["prod-eu-1"]
        eventually("it is deleted", lambda: get(cluster, "cev", "gone", "default") is None or None)
        command = ("get", "events.events.k8s.io", "-n", "default", "-o", "name")
        eventually("it is told", lambda: "refused" in cluster.kubectl(*command).stdout or None)
        assert {probe(running, path) for path in asked_for(helm4)} == {200}
        made = requests(cluster, name, since)
        assert "leads (ConfigMap customevents/customevents)" in check(cluster, found, name)
        since = len(cluster.audit_log.read_text())  # `check` asks with the same account
    # Its last word is the one change of its ConfigMap that is sure to come.
    made += requests(cluster, name, since)
    assert granted(found, name, "customevents-lease") - used(made) == AT_CONFLICTS


def test_a_release_for_namespaces_works_with_the_rights_in_these_alone(
    chart_cluster: Cluster, timeline: sandbox.Running, tmp_path: Path
) -> None:
    cluster = chart_cluster
    since = len(cluster.audit_log.read_text())
    leave_the_crd(cluster)
    given = ("--set", "clusterName=prod-eu-1,watchNamespaces={shop}")
    name = "customevents-customevents"
    with at_work(cluster, tmp_path, timeline, name, *given) as (found, _):
        create_event(cluster, "checkout", "shop")
        eventually("it is delivered", lambda: delivered(cluster, "checkout", "shop"))
        assert ("customevents", "watch") in used(requests(cluster, name, since))
        assert f"leads (ConfigMap customevents/{name})" in check(cluster, found, name)
