"""What is not named is filled in from the cluster, and never sent wider than meant.

The counts are those of the examples in the events API's documentation: clusters A and B, in each
the namespaces C and D, in each of these the services 1 to 5.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.resource.matching import Reach, describe, matches
from customevents.resource.spec import Level, Scope
from customevents.resource.status import Reason
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.resolve import Resolution, Unresolved, resolve

HERE = ClusterName("here", "setting clusterName")
NAMELESS = Nameless("the cluster's name is not known: two agents disagree")


def scope(**fields: Any) -> Scope:
    return Scope.model_validate(fields)


def resolved(of: Scope | None, *, cluster: ClusterName | Nameless = HERE) -> Resolution:
    found = resolve(of, namespace="own", cluster=cluster)
    assert isinstance(found, Resolution)
    return found


def unresolved(of: Scope | None, *, cluster: ClusterName | Nameless = HERE) -> Unresolved:
    found = resolve(of, namespace="own", cluster=cluster)
    assert isinstance(found, Unresolved)
    return found


def test_an_event_without_a_scope_is_about_its_namespace_in_its_cluster() -> None:
    assert resolved(None) == Resolution(
        Reach(clusters=("here",), namespaces=("own",)),
        {"clusters": "setting clusterName", "namespaces": "metadata.namespace"},
    )


NAMED = {"clusters": ["c1", "c2"], "namespaces": ["n1"], "serviceNames": ["s1", "s2"]}
WIDE: tuple[str, ...] = ()
RULE = [
    # level, dimension, sent when it is not named
    (None, "clusters", ("here",)),
    (None, "namespaces", ("own",)),
    (None, "serviceNames", WIDE),
    ("Namespace", "clusters", ("here",)),
    ("Namespace", "namespaces", ("own",)),
    ("Namespace", "serviceNames", WIDE),
    ("Cluster", "clusters", ("here",)),
    ("Cluster", "namespaces", WIDE),
    ("Cluster", "serviceNames", WIDE),
    ("Account", "clusters", WIDE),
    ("Account", "namespaces", WIDE),
    ("Account", "serviceNames", WIDE),
]


def of_dimension(reach: Reach, dimension: str) -> tuple[str, ...]:
    return {
        "clusters": reach.clusters,
        "namespaces": reach.namespaces,
        "serviceNames": reach.services,
    }[dimension]


def others(dimension: str) -> list[dict[str, Any]]:
    """Every way to name, or not to name, the two other dimensions."""
    one, two = (name for name in NAMED if name != dimension)
    return [{name: NAMED[name] for name in named} for named in ((), (one,), (two,), (one, two))]


@pytest.mark.parametrize(("level", "dimension", "filled_in"), RULE)
def test_a_dimension_that_is_not_named_is_as_its_level_says(
    level: str | None, dimension: str, filled_in: tuple[str, ...]
) -> None:
    for named in others(dimension):
        if level or named:
            written = scope(**named, **({"level": level} if level else {}))
            found = resolved(written)
            assert of_dimension(found.reach, dimension) == filled_in
            assert (dimension in found.sources) is bool(filled_in)


@pytest.mark.parametrize(("level", "dimension"), [(level, name) for level, name, _ in RULE])
def test_a_dimension_that_is_named_is_as_named(level: str | None, dimension: str) -> None:
    for named in others(dimension):
        written = scope(**named, **{dimension: NAMED[dimension]}, level=level)
        found = resolved(written)
        assert of_dimension(found.reach, dimension) == tuple(NAMED[dimension])
        assert found.sources[dimension] == f"spec.scope.{dimension}"


def test_each_part_says_where_it_came_from() -> None:
    found = resolved(
        scope(serviceNames=["s1"]), cluster=ClusterName("eu", "Deployment komodor/komodor-agent")
    )
    assert found.sources == {
        "clusters": "Deployment komodor/komodor-agent",
        "namespaces": "metadata.namespace",
        "serviceNames": "spec.scope.serviceNames",
    }


def test_a_name_that_stands_twice_is_sent_once_and_in_the_authors_order() -> None:
    found = resolved(scope(serviceNames=["b", "a", "b"], clusters=["y", "x", "y"]))
    assert found.reach.services == ("b", "a")
    assert found.reach.clusters == ("y", "x")


@pytest.mark.parametrize(
    "of",
    [
        None,
        scope(level="Namespace"),
        scope(level="Cluster"),
        scope(namespaces=["n1"]),
        scope(serviceNames=["s1"]),
    ],
    ids=str,
)
def test_an_event_that_needs_an_unknown_cluster_name_is_held(of: Scope | None) -> None:
    found = unresolved(of, cluster=NAMELESS)
    assert found.reason is Reason.CLUSTER_NAME_UNKNOWN
    assert found.message == (
        "Held: the cluster's name is not known: two agents disagree. Tell it to the operator: "
        "helm upgrade customevents helm/customevents-operator -n customevents --reuse-values "
        "--set clusterName=NAME (without the chart: CUSTOMEVENTS_CLUSTER_NAME=NAME); or name "
        "spec.scope.clusters"
    )


@pytest.mark.parametrize(
    "of",
    [scope(clusters=["c1"]), scope(level="Cluster", clusters=["c1"]), scope(level="Account")],
    ids=str,
)
def test_an_event_that_does_not_need_the_cluster_name_is_not_held(of: Scope) -> None:
    assert resolved(of, cluster=NAMELESS).reach == resolved(of).reach


INVENTORY = [
    (cluster, namespace, service)
    for cluster in "AB"
    for namespace in "CD"
    for service in ("1", "2", "3", "4", "5")
]


def landing(reach: Reach) -> int:
    return sum(
        matches(reach, cluster=cluster, namespace=namespace, service=service)
        for cluster, namespace, service in INVENTORY
    )


@pytest.mark.parametrize(
    ("written", "services"),
    [
        ({"level": "Account"}, 20),
        ({"level": "Cluster", "clusters": ["A"]}, 10),
        ({"level": "Account", "namespaces": ["C"]}, 10),
        ({"level": "Account", "serviceNames": ["1", "2", "3"]}, 12),
        ({"clusters": ["B"], "namespaces": ["D"]}, 5),
        ({"level": "Account", "namespaces": ["C"], "serviceNames": ["5"]}, 2),
    ],
    ids=str,
)
def test_the_examples_of_the_apis_documentation_reach_what_it_says(
    written: dict[str, Any], services: int
) -> None:
    assert landing(resolved(scope(**written)).reach) == services


def test_an_event_without_a_scope_never_reaches_another_cluster_or_namespace() -> None:
    found = resolve(None, namespace="C", cluster=ClusterName("A", "setting clusterName"))
    assert isinstance(found, Resolution)
    assert landing(found.reach) == 5


named = st.lists(st.sampled_from("ABCD12345"), min_size=1, max_size=3)
scopes = st.fixed_dictionaries(
    {"level": st.sampled_from([None, *Level])},
    optional={"clusters": named, "namespaces": named, "serviceNames": named},
)


@given(scopes)
def test_only_an_author_who_says_account_reaches_all_clusters(written: dict[str, Any]) -> None:
    found = resolve(scope(**written), namespace="own", cluster=HERE)
    assert isinstance(found, Resolution)
    if written["level"] != "Account":
        assert found.reach.clusters
    if written["level"] not in ("Account", "Cluster"):
        assert found.reach.namespaces


@given(scopes)
def test_only_what_the_crd_keeps_is_named_as_a_source(written: dict[str, Any]) -> None:
    assert set(resolved(scope(**written)).sources) <= {"clusters", "namespaces", "serviceNames"}


@pytest.mark.parametrize(
    ("reach", "sentence"),
    [
        (Reach(), "ALL services of the account"),
        (
            Reach(("prod-eu-1",), ("shop",), ("checkout",)),
            "service checkout, namespace shop, cluster prod-eu-1",
        ),
        (Reach(("a",), ("n",)), "ALL services, namespace n, cluster a"),
        (Reach(("a",)), "ALL services, ALL namespaces, cluster a"),
        (Reach(namespaces=("n",)), "ALL services, namespace n, ALL clusters"),
        (Reach(services=("s",)), "service s, ALL namespaces, ALL clusters"),
        (
            Reach(("a", "b"), ("n",), ("1", "2", "3")),
            "services 1 or 2 or 3, namespace n, clusters a or b",
        ),
        (
            Reach(("a",), ("n",), ("1", "2", "3", "4", "5")),
            "services 1 or 2 or 3 or 4 or 5, namespace n, cluster a",
        ),
        (
            Reach(("a",), ("n",), ("1", "2", "3", "4", "5", "6")),
            "services 6 of them, namespace n, cluster a",
        ),
        (
            Reach(("a",), ("n",), ("x" * 253, "y" * 253)),
            "services 2 of them, namespace n, cluster a",
        ),
    ],
    ids=lambda part: part[:40] if isinstance(part, str) else None,
)
def test_the_reach_is_told_in_a_sentence(reach: Reach, sentence: str) -> None:
    assert describe(reach) == sentence
