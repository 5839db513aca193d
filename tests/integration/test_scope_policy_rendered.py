"""The policy as a file: it fits the schema, and the chart's value `clusterName` gets in."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from integration.tenants import (
    ACCEPTED,
    CLUSTER,
    PLACE,
    POLICY,
    TAKES_BROADCAST,
    Tenants,
    rendered,
    scope_policy,
)
from operator_process import eventually

ODD_NAMES = ['arn:aws:eks:eu-1:12:cluster/Prod "1"', "it's\\ours", "a' == 'a"]


def test_without_a_name_of_this_cluster_every_cluster_is_another_one(
    unjudged_tenants: Tenants,
) -> None:
    with scope_policy(unjudged_tenants, ""):
        told = unjudged_tenants.proposal("own", {"clusters": [CLUSTER]})
        assert told == f"spec.scope.clusters names {CLUSTER}{TAKES_BROADCAST}"
        assert unjudged_tenants.proposal("wide", {"clusters": [CLUSTER]}) == ACCEPTED
        assert unjudged_tenants.proposal("own", {"serviceNames": ["checkout"]}) == ACCEPTED


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_cluster_may_have_any_name(unjudged_tenants: Tenants, name: str) -> None:
    with scope_policy(unjudged_tenants, name):
        assert unjudged_tenants.proposal("own", {"clusters": [name]}) == ACCEPTED
        told = unjudged_tenants.proposal("own", {"clusters": ["a", name]})
        expected = f"spec.scope.clusters names a, not only this cluster, {name}{TAKES_BROADCAST}"
        assert told == expected


def test_it_has_one_place_for_the_name_and_applies_as_it_stands() -> None:
    assert POLICY.read_text().count(PLACE) == 1
    assert list(yaml.safe_load_all(POLICY.read_text())) == list(yaml.safe_load_all(rendered("")))


def test_it_fits_the_schema(tenants: Tenants) -> None:
    """The API server checks the expressions' types against the CRD, a moment after the apply."""

    def checked() -> dict[str, Any] | None:
        it = "validatingadmissionpolicy/customevents-scope"
        got = tenants.cluster.kubectl("get", it, "-o", "json")
        policy: dict[str, Any] = json.loads(got.stdout)
        seen = policy.get("status", {}).get("observedGeneration")
        return policy if seen == policy["metadata"]["generation"] else None

    assert eventually("the types are checked", checked)["status"]["typeChecking"] == {}
