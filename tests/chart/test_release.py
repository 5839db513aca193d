"""Install, upgrade, rollback, uninstall: on a real API server, with both majors of Helm."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import HELM, Cluster

from chart.conftest import BINARIES
from chart.helm_cli import CHART, MINIMAL
from chart.releases import CRD, NAMESPACE, RELEASE, create_event, get, installed, on

#: Who installs, and who goes on; people move from the one to the other.
PAIRS = [("helm4", "helm4"), ("helm3", "helm3"), ("helm3", "helm4")]


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The chart as a later version may be: its CRD says something else."""
    chart = tmp_path / "newer"
    shutil.copytree(CHART, chart)
    crd = chart / "files" / f"{CRD}.yaml"
    crd.write_text(crd.read_text().replace("What kind of event it is", "What sort of event it is"))
    return chart


def may_look_for_the_name(cluster: Cluster) -> bool:
    role = get(cluster, "clusterrole", "customevents")
    assert role is not None
    return any("nodes" in rule["resources"] for rule in role["rules"])


def first_column(cluster: Cluster) -> str:
    crd = get(cluster, "crd", CRD)
    assert crd is not None
    said: str = crd["spec"]["versions"][0]["additionalPrinterColumns"][0]["description"]
    return said


def replicas(cluster: Cluster) -> Any:
    deployment = get(cluster, "deployment", "customevents")
    return deployment and deployment["spec"]["replicas"]


@pytest.mark.parametrize(("first", "then"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_a_release_is_installed_upgraded_rolled_back_and_removed(
    chart_cluster: Cluster, newer: Path, first: str, then: str
) -> None:
    cluster = chart_cluster
    helm = on(cluster, BINARIES[then])
    with installed(on(cluster, BINARIES[first]), *MINIMAL):
        assert (replicas(cluster), may_look_for_the_name(cluster)) == (2, True)
        create_event(cluster, name := f"{first}-{then}", "default")

        given = (*MINIMAL, "--set", "clusterName=prod-eu-1,replicaCount=3")
        helm.succeed("upgrade", RELEASE, newer, "-n", NAMESPACE, *given)
        assert (replicas(cluster), may_look_for_the_name(cluster)) == (3, False)
        assert first_column(cluster).startswith("What sort of event")

        helm.succeed("rollback", RELEASE, "1", "-n", NAMESPACE)
        assert (replicas(cluster), may_look_for_the_name(cluster)) == (2, True)
        assert first_column(cluster).startswith("What kind of event")

        told = helm.succeed("uninstall", RELEASE, "-n", NAMESPACE)
        assert f"[CustomResourceDefinition] {CRD}" in told, "it is kept, and that is said"
    assert replicas(cluster) is None
    assert get(cluster, "clusterrole", "customevents") is None
    assert get(cluster, "cev", name, "default") is not None


@pytest.mark.parametrize("major", BINARIES)
def test_a_second_release_for_the_whole_cluster_is_refused(
    chart_cluster: Cluster, major: str
) -> None:
    """It would send every event once more; not even without CRD and policy is it let in."""
    helm = on(chart_cluster, BINARIES[major])
    less = ("--set", "crds.enabled=false,scopePolicy.enabled=false,userRoles.aggregate=false")
    with installed(helm, *MINIMAL):
        for values in ((), less):
            where = ("-n", "second", "--create-namespace")
            told = helm.refusal("install", "second", CHART, *where, *MINIMAL, *values)
            assert "cannot be imported into the current release" in told
        assert get(chart_cluster, "deployment", "customevents", "second") is None


def test_a_release_for_namespaces_is_let_in_beside_another_one(chart_cluster: Cluster) -> None:
    helm = on(chart_cluster, HELM)
    for name in ("one", "two"):
        chart_cluster.kubectl("create", "namespace", name)
    given = (*MINIMAL, "--set", "clusterName=prod-eu-1")
    with (
        installed(helm, *given, "--set", "watchNamespaces={one}", release="one"),
        installed(helm, *given, "--set", "watchNamespaces={two}", release="two"),
    ):
        for name in ("one", "two"):
            assert get(chart_cluster, "deployment", f"{name}-customevents") is not None
            assert get(chart_cluster, "role", f"{name}-customevents", name) is not None


def test_a_teams_admin_installs_for_the_own_namespace_with_the_rights_that_the_readme_names(
    chart_cluster: Cluster,
) -> None:
    cluster, home, user = chart_cluster, "team", "admin-of-team"
    for args in (
        ("create", "namespace", home),
        ("create", "rolebinding", "admin", "--clusterrole=admin", f"--user={user}", "-n", home),
        ("apply", "-f", "-"),
    ):
        cluster.kubectl(*args, input=documented_rights(user, home))
    who = ("-n", home, "--kube-as-user", user)
    given = (*MINIMAL, "--set", f"clusterName=prod-eu-1,watchNamespaces={{{home}}}")
    helm = on(cluster, HELM)
    helm.succeed("install", "ours", CHART, *who, *given)
    helm.succeed("uninstall", "ours", *who)


def documented_rights(user: str, namespace: str) -> str:
    """The Role of the chart's README, bound to this user."""
    page = (CHART / "README.md").read_text()
    role = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    role["metadata"]["namespace"] = namespace
    binding = {
        **{key: role[key] for key in ("apiVersion", "metadata")},
        "kind": "RoleBinding",
        "roleRef": {"kind": "Role", "name": role["metadata"]["name"]},
        "subjects": [{"kind": "User", "name": user}],
    }
    return yaml.safe_dump_all([role, binding])
