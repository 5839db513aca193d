"""Requests to the API server: only names get into a path, and no list goes on for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from customevents.kube import Cluster, Pool, lease
from customevents.resource.errors import ClusterError, InvalidName
from customevents.resource.status import State

NONE = ["../x", "..", "x/y", "x?y=1", "x#y", "x%2Fy", "x y"]

#: What a connection consists of.
NOTHING = [cast(Any, None)] * 4

#: One without a client: whatever it sent would fail otherwise.
CLUSTER = Cluster(*NOTHING)


async def exhaust(items: AsyncIterator[Any]) -> None:
    async for _ in items:
        pass


@pytest.mark.parametrize("name", [*NONE, ""])
def test_an_event_is_asked_for_by_its_name_alone(name: str) -> None:
    for request in (
        CLUSTER.get_event("shop", name),
        CLUSTER.get_event(name, "checkout"),
        CLUSTER.annotate("shop", name, {}),
        CLUSTER.annotate(name, "checkout", {}),
        CLUSTER.delete_event("shop", name, uid="1", resource_version=1),
        CLUSTER.create_notice(name, {}),
    ):
        with pytest.raises(InvalidName, match="is no name"):
            asyncio.run(request)


@pytest.mark.parametrize("name", NONE)
def test_so_is_a_namespace(name: str) -> None:
    for request in (
        CLUSTER.create_event(name, {}),
        exhaust(CLUSTER.open_work(name)),
        exhaust(CLUSTER.undelivered(name)),
        exhaust(CLUSTER.events_in_state(name, State.FAILED)),
    ):
        with pytest.raises(InvalidName, match=r'^namespace ".*" is no name$'):
            asyncio.run(request)


@pytest.mark.parametrize("name", [*NONE, ""])
def test_so_is_the_lease(name: str) -> None:
    with pytest.raises(InvalidName, match="is no name"):
        lease(CLUSTER, name, "customevents")
    with pytest.raises(InvalidName, match="is no name"):
        lease(CLUSTER, "customevents", name)


@pytest.mark.parametrize("path", ["/api/v1/namespaces/../nodes", "/api/v1//nodes", "/api/v1/a%2Fb"])
def test_no_path_leads_elsewhere(path: str) -> None:
    for request in (CLUSTER.get(path), CLUSTER.list_metadata(path)):
        with pytest.raises(InvalidName, match="is no path"):
            asyncio.run(request)


class SamePage(Cluster):
    """An API server behind a cache that looks at no query."""

    asked = 0

    async def request(self, *_: Any, **__: Any) -> dict[str, Any]:
        self.asked += 1
        assert self.asked < 10, "it would go on for ever"
        return {"kind": "CustomEventList", "metadata": {"continue": "next"}, "items": []}


def test_a_list_whose_pages_are_all_the_same_ends_with_an_error() -> None:
    with pytest.raises(ClusterError, match="does not go on"):
        asyncio.run(exhaust(SamePage(*NOTHING).undelivered("")))


class Odd:
    """What the requests go through, where a library trips over itself."""

    def param_serialize(self, *_: Any, **__: Any) -> Any:
        raise ValueError("a piece of a token")


@pytest.mark.asyncio
async def test_whatever_a_request_trips_over_is_trouble_with_the_api_server() -> None:
    """Of a ClusterError each caller knows that it may pass; anything else ends the process."""
    cluster = Cluster(Pool(cast(Any, Odd()), "https://here"), *NOTHING[1:])
    with pytest.raises(ClusterError, match="cannot be asked"):
        await cluster.get("/version")
