"""`render` believes what the operator of the cluster believes."""

from __future__ import annotations

import pytest

from customevents.commands import bodies
from customevents.resource.operator_state import OperatorState, Resolving
from customevents.scope.cluster_name import ClusterName, Nameless
from platforms import agent
from unit.instant import at_once
from unit.places import Places


@pytest.mark.parametrize(
    ("namespace", "found"),
    [
        ("monitoring", ClusterName("prod", "Deployment monitoring/komodor-agent")),
        ("komodor", Nameless("the cluster's name is not known: nothing in the cluster tells it")),
    ],
)
def test_an_agent_is_believed_where_the_operator_believes_one(
    namespace: str, found: ClusterName | Nameless
) -> None:
    said = OperatorState(settings=Resolving(agent_namespaces=("monitoring",)))
    cluster = Places(objects=[agent(namespace, "prod")])
    told = at_once(bodies._name(cluster, said, "customevents"))  # type: ignore[arg-type]
    assert told == found
