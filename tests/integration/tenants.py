"""Users with the rights of tenants.yaml, under the policy of who may say what about whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcluster import Cluster

from operator_process import eventually

ROOT = Path(__file__).parents[2]
POLICY = ROOT / "helm" / "customevents-operator" / "files" / "scope-policy.yaml"
RIGHTS = Path(__file__).with_name("tenants.yaml")

HOME = "policy-home"
OTHER = "policy-other"
CLUSTER = "prod-eu-1"

#: Where the name of the cluster goes in the policy's file.
PLACE = """'""'"""

#: What stands before each of the policy's own words.
DENIED = (
    "ValidatingAdmissionPolicy 'customevents-scope' with binding 'customevents-scope' denied "
    "request: "
)

TAKES_BROADCAST = (
    ": creating, editing or resending such an event takes the verb broadcast on customevents in "
    f"namespace {HOME}"
)

ACCEPTED = "accepted"


def takes_create(namespace: str) -> str:
    return (
        f"spec.scope.namespaces names {namespace}: creating, editing or resending such an event "
        f"takes the right to create CustomEvents in namespace {namespace}"
    )


OTHER_TAKES_CREATE = takes_create(OTHER)


def level_refused(level: str) -> str:
    return f"spec.scope.level is {level}{TAKES_BROADCAST}"


def clusters_refused(names: str) -> str:
    return f"spec.scope.clusters names {names}, not only this cluster, {CLUSTER}{TAKES_BROADCAST}"


def rendered(cluster_name: str) -> str:
    """The policy as the chart renders it for a value of `clusterName`."""
    return POLICY.read_text().replace(PLACE, json.dumps(json.dumps(cluster_name)))


def event(name: str, scope: dict[str, Any] | None = None, **spec: Any) -> str:
    """A manifest in the users' own namespace; the scope's absence is a scope too."""
    whole = {"eventType": "release", "summary": "checkout 1.4.2 is live"} | spec
    return json.dumps(
        {
            "apiVersion": "customevents.dev/v1alpha1",
            "kind": "CustomEvent",
            "metadata": {"name": name, "namespace": HOME},
            "spec": whole | ({"scope": scope} if scope else {}),
        }
    )


class Tenants:
    """kubectl as one user after the other, in the namespace that they share."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def kubectl(self, user: str, *args: str, stdin: str | None = None) -> str:
        """What kubectl says to this user: how it went, or why it did not."""
        done = self.cluster.kubectl(f"--as={user}", "-n", HOME, *args, input=stdin, check=False)
        return done.stdout if done.returncode == 0 else done.stderr

    def refusal(self, user: str, *args: str, stdin: str | None = None) -> str:
        """The policy's words to this user; `accepted` if it went through."""
        done = self.cluster.kubectl(f"--as={user}", "-n", HOME, *args, input=stdin, check=False)
        if done.returncode == 0:
            return ACCEPTED
        status, denied, words = done.stderr.partition(DENIED)
        return words.strip() if denied and "(Forbidden)" in status else done.stderr

    def proposal(self, user: str, scope: dict[str, Any]) -> str:
        """What the policy says to a new event; it leaves nothing behind."""
        manifest = event("proposal", scope)
        return self.refusal(user, "create", "--dry-run=server", "-f", "-", stdin=manifest)

    def spec(self, name: str) -> dict[str, Any]:
        """The spec as it stands in the cluster."""
        got = self.cluster.kubectl("get", "cev", name, "-n", HOME, "-o", "jsonpath={.spec}")
        spec: dict[str, Any] = json.loads(got.stdout)
        return spec


@contextmanager
def scope_policy(tenants: Tenants, cluster_name: str) -> Iterator[None]:
    """Put the policy into the cluster, until the block ends; it must work first, and be gone after.

    Both take a moment: the API server learns of a policy as a controller does.
    """
    kubectl = tenants.cluster.kubectl
    policy = rendered(cluster_name)
    kubectl("apply", "-f", "-", input=policy)
    try:
        eventually("the policy refuses", lambda: _refuses(tenants) or None)
        yield
    finally:
        kubectl("delete", f"--raw=/apis/customevents.dev/v1alpha1/namespaces/{HOME}/customevents")
        kubectl("delete", "-f", "-", input=policy)
        eventually("the policy is gone", lambda: not _refuses(tenants) or None)


def _refuses(tenants: Tenants) -> bool:
    return tenants.proposal("own", {"level": "Account"}) != ACCEPTED
