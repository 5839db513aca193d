"""What people with the cluster's own roles may do with CustomEvents."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from localcluster import HELM, Cluster

from chart.helm_cli import CHART, MINIMAL, Json
from chart.releases import installed, on, until_served
from operator_process import eventually

HOME = "tenant"
EVENT: Json = {
    "apiVersion": "customevents.dev/v1alpha1",
    "kind": "CustomEvent",
    "metadata": {"name": "checkout", "namespace": HOME},
    "spec": {"eventType": "release", "summary": "checkout 1.4.2 is live"},
}


class Tenant:
    """kubectl as the holder of one role in one namespace."""

    def __init__(self, cluster: Cluster, role: str) -> None:
        self._cluster = cluster
        self._user = f"--as={role}-of-tenant"
        self._group = "--as-group=system:authenticated"

    def may(self, verb: str, what: str, *options: str) -> bool:
        asked = ("auth", "can-i", verb, what, *options)
        done = self._cluster.kubectl(*asked, self._user, self._group, check=False)
        return done.stdout == "yes\n"

    def attempt(self, *args: str, stdin: str | None = None) -> str:
        """What kubectl says, however it went."""
        mine = (self._user, self._group, "-n", HOME)
        done = self._cluster.kubectl(*args, *mine, input=stdin, check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def tenants(chart_cluster: Cluster) -> Iterator[dict[str, Tenant]]:
    """One for each of the roles, as soon as these have what is aggregated into them."""
    kubectl = chart_cluster.kubectl
    kubectl("create", "namespace", HOME)
    found = {}
    for role in ("view", "edit", "admin"):
        binding = (role, f"--clusterrole={role}", f"--user={role}-of-tenant", "-n", HOME)
        kubectl("create", "rolebinding", *binding)
        found[role] = Tenant(chart_cluster, role)
    with installed(on(chart_cluster, HELM), *MINIMAL):
        until_served(chart_cluster)
        for role, tenant in found.items():
            verb = "get" if role == "view" else "create"
            asked = (verb, "customevents.customevents.dev", "-n", HOME)
            eventually(f"{role} has it", lambda t=tenant, a=asked: t.may(*a) or None)  # type: ignore[misc]
        yield found


def test_who_may_edit_a_namespace_creates_reads_resends_and_deletes_events_there(
    tenants: dict[str, Tenant],
) -> None:
    attempt = tenants["edit"].attempt
    it = "customevent.customevents.dev/checkout"
    assert attempt("create", "-f", "-", stdin=json.dumps(EVENT)) == f"{it} created\n"
    assert attempt("get", "cev", "-o", "name") == f"{it}\n"
    resent = attempt("annotate", "cev", "checkout", "customevents.dev/resend=now")
    assert resent == f"{it} annotated\n"
    assert "deleted" in attempt("delete", "cev", "checkout")


def test_an_event_that_reaches_further_than_its_author_may_is_refused(
    tenants: dict[str, Tenant],
) -> None:
    wide = {**EVENT, "spec": {**EVENT["spec"], "scope": {"level": "Account"}}}
    attempt = ("create", "--dry-run=server", "-f", "-")

    def refusal() -> str | None:
        told = tenants["edit"].attempt(*attempt, stdin=json.dumps(wide))
        return told if "customevents-scope" in told else None

    told = eventually("the policy is in force", refusal)
    assert "takes the verb broadcast on customevents in namespace tenant" in told


#: What nobody gets by a role of the cluster.
NOT_THEIRS = [
    ("patch", "customevents.customevents.dev", "--subresource=status", "-n", HOME),
    ("update", "customevents.customevents.dev", "--subresource=status", "-n", HOME),
    ("broadcast", "customevents.customevents.dev", "-n", HOME),
    ("get", "customevents.customevents.dev", "-n", "default"),
    ("create", "customevents.customevents.dev", "-n", "default"),
    ("get", "lease/customevents", "-n", "customevents"),
    ("update", "lease/customevents", "-n", "customevents"),
    ("update", "configmap/customevents", "-n", "customevents"),
    ("list", "configmaps", "-n", "customevents"),
    ("delete", "lease/customevents", "-n", "customevents"),
    ("list", "leases", "-n", "customevents"),
    ("get", "secret/komodor-api-key", "-n", "customevents"),
    ("patch", "customresourcedefinition/customevents.customevents.dev"),
]


@pytest.mark.parametrize("right", NOT_THEIRS, ids=lambda right: " ".join(right[:2]))
@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_nothing_else_of_ours_is_theirs(
    tenants: dict[str, Tenant], role: str, right: tuple[str, ...]
) -> None:
    assert not tenants[role].may(*right)


def test_who_may_view_only_reads(tenants: dict[str, Tenant]) -> None:
    tenant = tenants["view"]
    theirs = ("customevents.customevents.dev", "-n", HOME)
    assert tenant.may("list", *theirs)
    for verb in ("create", "update", "patch", "delete"):
        assert not tenant.may(verb, *theirs)


def test_everybody_reads_what_the_operator_says_of_itself(tenants: dict[str, Tenant]) -> None:
    assert tenants["view"].may("get", "configmap/customevents", "-n", "customevents")


def test_that_is_read_by_those_who_are_named(
    chart_cluster: Cluster, tenants: dict[str, Tenant]
) -> None:
    helm = on(chart_cluster, HELM)
    given = ("--set", "userRoles.stateReaders={platform-team}")
    helm.succeed("upgrade", "customevents", CHART, "-n", "customevents", *MINIMAL, *given)
    asked = ("get", "configmap/customevents", "-n", "customevents")
    eventually("the right is gone", lambda: not tenants["view"].may(*asked) or None)
