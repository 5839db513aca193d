"""Which workloads a selector selects, as Kubernetes' label selectors do; and which names match."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.resource.matching import Reach
from customevents.resource.spec import LabelSelector
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.search import Match, Search, match, selects, where_to_match
from unit.released import SHOP, annotated, labelled, workload

NAMELESS = Nameless("nobody knows")
HERE = ClusterName("here", "setting clusterName")
LABELS = {"app": "web", "tier": "front"}


def selector(*expressions: tuple[str, str, list[str]], **match_labels: str) -> LabelSelector:
    return LabelSelector.model_validate(
        {
            "matchLabels": match_labels,
            "matchExpressions": [
                {"key": key, "operator": operator, **({"values": values} if values else {})}
                for key, operator, values in expressions
            ],
        }
    )


@pytest.mark.parametrize(
    ("of", "selected"),
    [
        (selector(app="web"), True),
        (selector(app="api"), False),
        (selector(app="web", tier="front"), True),
        (selector(app="web", tier="back"), False),
        (selector(zone="a"), False),
        (selector(("app", "In", ["web"])), True),
        (selector(("app", "In", ["api", "web"])), True),
        (selector(("app", "In", ["api"])), False),
        (selector(("zone", "In", ["a"])), False),
        (selector(("app", "NotIn", ["api"])), True),
        (selector(("app", "NotIn", ["api", "web"])), False),
        (selector(("zone", "NotIn", ["a"])), True),
        (selector(("app", "Exists", [])), True),
        (selector(("zone", "Exists", [])), False),
        (selector(("app", "DoesNotExist", [])), False),
        (selector(("zone", "DoesNotExist", [])), True),
        (selector(("app", "Exists", []), ("tier", "In", ["front"])), True),
        (selector(("app", "Exists", []), ("tier", "In", ["back"])), False),
        (selector(("tier", "In", ["front"]), app="web"), True),
        (selector(("tier", "In", ["front"]), app="api"), False),
        (selector(("tier", "NotIn", ["front"]), app="web"), False),
    ],
    ids=lambda part: str(part) if isinstance(part, LabelSelector) else None,
)
def test_all_requirements_of_a_selector_must_hold(of: LabelSelector, selected: bool) -> None:
    assert selects(of, LABELS) is selected


keys = st.sampled_from("abc")
values = st.lists(st.sampled_from("xyz"), min_size=1, max_size=3)
labels = st.dictionaries(keys, st.sampled_from("xyz"))


@given(keys, values, labels)
def test_in_and_not_in_are_opposites_and_so_are_exists_and_does_not_exist(
    key: str, wanted: list[str], of: dict[str, str]
) -> None:
    assert selects(selector((key, "In", wanted)), of) is not (
        selects(selector((key, "NotIn", wanted)), of)
    )
    assert selects(selector((key, "Exists", [])), of) is not (
        selects(selector((key, "DoesNotExist", [])), of)
    )


def test_a_selector_finds_by_labels_and_a_release_by_its_mark_with_key_and_value() -> None:
    def found(by: Any) -> list[str]:
        return [each.name for each in Search("shop", by).among(SHOP)]

    assert found(selector(tier="back")) == ["api", "db"]
    assert found(labelled("app.kubernetes.io/instance", "checkout")) == ["web", "api"]
    assert found(annotated("meta.helm.sh/release-name", "checkout")) == ["web", "api", "db"]
    assert found(annotated("argocd.argoproj.io/tracking-id", "platform:x:y")) == ["agent"]
    assert found(labelled("helm.toolkit.fluxcd.io/name", "search")) == ["flux-a"]
    assert found(labelled("kustomize.toolkit.fluxcd.io/name", "search")) == ["flux-b"]


def test_names_are_compared_with_what_is_there() -> None:
    there = [workload("web"), workload("web"), workload("api")]
    assert match(("web", "chekcout", "api"), there) == Match(3, ("chekcout",))
    assert match(("web",), []) == Match(0, ("web",))


@pytest.mark.parametrize(
    ("reach", "cluster", "namespaces"),
    [
        (Reach(("here",), ("shop",), ("web",)), HERE, ("shop",)),
        (Reach((), ("shop",), ("web",)), HERE, ("shop",)),
        (Reach((), ("shop",), ("web",)), NAMELESS, ("shop",)),
        (Reach(("there", "here"), ("shop", "other"), ("web",)), HERE, ("shop", "other")),
        (Reach(("there",), ("shop",), ("web",)), HERE, ()),
        (Reach(("here",), ("shop",), ("web",)), NAMELESS, ()),
        (Reach(("here",), ("shop",), ()), HERE, ()),
        (Reach(("here",), (), ("web",)), HERE, ()),
        (Reach(("here",), tuple("abcde"), ("web",)), HERE, tuple("abcde")),
        (Reach(("here",), tuple("abcdef"), ("web",)), HERE, ()),
    ],
    ids=[
        "this cluster",
        "all clusters",
        "all clusters, this one's name unknown",
        "this cluster among others",
        "another cluster",
        "named clusters, this one's name unknown",
        "no names",
        "all namespaces",
        "some namespaces",
        "many namespaces",
    ],
)
def test_names_are_looked_up_where_that_is_cheap_and_the_scope_includes_this_cluster(
    reach: Reach, cluster: ClusterName | Nameless, namespaces: tuple[str, ...]
) -> None:
    assert where_to_match(reach, cluster) == namespaces
