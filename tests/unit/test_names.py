"""What may stand in the path of a request: names, and nothing that makes another path of it."""

from __future__ import annotations

import pytest

from customevents.resource import names
from customevents.resource.errors import InvalidName

#: None of them is a name of anything.
NONE = [
    "",
    ".",
    "..",
    "../x",
    "x/y",
    "x?y=1",
    "x#y",
    "x%2Fy",
    "x y",
    "x\n",
    "Shop",
    "-x",
    "x-",
    "x_y",
    "sh\u00f6p",
    "x" * 254,
]


@pytest.mark.parametrize("name", ["a", "shop", "shop-2", "2", "x" * 63])
def test_a_namespace_is_a_label(name: str) -> None:
    assert names.namespace(name) == name


@pytest.mark.parametrize("name", [*NONE, "x.y", "x" * 64])
def test_what_is_no_label_is_no_namespace(name: str) -> None:
    with pytest.raises(InvalidName):
        names.namespace(name)


@pytest.mark.parametrize("name", ["a", "checkout-1.4.2", "x" * 253, "1.2"])
def test_an_object_is_a_subdomain(name: str) -> None:
    assert names.of_object("CustomEvent", name) == name


@pytest.mark.parametrize("name", [*NONE, "x..y", ".x", "x."])
def test_what_is_no_subdomain_is_no_object(name: str) -> None:
    with pytest.raises(InvalidName):
        names.of_object("CustomEvent", name)


@pytest.mark.parametrize("value", [None, 5, True, ["x"], {"x": 1}, b"x"])
def test_what_is_no_text_is_no_name(value: object) -> None:
    assert not names.is_namespace(value)
    assert not names.is_object(value)


def test_the_words_name_it_on_one_short_line() -> None:
    with pytest.raises(InvalidName, match=r'^namespace "\.\./x" is no name$'):
        names.namespace("../x")
    with pytest.raises(InvalidName) as told:
        names.of_object("CustomEvent", "a\n\x1b[31m" + "b" * 1000)
    assert str(told.value).startswith('CustomEvent "a??[31mbbb')
    assert len(str(told.value)) < 150


@pytest.mark.parametrize(
    "path",
    [
        "/version",
        "/api/v1/nodes",
        "/apis/customevents.dev/v1alpha1/namespaces/shop/customevents/checkout-1.4.2/status",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:basic-user",
    ],
)
def test_paths_of_the_api_server_are_paths(path: str) -> None:
    assert names.is_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "version", "/", "/a//b", "/a/", "/a/../b", "/a/./b", "/a%2Fb", "/a#b", "/a b", "/\n"],
)
def test_what_leads_elsewhere_is_no_path(path: str) -> None:
    assert not names.is_path(path)
