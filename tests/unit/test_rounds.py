"""What the watch did not show is found, taken in and counted; nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from customevents.delivery.inbox import Inbox
from customevents.delivery.rounds import Rounds
from customevents.resource.errors import ClusterError
from customevents.resource.event import read_event
from unit.builders import Clock, raw_event
from unit.counting import Counted
from unit.in_memory import MemoryCluster
from unit.instant import at_once


class Listed(MemoryCluster):
    """A cluster whose list may fail, or be older than its objects."""

    away = False
    as_listed: list[dict[str, Any]] | None = None
    #: What happens while the next page is on its way, and while a read of one object is.
    behind_the_page: Callable[[], object] = staticmethod(lambda: None)
    behind_the_read: Callable[[], object] = staticmethod(lambda: None)

    async def open_work(self, namespaces: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
        assert namespaces == ()
        if self.away:
            raise ClusterError("the Kubernetes API did not answer: TimeoutError")
        for raw in self.as_listed or list(self.objects.values()):
            yield raw
        self.behind_the_page()

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        found = await super().get_event(namespace, name)
        self.behind_the_read()
        return found


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.cluster = Listed()
        self.inbox = Inbox(self.clock, Counted())
        self.rounds = Rounds(self.inbox, self.cluster, (), clock=self.clock, every=60.0)

    def one_round(self) -> None:
        at_once(self.rounds._look())


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_old_event_that_the_inbox_never_saw_is_taken_in_and_counted(scene: Scene) -> None:
    scene.cluster.apply()
    scene.clock.advance(3600)
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox)) == (1, 1)


def test_an_event_that_waits_in_the_inbox_is_no_finding(scene: Scene) -> None:
    scene.inbox.offer(scene.cluster.apply())
    scene.clock.advance(3600)
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox)) == (0, 1)


def test_an_event_that_is_seconds_old_may_still_be_on_its_way(scene: Scene) -> None:
    event = scene.cluster.apply()
    scene.clock.now = event.changed + timedelta(seconds=20)
    scene.one_round()
    assert scene.rounds.missed == 0


def test_an_event_that_was_finished_while_the_list_was_on_its_way_is_no_finding(
    scene: Scene,
) -> None:
    scene.cluster.apply()
    (raw,) = scene.cluster.objects.values()
    scene.cluster.as_listed = [raw_event()]
    raw["status"] = {
        "conditions": [
            {"type": "Delivered", "status": "True", "reason": "Delivered", "observedGeneration": 1}
        ],
        "delivery": {"state": "Delivered", "sequence": 1, "attempts": 1},
    }
    assert read_event(raw).settled
    scene.clock.advance(3600)
    scene.one_round()
    assert scene.rounds.missed == 0


def test_an_event_that_is_finished_while_a_later_page_is_on_its_way_is_not_read(
    scene: Scene,
) -> None:
    event = scene.cluster.apply()
    scene.inbox.offer(event)
    scene.cluster.behind_the_page = lambda: scene.inbox.forget(event)
    scene.cluster.lost_reads = 1
    scene.clock.advance(3600)
    scene.one_round()
    assert scene.cluster.lost_reads == 1


@pytest.mark.parametrize("change", ["offer", "forget"])
def test_what_the_watch_shows_while_the_answer_is_on_its_way_is_newer_than_the_answer(
    scene: Scene, change: str
) -> None:
    """Else an event that is delivered meanwhile would be sent a second time."""
    event = scene.cluster.apply()

    def shown_and_delivered() -> None:
        getattr(scene.rounds, change)(event)

    scene.cluster.behind_the_read = shown_and_delivered
    scene.clock.advance(3600)
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox)) == (0, 0)


def test_what_the_watch_shows_of_another_event_meanwhile_changes_nothing(scene: Scene) -> None:
    scene.cluster.apply()
    another = read_event(raw_event(uid="another"))
    scene.cluster.behind_the_read = lambda: scene.rounds.offer(another)
    scene.clock.advance(3600)
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox)) == (1, 1)


def test_an_event_that_is_gone_by_then_is_no_finding(scene: Scene) -> None:
    scene.cluster.as_listed = [raw_event()]
    scene.clock.advance(3600)
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox)) == (0, 0)


def test_an_api_server_that_is_away_is_no_finding_and_ends_no_round(scene: Scene) -> None:
    scene.cluster.away = True
    with pytest.raises(ClusterError):
        scene.one_round()
    assert scene.rounds.missed == 0


def test_a_status_that_cannot_be_read_ends_no_round(scene: Scene) -> None:
    """The schema lets a time of the year 0 in, and whoever may write status may set it."""
    scene.cluster.apply()
    scene.cluster.as_listed = [
        raw_event(status={"delivery": {"nextAttemptTime": "0000-01-01T00:00:00Z"}}),
        *scene.cluster.objects.values(),
    ]
    scene.clock.advance(3600)
    scene.one_round()
    assert scene.rounds.missed == 1
