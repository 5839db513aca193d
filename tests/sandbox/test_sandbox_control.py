"""The inventory and the key that a test can set."""

import json
from collections.abc import Iterator

import pytest

from customevents import sandbox
from customevents.sandbox import Running
from sandbox.sandbox_client import EVENT, VALIDATE_PATH, events, post, send

SERVICES = [str(number) for number in range(1, 6)]
INVENTORY = {cluster: dict.fromkeys("CD", SERVICES) for cluster in "AB"}


@pytest.fixture
def api() -> Iterator[Running]:
    with sandbox.running() as running:
        yield running


# The six examples of https://docs.komodor.com/Integrations/CustomEvents.html, "Scope".
@pytest.mark.parametrize(
    ("scope", "services"),
    [
        (None, 20),
        ({"clusters": ["A"]}, 10),
        ({"namespaces": ["C"]}, 10),
        ({"servicesNames": ["1", "2", "3"]}, 12),
        ({"clusters": ["B"], "namespaces": ["D"]}, 5),
        ({"namespaces": ["C"], "servicesNames": ["5"]}, 2),
    ],
)
def test_an_event_lands_on_the_services_of_the_documentations_examples(
    api: Running, scope: dict[str, list[str]] | None, services: int
) -> None:
    api.call("PUT", "/sandbox/inventory", INVENTORY)
    post(api, EVENT if scope is None else {**EVENT, "scope": scope})
    assert len(events(api)[0]["services"]) == services


def test_the_services_are_named_in_full(api: Running) -> None:
    api.call("PUT", "/sandbox/inventory", INVENTORY)
    post(api, {**EVENT, "scope": {"clusters": ["B"], "namespaces": ["C"], "servicesNames": ["5"]}})
    assert events(api)[0]["services"] == [{"cluster": "B", "namespace": "C", "service": "5"}]


def test_without_an_inventory_nobody_can_say_where_an_event_lands(api: Running) -> None:
    assert api.call("GET", "/sandbox/inventory") is None
    post(api)
    assert events(api)[0]["services"] is None
    api.call("PUT", "/sandbox/inventory", {})
    assert events(api)[0]["services"] == []


def test_the_inventory_can_be_read_back(api: Running) -> None:
    assert api.call("PUT", "/sandbox/inventory", INVENTORY) == INVENTORY
    assert api.call("GET", "/sandbox/inventory") == INVENTORY


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["A"], "the body must be an object"),
        ({"A": ["C"]}, "A must be an object"),
        ({"A": {"C": "1"}}, "A.C must be a list"),
        ({"A": {"C": [1]}}, "A.C.0 must be a string"),
    ],
)
def test_an_inventory_of_another_shape_is_refused(
    api: Running, given: object, problem: str
) -> None:
    reply = send(api, "PUT", "/sandbox/inventory", json.dumps(given).encode())
    assert (reply.status, reply.json()["message"]) == (400, [problem])


def test_after_a_rotation_only_the_new_key_is_right(api: Running) -> None:
    reply = send(api, "PUT", "/sandbox/key", b'{"key": "test-key-2"}')
    assert (reply.status, reply.body) == (204, b"")
    assert post(api).status == 403
    assert send(api, "GET", VALIDATE_PATH).status == 403
    assert post(api, x_api_key="test-key-2").status == 201


@pytest.mark.parametrize("given", ['{"key": ""}', '{"key": "a b"}', '{"kee": "a"}', "{"])
def test_a_key_that_no_header_could_carry_is_refused(api: Running, given: str) -> None:
    assert send(api, "PUT", "/sandbox/key", given.encode()).status == 400
    assert post(api).status == 201


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("faults", {"delaySeconds": "1"}, "delaySeconds must be a number"),
        ("faults", {"hang": "yes"}, "hang must be true or false"),
        ("faults", {"garbage": 3}, "garbage must be true, or a line of printable ASCII"),
        ("faults", {"retryAfter": []}, "retryAfter must be a whole number, or a date as a text"),
        ("faults", {"redirect": "\n"}, "redirect must be what an HTTP header can hold"),
        (
            "faults",
            {"headers": {"a b": "c"}},
            "the name 'a b' must be what an HTTP header can hold",
        ),
        ("key", {"key": "a b"}, "key must be what an HTTP header can hold"),
        ("inventory", {"": {}}, "the name '' must not be empty"),
    ],
)
def test_what_cannot_be_set_is_said_in_our_own_words(
    api: Running, path: str, given: object, said: str
) -> None:
    reply = send(api, "PUT", f"/sandbox/{path}", json.dumps(given).encode())
    assert (reply.status, reply.json()["message"]) == (400, [said])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit must be at least 1"),
        ("limit=10001", "limit must be at most 10000"),
        ("limit=x", "limit must be a whole number"),
        (f"after={1 << 63}", f"after must be less than {1 << 63}"),
        (f"after={'9' * 5000}", "after must be a whole number, and not as large"),
        ("before=", "before must be a whole number"),
        ("brief=perhaps", "brief must be true or false"),
        ("order=odd", "order must be 'oldest' or 'newest', in this very spelling"),
    ],
)
def test_what_cannot_be_asked_is_said_in_our_own_words(api: Running, query: str, said: str) -> None:
    reply = send(api, "GET", f"/events?{query}")
    assert (reply.status, reply.json()["message"]) == (400, [said])


def test_more_than_a_mebibyte_is_no_inventory(api: Running) -> None:
    reply = send(api, "PUT", "/sandbox/inventory", b" " * (2 << 20))
    assert reply.status == 413
    assert reply.json()["message"] == ["the body has more than 1048576 bytes"]
