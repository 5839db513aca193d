"""Every pod of a release runs where the Pod Security Standard *restricted* is enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from localcluster import Cluster

from chart.helm_cli import CHART, Helm, Json

SANDBOX = ("-f", CHART / "ci" / "sandbox-values.yaml")

#: What the standard asks for; the rest of the contexts is ours.
ASKED_FOR = (
    "podSecurityContext.runAsNonRoot",
    "podSecurityContext.seccompProfile",
    "securityContext.allowPrivilegeEscalation",
    "securityContext.capabilities",
)


@pytest.fixture(scope="module")
def restricted(chart_cluster: Cluster) -> Iterator[str]:
    """A namespace that enforces it."""
    kubectl = chart_cluster.kubectl
    name = "restricted"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    for account in ("customevents", "default"):
        kubectl("create", "serviceaccount", account, "-n", name, check=False)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def pods(found: list[Json], namespace: str) -> dict[str, Json]:
    """The pods of a release, by the name of their container."""
    specs = [o["spec"]["template"]["spec"] for o in found if o["kind"] == "Deployment"]
    specs += [o["spec"] for o in found if o["kind"] == "Pod"]
    return {
        spec["containers"][0]["name"]: {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "pod", "namespace": namespace},
            "spec": spec,
        }
        for spec in specs
    }


def answer(cluster: Cluster, pod: Json) -> str:
    """What the API server says to a pod."""
    command = ("create", "--dry-run=server", "-f", "-")
    done = cluster.kubectl(*command, input=json.dumps(pod), check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("container", ["operator", "sandbox", "check"])
def test_the_namespace_takes_every_pod(
    chart_cluster: Cluster, helm4: Helm, restricted: str, container: str
) -> None:
    pod = pods(helm4.template(*SANDBOX), restricted)[container]
    assert answer(chart_cluster, pod) == "pod/pod created (server dry run)\n"


@pytest.mark.parametrize("field", ASKED_FOR)
def test_without_any_one_field_it_refuses_them(
    chart_cluster: Cluster, helm4: Helm, restricted: str, field: str
) -> None:
    for pod in pods(helm4.template(*SANDBOX, "--set", f"{field}=null"), restricted).values():
        told = answer(chart_cluster, pod)
        assert 'violates PodSecurity "restricted' in told
        assert field.rpartition(".")[2] in told


def test_the_pods_write_nothing_and_are_nobody(helm4: Helm) -> None:
    """What the standard does not ask for."""
    for pod in pods(helm4.template(*SANDBOX), "any").values():
        (container,) = pod["spec"]["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert all(mount["readOnly"] for mount in container.get("volumeMounts", []))


def test_only_who_asks_the_cluster_gets_a_token(helm4: Helm) -> None:
    found = helm4.template(*SANDBOX)
    tokens = {
        name: pod["spec"]["automountServiceAccountToken"]
        for name, pod in pods(found, "any").items()
    }
    assert tokens == {"operator": True, "sandbox": False, "check": True}
    (account,) = [o for o in found if o["kind"] == "ServiceAccount"]
    assert account["automountServiceAccountToken"] is False
