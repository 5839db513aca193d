"""The API's matching rule: OR within a list, AND between lists, nothing named narrows nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.resource.matching import Reach, matches


@pytest.mark.parametrize(
    ("reach", "lands"),
    [
        (Reach(), True),
        (Reach(clusters=("a",)), True),
        (Reach(clusters=("b",)), False),
        (Reach(clusters=("b", "a")), True),
        (Reach(namespaces=("n",)), True),
        (Reach(namespaces=("m",)), False),
        (Reach(services=("s",)), True),
        (Reach(services=("t",)), False),
        (Reach(services=("t", "u", "s")), True),
        (Reach(clusters=("a",), namespaces=("n",), services=("s",)), True),
        (Reach(clusters=("b",), namespaces=("n",), services=("s",)), False),
        (Reach(clusters=("a",), namespaces=("m",), services=("s",)), False),
        (Reach(clusters=("a",), namespaces=("n",), services=("t",)), False),
        (Reach(clusters=("A",)), False),
        (Reach(clusters=("aa",)), False),
        (Reach(clusters=("",)), False),
    ],
    ids=str,
)
def test_a_reach_lands_on_a_service_or_not(reach: Reach, lands: bool) -> None:
    assert matches(reach, cluster="a", namespace="n", service="s") is lands


names = st.sampled_from("abc")
lists = st.lists(names, max_size=3).map(tuple)
reaches = st.builds(Reach, clusters=lists, namespaces=lists, services=lists)


@given(reaches, lists.filter(bool), names, names, names)
def test_naming_a_dimension_never_widens(
    reach: Reach, named: tuple[str, ...], cluster: str, namespace: str, service: str
) -> None:
    wide = Reach(clusters=(), namespaces=reach.namespaces, services=reach.services)
    narrow = Reach(clusters=named, namespaces=reach.namespaces, services=reach.services)
    where = {"cluster": cluster, "namespace": namespace, "service": service}
    assert matches(narrow, **where) <= matches(wide, **where)


@given(reaches.filter(lambda reach: bool(reach.services)), names, names, names, names)
def test_another_name_in_a_list_never_narrows(
    reach: Reach, more: str, cluster: str, namespace: str, service: str
) -> None:
    longer = Reach(reach.clusters, reach.namespaces, (*reach.services, more))
    where = {"cluster": cluster, "namespace": namespace, "service": service}
    assert matches(reach, **where) <= matches(longer, **where)
