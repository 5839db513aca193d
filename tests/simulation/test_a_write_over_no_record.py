"""A late write meets what stands there by then: another record, or another object.

A status without a delivery record can be written over once, and not by whoever comes later.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from customevents import kube
from customevents.answers import Response
from customevents.resource.errors import Conflict
from customevents.resource.event import read_event
from customevents.resource.status import DeliveryRecord, State, Status
from simulation.apiserver import ApiServer
from simulation.world import crd

PATH = f"{kube.collection('shop')}/e0"

MANIFEST = {
    "apiVersion": "customevents.dev/v1alpha1",
    "kind": "CustomEvent",
    "metadata": {"name": "e0"},
    "spec": {"eventType": "release", "summary": "e0 v1"},
}


class Straight:
    """Carries requests to the model at once."""

    def __init__(self) -> None:
        self.server = ApiServer(lambda: datetime(2026, 1, 1, tzinfo=UTC), crd())
        self.server.create_namespace("shop")

    async def exchange(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> Response:
        kinds = {"content_type": headers["Content-Type"], "accept": headers["Accept"]}
        reply = self.server.handle(method, path, body, **kinds)
        return Response(reply.status, reply.body)


@pytest.mark.parametrize("gone", ["delivery", "everything"])
def test_a_late_write_does_not_replace_what_was_written_since(gone: str) -> None:
    way, nothing = Straight(), cast(Any, None)
    cluster = kube.Cluster(way, nothing, nothing, None)
    way.server.handle("POST", kube.collection("shop"), MANIFEST)
    emptied: dict[str, Any] = {"delivery": None}
    if gone == "everything":
        emptied["conditions"] = []
    way.server.handle("PATCH", f"{PATH}/status", {"status": emptied}, content_type=kube.MERGE_PATCH)
    seen = read_event(json.loads(way.server.handle("GET", PATH).body))
    assert seen.stored_record is None

    def write(state: State) -> None:
        status = Status(delivery=DeliveryRecord(state=state, id="some-id", content_hash="v1:0"))
        asyncio.run(cluster.patch_status(seen, status.to_json()))

    write(State.DELIVERED)
    with pytest.raises(Conflict):
        write(State.RETRYING)
    stored = json.loads(way.server.handle("GET", PATH).body)
    assert stored["status"]["delivery"]["state"] == "Delivered"


def test_a_late_write_does_not_land_on_another_object_of_that_name() -> None:
    way, nothing = Straight(), cast(Any, None)
    cluster = kube.Cluster(way, nothing, nothing, None)
    way.server.handle("POST", kube.collection("shop"), MANIFEST)
    seen = read_event(json.loads(way.server.handle("GET", PATH).body))
    way.server.handle("DELETE", PATH)
    way.server.handle("POST", kube.collection("shop"), MANIFEST)
    status = Status(delivery=DeliveryRecord(state=State.DELIVERED, id="some-id"))
    with pytest.raises(Conflict):
        asyncio.run(cluster.patch_status(seen, status.to_json()))
