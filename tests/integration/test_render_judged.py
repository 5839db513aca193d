"""`render -f` asks the API server what it would say, and says so where it may not ask."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from localcluster import Cluster

from integration.conftest import Events
from integration.tenants import HOME, Tenants, event, level_refused
from operator_process import operator_environment

SPEC = {"eventType": "release", "summary": "it is live", "scope": {"level": "Account"}}
MISSPELT = {**SPEC, "scope": {"level": "Account", "servicesNames": ["checkout"]}}

#: What a CI job needs to tell of events, and no more.
CREATE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: create}
rules:
- {apiGroups: [customevents.dev], resources: [customevents], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: create}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: create}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: job}
"""


def render(kubeconfig: Path, namespace: str, text: str) -> tuple[int, str, list[str]]:
    """Its exit code, what it printed, and its lines for people beside that it guesses."""
    done = subprocess.run(
        [sys.executable, "-m", "customevents", "render", "-f", "-", "-n", namespace],
        env=operator_environment(kubeconfig),
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "settings are not known" not in line]
    return done.returncode, done.stdout, said


def test_who_may_not_ask_gets_what_can_be_known_without_and_is_told(
    cluster: Cluster, events: Events
) -> None:
    nobody = cluster.user_kubeconfig("nobody-at-all")

    code, body, said = render(nobody, events.namespace, events.manifest("wide", SPEC))
    assert code == 0, said
    assert json.loads(body)["eventType"] == "release"
    (note,) = (line for line in said if "own rules alone" in line)
    assert note.startswith(f"# {events.namespace}/wide: checked by this version's own rules alone")
    assert 'User "nobody-at-all" cannot' in note

    code, body, said = render(nobody, events.namespace, events.manifest("wide", MISSPELT))
    assert (code, body) == (1, "")
    assert said[-1].endswith("spec.scope.servicesNames is no field: did you mean serviceNames?")


def test_who_may_only_create_may_ask_also_of_a_name_that_is_taken(
    cluster: Cluster, events: Events
) -> None:
    cluster.kubectl("apply", "-n", events.namespace, "-f", "-", input=CREATE)
    events.create("taken", SPEC)
    job = cluster.user_kubeconfig("job")
    for name in ("taken", "free"):
        code, _, said = render(job, events.namespace, events.manifest(name, SPEC))
        assert code == 0, said
        assert not [line for line in said if "own rules alone" in line]
        code, _, said = render(job, events.namespace, events.manifest(name, MISSPELT))
        assert code == 1


def test_a_namespace_that_is_not_there_is_refused(cluster: Cluster, events: Events) -> None:
    text = events.manifest("wide", SPEC).replace(events.namespace, "not-there")
    code, body, said = render(cluster.kubeconfig, "not-there", text)
    assert (code, body) == (1, "")
    assert 'namespaces "not-there" not found' in said[-1]


@pytest.mark.parametrize("spec", [SPEC, MISSPELT])
def test_nothing_is_written(cluster: Cluster, events: Events, spec: dict[str, object]) -> None:
    events.create("there", {**SPEC, "summary": "as it was"})
    before = events.get("there")
    for name in ("there", "new"):
        render(cluster.kubeconfig, events.namespace, events.manifest(name, spec))
    assert events.get("there") == before
    assert events.kubectl("get", "cev", "-o", "name").split() == [
        "customevent.customevents.dev/there"
    ]


def test_what_a_policy_of_the_cluster_refuses_is_refused_in_its_words(tenants: Tenants) -> None:
    wide = event("wide", {"level": "Account"})
    own, broadcaster = (tenants.cluster.user_kubeconfig(user) for user in ("own", "wide"))

    code, body, said = render(own, HOME, wide)
    assert (code, body, len(said)) == (1, "", 1)
    policy = "ValidatingAdmissionPolicy 'customevents-scope' refuses it: "
    assert said[0] == f"customevents: {HOME}/wide: {policy}{level_refused('Account')}"

    code, body, said = render(broadcaster, HOME, wide)
    assert code == 0, said
    assert said == ["# ALL services of the account"]
    assert json.loads(body)["eventType"] == "release"
