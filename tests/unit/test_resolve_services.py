"""Services that are discovered: by a selector, or because they were released with the event.

All events here are in the namespace `shop` of the cluster `here`, with the workloads of
`discovering.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.resource.matching import Reach, matches
from customevents.resource.release import Release
from customevents.resource.spec import Level, Scope
from customevents.resource.status import Reason
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.resolve import (
    NotAllowed,
    Resolution,
    Rules,
    Unresolved,
    resolve,
    with_services,
)
from customevents.scope.search import Workload, selects
from unit.released import (
    ARGO_CD,
    CLUSTER,
    FLUX_HELM,
    FLUX_KUSTOMIZE,
    HELM,
    INSTANCE,
    annotated,
    labelled,
    many,
)

NAMELESS = Nameless("nobody knows")
HERE = ClusterName("here", "setting clusterName")
DEFAULT = Rules()
Raw = dict[str, Any]


def told(
    written: Raw | None,
    release: Release | None = None,
    *,
    rules: Rules = DEFAULT,
    cluster: ClusterName | Nameless = HERE,
    there: dict[str, list[Workload]] = CLUSTER,
) -> Resolution | Unresolved | NotAllowed:
    """What a scope comes to, with the workloads that are there."""
    scope = Scope.model_validate(written) if written else None
    found = resolve(scope, namespace="shop", cluster=cluster, release=release, rules=rules)
    if isinstance(found, Resolution) and found.search:
        return with_services(found, there[found.search.namespace])
    return found


def labels(**wanted: str) -> Raw:
    return {"serviceSelector": {"matchLabels": wanted}}


def expression(key: str, operator: str, *values: str) -> Raw:
    requirement = {"key": key, "operator": operator, **({"values": values} if values else {})}
    return {"serviceSelector": {"matchExpressions": [requirement]}}


CHECKOUT = labelled(INSTANCE, "checkout")
ANY: tuple[str, ...] = ()
FLUX = ("flux-a", "flux-b")
DEFAULT = Rules()
FLUX = ("flux-a", "flux-b")
SHOP_HERE = (("here",), ("shop",))

#: What is written, the release of the event, and clusters, namespaces and services that it reaches.
TABLE: list[tuple[Raw | None, Release | None, tuple[tuple[str, ...], ...]]] = [
    # Nothing is named: the release, if there is one, else the namespace.
    (None, None, (*SHOP_HERE, ANY)),
    (None, CHECKOUT, (*SHOP_HERE, ("api", "web"))),
    (None, annotated(HELM, "checkout"), (*SHOP_HERE, ("api", "db", "web"))),
    (None, annotated(HELM, "cart"), (*SHOP_HERE, ("cart",))),
    (None, annotated(ARGO_CD, "platform:x:y"), (*SHOP_HERE, ("agent",))),
    (None, labelled(FLUX_HELM, "search"), (*SHOP_HERE, ("flux-a",))),
    (None, labelled(FLUX_KUSTOMIZE, "search"), (*SHOP_HERE, ("flux-b",))),
    (None, labelled(INSTANCE, "none"), (*SHOP_HERE, ANY)),
    (None, annotated(HELM, "platform"), (*SHOP_HERE, ANY)),
    # A level is named: it says how wide everything else is, whatever was released.
    ({"level": "Namespace"}, CHECKOUT, (*SHOP_HERE, ANY)),
    ({"level": "Cluster"}, CHECKOUT, (("here",), ANY, ANY)),
    ({"level": "Account"}, CHECKOUT, (ANY, ANY, ANY)),
    ({"level": "Namespace"}, None, (*SHOP_HERE, ANY)),
    ({"level": "Cluster"}, None, (("here",), ANY, ANY)),
    ({"level": "Account"}, None, (ANY, ANY, ANY)),
    # Something is named: it is as named, and no release is looked for.
    ({"clusters": ["eu"]}, CHECKOUT, (("eu",), ("shop",), ANY)),
    ({"clusters": ["here"]}, CHECKOUT, (*SHOP_HERE, ANY)),
    ({"clusters": ["eu", "us"]}, None, (("eu", "us"), ("shop",), ANY)),
    ({"namespaces": ["shop"]}, CHECKOUT, (*SHOP_HERE, ANY)),
    ({"namespaces": ["other"]}, CHECKOUT, (("here",), ("other",), ANY)),
    ({"namespaces": ["other", "shop"]}, None, (("here",), ("other", "shop"), ANY)),
    ({"serviceNames": ["db"]}, CHECKOUT, (*SHOP_HERE, ("db",))),
    ({"serviceNames": ["typo"]}, None, (*SHOP_HERE, ("typo",))),
    ({"serviceNames": ["db", "web", "db"]}, None, (*SHOP_HERE, ("db", "web"))),
    ({"serviceNames": ["db"], "namespaces": ["other"]}, None, (("here",), ("other",), ("db",))),
    ({"serviceNames": ["db"], "clusters": ["eu"]}, None, (("eu",), ("shop",), ("db",))),
    ({"level": "Cluster", "serviceNames": ["db"]}, None, (("here",), ANY, ("db",))),
    ({"level": "Account", "serviceNames": ["db"]}, None, (ANY, ANY, ("db",))),
    ({"level": "Cluster", "namespaces": ["other"]}, None, (("here",), ("other",), ANY)),
    ({"level": "Account", "namespaces": ["other"]}, None, (ANY, ("other",), ANY)),
    ({"level": "Cluster", "clusters": ["eu"]}, None, (("eu",), ANY, ANY)),
    ({"level": "Account", "clusters": ["eu"]}, None, (("eu",), ANY, ANY)),
    (
        {"level": "Account", "clusters": ["eu"], "namespaces": ["a"], "serviceNames": ["s"]},
        CHECKOUT,
        (("eu",), ("a",), ("s",)),
    ),
    # A selector names what it selects, in the one namespace.
    (labels(tier="back"), None, (*SHOP_HERE, ("api", "db"))),
    (labels(tier="back"), CHECKOUT, (*SHOP_HERE, ("api", "db"))),
    (labels(tier="back", app="db"), None, (*SHOP_HERE, ("db",))),
    (labels(app="web") | {"namespaces": ["other"]}, None, (("here",), ("other",), ("elsewhere",))),
    (labels(app="web") | {"namespaces": ["shop"]}, None, (*SHOP_HERE, ("web",))),
    (labels(app="web") | {"level": "Namespace"}, None, (*SHOP_HERE, ("web",))),
    (expression("app", "In", "web", "cart"), None, (*SHOP_HERE, ("cart", "web"))),
    (expression("tier", "NotIn", "front"), None, (*SHOP_HERE, ("agent", "api", "db", *FLUX))),
    (expression("tier", "Exists"), None, (*SHOP_HERE, ("api", "cart", "db", "web"))),
    (expression("tier", "DoesNotExist"), None, (*SHOP_HERE, ("agent", *FLUX))),
]


@pytest.mark.parametrize(("written", "release", "reached"), TABLE, ids=str)
def test_a_scope_comes_to_this_reach(
    written: Raw | None, release: Release | None, reached: tuple[tuple[str, ...], ...]
) -> None:
    found = told(written, release)
    assert isinstance(found, Resolution)
    clusters, namespaces, services = reached
    assert found.reach == Reach(clusters, namespaces, services)
    assert found.search is None


@pytest.mark.parametrize(
    ("written", "release", "source", "matching"),
    [
        (None, None, None, None),
        (None, CHECKOUT, "label app.kubernetes.io/instance=checkout", 2),
        (None, annotated(HELM, "cart"), "annotation meta.helm.sh/release-name=cart", 1),
        (
            None,
            annotated(ARGO_CD, "platform:x"),
            "annotation argocd.argoproj.io/tracking-id=platform",
            1,
        ),
        (
            None,
            annotated(HELM, "none"),
            "no workload with annotation meta.helm.sh/release-name=none",
            7,
        ),
        (labels(tier="back"), None, "spec.scope.serviceSelector", 2),
        ({"serviceNames": ["db"]}, CHECKOUT, "spec.scope.serviceNames", None),
        ({"level": "Namespace"}, CHECKOUT, None, None),
    ],
    ids=str,
)
def test_the_services_say_where_they_came_from_and_how_many_workloads_they_are(
    written: Raw | None, release: Release | None, source: str | None, matching: int | None
) -> None:
    found = told(written, release)
    assert isinstance(found, Resolution)
    assert found.sources.get("serviceNames") == source
    assert found.matching == matching
    if not (written and "level" in written):
        assert found.sources["clusters"] == "setting clusterName"
        assert found.sources["namespaces"] == "metadata.namespace"


def test_releases_are_not_looked_for_if_the_setting_says_so() -> None:
    assert told(None, CHECKOUT, rules=Rules(discover_releases=False)) == told(None)


def test_a_selector_that_matches_nothing_is_held_and_never_sent_wide() -> None:
    found = told(labels(app="none"))
    assert isinstance(found, Unresolved)
    assert found.reason is Reason.NO_SERVICES_MATCH
    assert "namespace shop" in found.message


def test_a_selector_is_held_as_well_while_the_clusters_name_is_unknown() -> None:
    found = told(labels(app="web"), cluster=NAMELESS)
    assert isinstance(found, Unresolved)
    assert found.reason is Reason.CLUSTER_NAME_UNKNOWN


@pytest.mark.parametrize("count", [200, 201])
def test_a_selector_of_more_services_than_one_request_may_name_is_held(count: int) -> None:
    found = told(labels(app="x"), there={"shop": many(count, app="x")})
    if count == 200:
        assert isinstance(found, Resolution)
        assert len(found.reach.services) == found.matching == 200
    else:
        assert isinstance(found, Unresolved)
        assert found.reason is Reason.TOO_MANY_SERVICES


@pytest.mark.parametrize("count", [200, 201])
def test_a_release_of_more_services_than_that_is_about_its_whole_namespace(count: int) -> None:
    there = {"shop": many(count, **{INSTANCE: "checkout"}) + many(3)}
    found = told(None, CHECKOUT, there=there)
    assert isinstance(found, Resolution)
    assert found.reach.namespaces == ("shop",)
    if count == 200:
        assert len(found.reach.services) == found.matching == 200
    else:
        assert found.reach.services == ()
        assert found.matching == 204
        assert found.sources["serviceNames"] == (
            "more than 200 workloads with label app.kubernetes.io/instance=checkout"
        )


def test_workloads_of_one_name_are_named_once() -> None:
    """A Deployment and a StatefulSet may be called the same."""
    there = {"shop": many(2, app="x") + many(2, app="x")}
    found = told(labels(app="x"), there=there)
    assert isinstance(found, Resolution)
    assert found.reach.services == ("w-000", "w-001")
    assert found.matching == 4


# --- Who may reach beyond their own namespace

LOCKED = Rules(wide_from=())


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ({"level": "Cluster"}, "level Cluster"),
        ({"level": "Account"}, "level Account"),
        ({"level": "Cluster", "namespaces": ["shop"]}, "level Cluster"),
        ({"namespaces": ["other"]}, "namespace other"),
        ({"namespaces": ["shop", "other"]}, "namespace other"),
        ({"clusters": ["eu"]}, "cluster eu"),
        ({"clusters": ["here", "eu"], "serviceNames": ["db"]}, "cluster eu"),
        (labels(app="web") | {"namespaces": ["other"]}, "namespace other"),
    ],
    ids=str,
)
def test_an_event_that_asks_for_more_than_it_may_is_refused_in_words(
    written: Raw, what: str
) -> None:
    found = told(written, rules=LOCKED)
    assert isinstance(found, NotAllowed)
    assert f"spec.scope asks for {what}, but events of namespace shop" in found.message
    assert "CUSTOMEVENTS_SCOPE_WIDE_FROM" in found.message
    assert isinstance(told(written, rules=Rules(wide_from=("ops",))), NotAllowed)
    assert told(written, rules=Rules(wide_from=("ops", "shop"))) == told(written)
    assert isinstance(told(written), Resolution)


@pytest.mark.parametrize(
    "written",
    [
        None,
        {"level": "Namespace"},
        {"namespaces": ["shop"]},
        {"clusters": ["here"]},
        {"clusters": ["here"], "namespaces": ["shop"], "serviceNames": ["db"]},
        labels(app="web"),
        labels(app="web") | {"namespaces": ["shop"]},
    ],
    ids=str,
)
def test_what_stays_in_its_own_namespace_of_this_cluster_is_always_allowed(
    written: Raw | None,
) -> None:
    assert told(written, CHECKOUT, rules=LOCKED) == told(written, CHECKOUT)


def test_whether_a_named_cluster_is_this_one_is_not_guessed() -> None:
    found = told({"clusters": ["here"]}, rules=LOCKED, cluster=NAMELESS)
    assert isinstance(found, Unresolved)
    assert found.reason is Reason.CLUSTER_NAME_UNKNOWN


# --- Whatever is written

keys = st.sampled_from(["app", "tier", INSTANCE])
selectors = st.one_of(
    st.builds(
        lambda key, value: {"matchLabels": {key: value}}, keys, st.sampled_from(["web", "back"])
    ),
    st.builds(
        lambda key, operator: {"matchExpressions": [{"key": key, "operator": operator}]},
        keys,
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
clusters = st.lists(st.sampled_from(["here", "eu"]), min_size=1, max_size=2)
namespaces = st.lists(st.sampled_from(["shop", "other"]), min_size=1, max_size=2)
services = st.lists(st.sampled_from(["web", "db", "elsewhere", "typo"]), min_size=1, max_size=3)
levels = st.sampled_from(list(Level))
scopes = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "level": levels,
            "clusters": clusters,
            "namespaces": namespaces,
            "serviceNames": services,
        },
    ).filter(bool),
    st.fixed_dictionaries(
        {"serviceSelector": selectors},
        optional={"namespaces": namespaces.map(lambda names: names[:1])},
    ),
)
releases = st.sampled_from([None, CHECKOUT, annotated(HELM, "cart"), labelled(INSTANCE, "none")])
rules = st.builds(
    Rules, st.booleans(), st.sampled_from([("*",), (), ("shop",), ("other",), ("shop", "other")])
)

#: Every service of the account: this cluster's, and the same ones in another.
ACCOUNT = [
    (cluster, namespace, service)
    for cluster in ("here", "eu")
    for namespace, there in CLUSTER.items()
    for service in there
]


def reached(found: Resolution) -> list[tuple[str, str, Workload]]:
    return [
        (cluster, namespace, service)
        for cluster, namespace, service in ACCOUNT
        if matches(found.reach, cluster=cluster, namespace=namespace, service=service.name)
    ]


@given(scopes, releases, rules)
def test_no_service_is_reached_that_the_authors_words_exclude(
    written: Raw | None, release: Release | None, given: Rules
) -> None:
    found = told(written, release, rules=given)
    if not isinstance(found, Resolution):
        return
    scope = Scope.model_validate(written) if written else Scope.model_construct()
    for cluster, namespace, service in reached(found):
        assert cluster in (scope.clusters or (cluster,))
        assert namespace in (scope.namespaces or (namespace,))
        assert service.name in (scope.service_names or (service.name,))
        if scope.service_selector:
            assert selects(scope.service_selector, service.labels)
        if release and found.sources.get("serviceNames") == str(release):
            assert release in service.releases


@given(scopes, releases, rules)
def test_nothing_is_reached_beyond_what_the_level_says(
    written: Raw | None, release: Release | None, given: Rules
) -> None:
    found = told(written, release, rules=given)
    if not isinstance(found, Resolution):
        return
    scope = Scope.model_validate(written) if written else Scope.model_construct()
    level = scope.level or Level.NAMESPACE
    for cluster, namespace, _ in reached(found):
        if level is not Level.ACCOUNT:
            assert cluster in (scope.clusters or ("here",))
        if level is Level.NAMESPACE:
            assert namespace in (scope.namespaces or ("shop",))


@given(scopes, releases, rules)
def test_a_namespace_that_must_not_reach_beyond_itself_does_not(
    written: Raw | None, release: Release | None, given: Rules
) -> None:
    found = told(written, release, rules=given)
    if {"*", "shop"} & set(given.wide_from) or not isinstance(found, Resolution):
        return
    assert found.reach.clusters == ("here",)
    assert found.reach.namespaces == ("shop",)


@given(scopes, releases, rules)
def test_a_selector_never_comes_to_no_names(
    written: Raw | None, release: Release | None, given: Rules
) -> None:
    found = told(written, release, rules=given)
    if written and "serviceSelector" in written and isinstance(found, Resolution):
        assert found.reach.services


@given(scopes, releases)
def test_only_what_the_crd_keeps_is_named_as_a_source(
    written: Raw | None, release: Release | None
) -> None:
    found = told(written, release)
    if isinstance(found, Resolution):
        assert set(found.sources) <= {"clusters", "namespaces", "serviceNames"}
