"""Who has which right on CustomEvents: what the policy leans on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from integration.tenants import ACCEPTED, OTHER, Tenants, event

FAKED = json.dumps({"status": {"delivery": {"state": "Delivered"}}})
NOT_HELD = "attempting to grant RBAC permissions not currently held"
TAKEN = {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}


def granted(tenants: Tenants, role: str) -> Iterator[tuple[str, str]]:
    """What a ClusterRole allows on CustomEvents, as pairs of resource and verb."""
    found = json.loads(tenants.cluster.kubectl("get", "clusterrole", role, "-o", "json").stdout)
    rules: list[dict[str, Any]] = found["rules"]
    for rule in rules:
        if {"customevents.dev", "*"}.isdisjoint(rule.get("apiGroups", ())):
            continue
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield resource, verb


@pytest.mark.parametrize("role", ["edit", "admin"])
def test_the_built_in_roles_include_no_broadcast_and_no_status(
    unjudged_tenants: Tenants, role: str
) -> None:
    assert set(granted(unjudged_tenants, role)) == {("customevents", verb) for verb in TAKEN}


@pytest.mark.parametrize("user", ["own", "wide", "admin"])
@pytest.mark.parametrize(
    "fake",
    [
        ("patch", "cev", "faked", "--subresource=status", "--type=merge", "-p", FAKED),
        ("patch", "cev", "faked", "--subresource=status", "--type=json", "-p", "[]"),
        ("apply", "--server-side", "--subresource=status", "-f", "-"),
        ("replace", "--subresource=status", "-f", "-"),
    ],
    ids=["merge patch", "json patch", "server-side apply", "replace"],
)
def test_nobody_but_the_operator_writes_status(
    tenants: Tenants, user: str, fake: tuple[str, ...]
) -> None:
    """An edited status fakes a delivery."""
    assert tenants.refusal("own", "apply", "-f", "-", stdin=event("faked")) == ACCEPTED
    stdin = json.dumps(json.loads(event("faked")) | json.loads(FAKED)) if "-f" in fake else None
    told = tenants.kubectl(user, *fake, stdin=stdin)
    assert f'User "{user}" cannot' in told
    assert 'resource "customevents/status"' in told


def test_the_admin_of_a_namespace_cannot_grant_broadcast(tenants: Tenants) -> None:
    resource = "--resource=customevents.customevents.dev"
    role = ("create", "role", "loud", "--verb=broadcast", resource)
    assert NOT_HELD in tenants.kubectl("admin", *role)
    bind = ("create", "rolebinding", "loud", "--role=customevents-broadcast", "--user=admin")
    assert NOT_HELD in tenants.kubectl("admin", *bind)


def test_the_admin_of_a_namespace_cannot_take_the_right_in_another_one(tenants: Tenants) -> None:
    bind = ("create", "rolebinding", "mine", "--clusterrole=edit", "--user=admin", f"-n={OTHER}")
    assert 'User "admin" cannot create resource "rolebindings"' in tenants.kubectl("admin", *bind)


@pytest.mark.parametrize("user", ["own", "admin"])
@pytest.mark.parametrize("kind", ["validatingadmissionpolicy", "validatingadmissionpolicybinding"])
def test_nobody_takes_the_policy_away(tenants: Tenants, user: str, kind: str) -> None:
    told = tenants.kubectl(user, "delete", kind, "customevents-scope")
    assert f'User "{user}" cannot delete resource' in told
