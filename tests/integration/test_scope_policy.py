"""Who may say what about whom, of new events; the tables are in scope_cases.py."""

from __future__ import annotations

import json

import pytest

from integration.scope_cases import EVERYBODY, NARROW, SCHEMA, WIDE, Scope
from integration.tenants import (
    ACCEPTED,
    HOME,
    OTHER,
    OTHER_TAKES_CREATE,
    Tenants,
    event,
    level_refused,
    takes_create,
)


@pytest.mark.parametrize("user", EVERYBODY)
@pytest.mark.parametrize("scope", NARROW)
def test_anybody_may_speak_about_the_own_namespace(tenants: Tenants, user: str, scope: str) -> None:
    assert tenants.proposal(user, NARROW[scope]) == ACCEPTED


@pytest.mark.parametrize("row", WIDE)
def test_beyond_it_each_thing_takes_a_right_of_its_own(tenants: Tenants, row: str) -> None:
    user, scope, expected = WIDE[row]
    assert tenants.proposal(user, scope) == expected


@pytest.mark.parametrize("user", ["own", "wide"])
@pytest.mark.parametrize("row", SCHEMA)
def test_what_is_no_name_is_refused_by_the_schema_whoever_asks(
    tenants: Tenants, user: str, row: str
) -> None:
    scope, expected = SCHEMA[row]
    assert expected in tenants.proposal(user, scope)


@pytest.mark.parametrize(
    "command",
    [
        ("create",),
        ("apply",),
        ("apply", "--server-side"),
        ("create", "--validate=false"),
        ("create", "--save-config", "--field-manager=git"),
    ],
    ids=" ".join,
)
def test_no_way_of_creating_goes_around_the_policy(
    tenants: Tenants, command: tuple[str, ...]
) -> None:
    told = tenants.refusal("own", *command, "-f", "-", stdin=event("new", {"level": "Account"}))
    assert told == level_refused("Account")
    assert "not found" in tenants.kubectl("own", "get", "cev", "new")


def test_the_namespace_of_the_request_is_the_one_that_counts(tenants: Tenants) -> None:
    raw = f"--raw=/apis/customevents.dev/v1alpha1/namespaces/{HOME}/customevents"
    manifest = json.loads(event("new", {"namespaces": [OTHER]}))

    manifest["metadata"]["namespace"] = OTHER
    told = tenants.refusal("own", "create", raw, "-f", "-", stdin=json.dumps(manifest))
    assert "does not match the namespace sent on the request" in told

    del manifest["metadata"]["namespace"]
    told = tenants.refusal("own", "create", raw, "-f", "-", stdin=json.dumps(manifest))
    assert told == OTHER_TAKES_CREATE


def test_a_pipeline_is_judged_by_the_rights_of_its_token(tenants: Tenants) -> None:
    cluster = tenants.cluster
    token = cluster.service_account_kubeconfig(HOME, "default")

    def propose(scope: Scope) -> str:
        proposal = event("proposal", scope)
        command = ("create", "--dry-run=server", "-f", "-")
        return cluster.kubectl(*command, input=proposal, kubeconfig=token, check=False).stderr

    assert propose({"namespaces": [HOME]}) == ""
    assert OTHER_TAKES_CREATE in propose({"namespaces": [OTHER]})
    assert level_refused("Account") in propose({"level": "Account"})


@pytest.fixture(scope="module")
def ten_more(tenants: Tenants) -> list[str]:
    """Ten namespaces in which the user `two` may create CustomEvents, as in the common one."""
    names = [f"policy-{number}" for number in range(10)]
    tenants.cluster.kubectl("apply", "-f", "-", input="---\n".join(map(namespace_for_two, names)))
    return names


def namespace_for_two(name: str) -> str:
    return f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: edit, namespace: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: two}}]
"""


def test_ten_other_namespaces_can_be_named(tenants: Tenants, ten_more: list[str]) -> None:
    """The API server bounds what a policy may cost, and checks of rights cost the most."""
    assert tenants.proposal("two", {"namespaces": ten_more}) == ACCEPTED


@pytest.mark.parametrize("place", range(10))
def test_each_of_ten_namespaces_is_judged(
    tenants: Tenants, ten_more: list[str], place: int
) -> None:
    named = [*ten_more[:place], "default", *ten_more[place + 1 :]]
    assert tenants.proposal("two", {"namespaces": named}) == takes_create("default")
