"""The expressions of the gated Kustomization, evaluated by the CEL of the API server itself."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import Cluster

from customevents.resource.status import State
from gitops.conftest import SPEC, Objects
from integration.conftest import Events
from operator_process import eventually

GATED = Path(__file__).parents[2] / "examples" / "flux" / "gated.yaml"
POLICY = "customevents-flux-expressions"
#: Flux evaluates them in this order; the first that is true decides, and without one: InProgress.
ORDER = {"inProgress": "InProgress", "failed": "Failed", "current": "Current"}


def in_the_api_servers_terms(expression: str) -> str:
    """Flux' variables are the fields of the object; a policy has the object."""
    named = re.sub(r"(?<![\w.])(status|metadata)\.", r"object.\1.", expression)
    return f"({named})"


def policy(namespace: str) -> str:
    """Refuses every status in a namespace, and says which expressions were true of it."""
    (judged,) = yaml.safe_load(GATED.read_text())["spec"]["healthCheckExprs"]
    said = [f"({in_the_api_servers_terms(judged[k])} ? '<{k}>' : '')" for k in ORDER]
    message = " + ".join(["'<judged>'", *said])
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": POLICY}}
    rule = {"apiGroups": ["customevents.dev"], "apiVersions": ["*"], "operations": ["UPDATE"]}
    where = f"object.metadata.namespace == '{namespace}'"
    spec = {
        "matchConstraints": {"resourceRules": [{**rule, "resources": ["customevents/status"]}]},
        "matchConditions": [{"name": "here", "expression": where}],
        "validations": [{"expression": "false", "messageExpression": message}],
    }
    binding = {"policyName": POLICY, "validationActions": ["Deny"]}
    both = [
        {**kind, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**kind, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": both})


class Judge:
    """What Flux would make of an event with this status."""

    def __init__(self, events: Events) -> None:
        self._events = events
        events.create("judged", SPEC)

    def __call__(self, status: dict[str, Any]) -> str:
        true = re.findall(r"<(\w+)>", eventually("it is judged", lambda: self._refusal(status)))
        return next((ORDER[name] for name in ORDER if name in true), "InProgress")

    def _refusal(self, status: dict[str, Any]) -> str | None:
        done = self._events.cluster.kubectl(
            *("patch", "cev", "judged", "-n", self._events.namespace),
            *("--subresource=status", "--type=merge", "--dry-run=server"),
            *("-p", json.dumps({"status": status})),
            check=False,
        )
        return done.stderr if "<judged>" in done.stderr else None


@pytest.fixture
def judge(cluster: Cluster, events: Events) -> Iterator[Judge]:
    applied = policy(events.namespace)
    cluster.kubectl("apply", "-f", "-", input=applied)
    yield Judge(events)
    cluster.kubectl("delete", "-f", "-", input=applied)


def test_the_gate_opens_for_a_delivered_event_and_fails_for_one_that_never_will_be(
    every_state: Objects, judge: Judge
) -> None:
    verdicts = {state: judge(found["status"]) for state, found in every_state.items()}
    assert verdicts == {
        State.PENDING: "InProgress",
        State.DELIVERED: "Current",
        State.RETRYING: "InProgress",
        State.FAILED: "Failed",
        State.EXPIRED: "Failed",
        State.HELD: "InProgress",
        State.SUSPENDED: "InProgress",
    }


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED])
def test_what_is_said_of_an_earlier_generation_does_not_count(
    every_state: Objects, judge: Judge, state: State
) -> None:
    status = copy.deepcopy(every_state[state]["status"])
    status["conditions"][0]["observedGeneration"] = 0
    assert judge(status) == "InProgress"
