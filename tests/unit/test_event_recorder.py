"""A person is told what needs one, beside the object, and no delivery waits for that."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.resource.errors import ClusterError
from customevents.resource.notice import Notice, Regarding
from customevents.resource.status import State
from customevents.scope.cluster_name import Nameless
from customevents.upkeep.event_recorder import MOST_WAITING, EventRecorder, notice
from unit.builders import NOW, event, raw_spec, record, recorded
from unit.in_memory import World
from unit.instant import at_once

LEASE = Regarding("coordination.k8s.io/v1", "Lease", "customevents", "customevents")
FRESH = event()


def told(state: State, **fields: Any) -> Notice | None:
    return notice(FRESH, recorded(record(state=state, **fields)), of_deliveries=False)


@pytest.mark.parametrize("state", [State.FAILED, State.EXPIRED, State.HELD])
def test_what_needs_a_person_is_a_warning_on_its_object(state: State) -> None:
    found = told(state)
    assert found is not None
    assert (found.type, found.reason, found.message) == ("Warning", "NeverArrived", "as it was")
    assert found.regarding.kind == "CustomEvent"
    assert found.regarding.uid == FRESH.uid


@pytest.mark.parametrize("state", [State.PENDING, State.RETRYING, State.DELIVERED, State.SUSPENDED])
def test_what_goes_its_way_is_not_told(state: State) -> None:
    assert told(state) is None


def test_with_the_setting_a_delivery_is_told_as_well() -> None:
    found = notice(FRESH, recorded(record(state=State.DELIVERED)), of_deliveries=True)
    assert found is not None
    assert found.type == "Normal"


def test_a_delivery_with_a_name_that_matches_nothing_is_a_warning() -> None:
    delivered = recorded(record(state=State.DELIVERED))
    found = notice(FRESH, delivered, "No workload here is named cart", of_deliveries=True)
    assert found is not None
    assert (found.type, found.reason) == ("Warning", "NoServicesMatch")
    assert found.message == "No workload here is named cart"


def test_the_same_is_told_once() -> None:
    held = recorded(record(state=State.HELD))
    assert notice(held, held, of_deliveries=False) is None
    other = recorded(record(state=State.HELD), reason="NoServicesMatch")
    assert notice(held, other, of_deliveries=False) is not None


def test_a_refused_event_warns_once_and_a_tried_one_never() -> None:
    world = World()
    world.api.answers = [NoAnswer(Stage.CONNECT, "ClientConnectorError"), Answer(400)]
    event = world.cluster.apply()
    first = world.handle(event)
    assert world.notices == []
    world.clock.advance(300)
    assert first.fresh is not None
    world.handle(first.fresh)
    assert [told.reason for told in world.notices] == ["Refused"]


def test_a_held_event_that_is_looked_at_again_warns_once() -> None:
    world = World(cluster_name=Nameless("the cluster's name is not known"))
    handled = world.handle(world.cluster.apply(spec=raw_spec()))
    world.clock.advance(60)
    assert handled.fresh is not None
    world.handle(handled.fresh)
    assert [told.reason for told in world.notices] == ["ClusterNameUnknown"]


# --- Writing


@dataclass
class Recorder:
    written: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[ClusterError] = field(default_factory=list)

    async def create_notice(self, namespace: str, notice: dict[str, Any]) -> None:
        assert namespace == notice["metadata"]["namespace"]
        if self.refusals:
            raise self.refusals.pop(0)
        self.written.append(notice)


def wrote(recorder: Recorder, *messages: str) -> list[str]:
    async def story() -> None:
        notices = EventRecorder(
            recorder, lambda: LEASE, reporter="pod", of_deliveries=False, clock=lambda: NOW
        )
        for message in messages:
            notices.warn("EndpointPaused", message)
        writing = asyncio.create_task(notices.run())
        await asyncio.sleep(3600.0)
        writing.cancel()

    at_once(story())
    return [notice["note"] for notice in recorder.written]


def test_trouble_of_the_operator_is_told_on_its_lease() -> None:
    recorder = Recorder()
    wrote(recorder, "The endpoint is paused")
    (written,) = recorder.written
    assert written["regarding"]["kind"] == "Lease"
    assert written["eventTime"] == "2026-05-01T12:00:00.000000Z"
    assert (written["type"], written["reason"]) == ("Warning", "EndpointPaused")


def test_one_that_cannot_be_written_is_left_and_the_next_one_is_written() -> None:
    recorder = Recorder(refusals=[ClusterError("the Kubernetes API answered 403: ", 403)])
    assert wrote(recorder, "first", "second") == ["second"]


def test_of_a_flood_only_so_many_wait() -> None:
    assert len(wrote(Recorder(), *map(str, range(MOST_WAITING + 5)))) == MOST_WAITING


def test_a_long_message_is_cut_to_what_kubernetes_takes() -> None:
    assert len(wrote(Recorder(), "x" * 5000)[0]) == 1024
    assert wrote(Recorder(), "é" * 5000) == ["é" * 512]
