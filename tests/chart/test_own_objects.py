"""Who may do what with the two objects that the operator keeps for itself: Lease and ConfigMap.

Rendered only: what the API server makes of it is tried in test_user_roles and test_ordinary_user.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chart.helm_cli import CI, MINIMAL, Helm, Json, environment, kinds, one

#: A release for the whole cluster, and one for some namespaces, which is called otherwise.
RELEASES = {
    "customevents": MINIMAL,
    "customevents-customevents": (
        *(*MINIMAL, "--set", "watchNamespaces={shop}"),
        *("--set", "clusterName=prod-eu-1"),
    ),
}

releases = pytest.mark.parametrize(("name", "values"), RELEASES.items(), ids=RELEASES)

LEASES = "coordination.k8s.io", "leases"
CONFIG_MAPS = "", "configmaps"


def rule(what: tuple[str, str], *verbs: str, name: str = "") -> Json:
    group, resource = what
    named = {"resourceNames": [name]} if name else {}
    return {"apiGroups": [group], "resources": [resource], **named, "verbs": [*verbs]}


@releases
def test_the_operator_creates_both_and_changes_none_but_its_own(
    helm4: Helm, name: str, values: tuple[str, ...]
) -> None:
    found = helm4.template(*values)
    assert environment(one(found, "Deployment", name))["CUSTOMEVENTS_LEASE_NAME"] == name
    rules = one(found, "Role", f"{name}-lease")["rules"]
    assert [r for r in rules if r["resources"] != ["events"]] == [
        rule(LEASES, "create"),
        rule(LEASES, "get", "update", name=name),
        rule(CONFIG_MAPS, "create"),
        rule(CONFIG_MAPS, "get", "update", name=name),
    ]


@releases
def test_who_may_read_the_state_gets_this_one_config_map_and_nothing_else(
    helm4: Helm, name: str, values: tuple[str, ...]
) -> None:
    found = helm4.template(*values)
    role = one(found, "Role", f"{name}-state-reader")
    binding = one(found, "RoleBinding", f"{name}-state-reader")
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "customevents"
    assert role["rules"] == [rule(CONFIG_MAPS, "get", name=name)]
    (group,) = binding["subjects"]
    assert (group["kind"], group["name"]) == ("Group", "system:authenticated")


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_no_role_but_the_operators_own_knows_the_lease(helm4: Helm, values: Path) -> None:
    """It names the events of all tenants that are just being sent."""
    found = helm4.template("-f", values)
    (deployment,) = [o for o in found if o["kind"] == "Deployment" and "sandbox" not in _name(o)]
    own = f"{_name(deployment)}-lease"
    # Also none that is aggregated into the cluster's own roles: those need no binding of ours.
    assert {_name(o) for o in found if any(map(_is_about_leases, _rules(o)))} == {own}
    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    bound = [o for o in found if o.get("roleRef", {}).get("name") == own]
    subjects = [subject for binding in bound for subject in binding["subjects"]]
    assert [(s["kind"], s["name"]) for s in subjects] == [("ServiceAccount", account)]


def test_where_nobody_may_read_the_state_helms_test_still_may(helm4: Helm) -> None:
    found = helm4.template(*MINIMAL, "--set-json", "userRoles.stateReaders=[]")
    assert not [name for _, name in kinds(found) if name.endswith("-state-reader")]
    account = one(found, "Pod", "customevents-check")["spec"]["serviceAccountName"]
    binding = one(found, "RoleBinding", "customevents-lease")
    assert [subject["name"] for subject in binding["subjects"]] == [account]


def _rules(found: Json) -> list[Json]:
    rules: list[Json] = found.get("rules", [])
    return rules if found["kind"] in ("Role", "ClusterRole") else []


def _is_about_leases(given: Json) -> bool:
    return "leases" in given["resources"]


def _name(found: Json) -> str:
    name: str = found["metadata"]["name"]
    return name
