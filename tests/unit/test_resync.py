"""What the watch did not show is found, taken in and counted; nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from customevents.delivery.inbox import Inbox
from customevents.resource.errors import ClusterError
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.status import State
from customevents.upkeep.resync import Resync
from unit.builders import Clock, raw_event, record, recorded
from unit.counted import Counted
from unit.in_memory import MemoryCluster
from unit.instant import at_once


class Listed(MemoryCluster):
    """A cluster whose list may fail, or be older than its objects."""

    away = False
    as_listed: list[dict[str, Any]] | None = None
    #: What happens while the next page is on its way, and while a read of one object is.
    behind_the_page: Callable[[], object] = staticmethod(lambda: None)
    behind_the_read: Callable[[], object] = staticmethod(lambda: None)

    async def open_work(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        assert namespace == ""
        if self.away:
            raise ClusterError("the Kubernetes API did not answer: TimeoutError")
        for raw in self.as_listed or list(self.objects.values()):
            yield raw
        self.behind_the_page()

    def all_events(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        return self.open_work(namespace)

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        found = await super().get_event(namespace, name)
        self.behind_the_read()
        return found


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.cluster = Listed()
        self.inbox = Inbox(self.clock, self.clock.uptime, Counted())
        self.renewed: list[str] = []
        self.rounds = Resync(
            self.inbox,
            self.cluster,
            (),
            clock=self.clock,
            uptime=self.clock.uptime,
            renew=self.renewed.append,
        )

    def one_round(self) -> None:
        at_once(self.rounds.look_at_open_work())


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
    assert read_event(raw).needs_nothing
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


def is_gone(scene: Scene, event: CustomEvent) -> None:
    del scene.cluster.objects[event.namespace, event.name]


def is_another(scene: Scene, event: CustomEvent) -> None:
    scene.cluster.change(event, lambda raw: raw["metadata"].update(uid="another"))


def is_another_and_unreadable(scene: Scene, event: CustomEvent) -> None:
    raw = scene.cluster.objects[event.namespace, event.name]
    raw["metadata"]["uid"] = "another"
    raw["status"] = {"delivery": {"state": "NotKnownYet"}}


def is_going(scene: Scene, event: CustomEvent) -> None:
    gone_soon = {"deletionTimestamp": "2026-05-01T12:00:01Z", "finalizers": ["of/somebody"]}
    scene.cluster.change(event, lambda raw: raw["metadata"].update(gone_soon))


@pytest.mark.parametrize("end", [is_gone, is_another, is_another_and_unreadable, is_going])
def test_what_is_gone_by_then_is_not_taken_in_as_a_watch_that_lags_shows_it(
    scene: Scene, end: Callable[[Scene, CustomEvent], None]
) -> None:
    event = scene.cluster.apply()
    scene.cluster.as_listed = [raw_event()]
    end(scene, event)
    scene.clock.advance(3600)
    scene.one_round()
    scene.inbox.offer(event)
    assert (scene.rounds.missed, len(scene.inbox), scene.renewed) == (0, 0, [])


def test_what_was_found_newer_is_not_taken_in_as_a_watch_that_lags_shows_it(scene: Scene) -> None:
    event = scene.cluster.apply()
    scene.inbox.offer(event)
    edit(scene, event)
    scene.one_round()
    found = at_once(scene.inbox.take())
    assert found is not None
    scene.inbox.done(found, found, None)
    scene.inbox.offer(event)
    assert (scene.rounds.missed, len(scene.inbox)) == (1, 0)


def test_an_api_server_that_is_away_is_no_finding_and_ends_no_round(scene: Scene) -> None:
    scene.cluster.away = True
    scene.one_round()
    scene.one_round()
    assert scene.rounds.missed == 0


@pytest.mark.parametrize(
    "odd",
    [{"state": "NotKnownYet"}, {"nextAttemptTime": "0000-01-01T00:00:00Z"}],
    ids=["a newer version's", "the year 0"],
)
def test_a_status_that_cannot_be_read_ends_no_round(scene: Scene, odd: dict[str, str]) -> None:
    """Whoever may write a status may set what this version cannot read."""
    scene.cluster.apply()
    scene.cluster.as_listed = [
        raw_event(uid="odd", name="odd", status={"delivery": odd}),
        *scene.cluster.objects.values(),
    ]
    scene.clock.advance(3600)
    scene.one_round()
    assert scene.rounds.missed == 1


# --- What the inbox knows otherwise


def edit(scene: Scene, event: CustomEvent) -> None:
    """Somebody edits an object, an hour ago, and the watch shows nothing."""
    scene.cluster.change(event, lambda raw: raw["metadata"].update(generation=2))
    scene.clock.advance(3600)


def test_an_edit_of_what_waits_is_found_with_the_open_work(scene: Scene) -> None:
    event = scene.cluster.apply()
    scene.inbox.offer(event)
    edit(scene, event)
    scene.one_round()
    known = scene.inbox.known(event.uid)
    assert known
    assert (scene.rounds.missed, known.generation) == (1, 2)
    scene.one_round()
    assert scene.rounds.missed == 1


def test_so_is_an_edit_of_what_a_backup_brought_back_which_reaches_its_generation(
    scene: Scene,
) -> None:
    told = recorded(record(state=State.DELIVERED))
    event = scene.cluster.apply(
        uid="another-uid",
        labels={"velero.io/restore-name": "nightly"},
        status={
            "conditions": [{"type": "Delivered", "status": "True", "observedGeneration": 2}],
            "delivery": told.stored_record,
        },
    )
    scene.cluster.change(event, lambda raw: raw["spec"].update(summary="other"))
    edit(scene, event)
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox)) == (1, 1)


def test_the_watch_of_the_namespace_is_begun_anew(scene: Scene) -> None:
    scene.cluster.apply()
    scene.clock.advance(3600)
    scene.one_round()
    assert scene.renewed == ["shop"]


def apply_many(scene: Scene) -> list[CustomEvent]:
    """An hour ago, and the watch showed none of them."""
    names = [f"event-{number}" for number in range(50)]
    events = [scene.cluster.apply(uid=name, name=name) for name in names]
    scene.clock.advance(3600)
    return events


def test_a_watch_that_showed_none_of_many_is_told_of_and_begun_anew_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Begun anew for each of them, it would not come to its list."""
    apply_many(scene)
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox)) == (50, 50)
    assert scene.renewed == ["shop"]
    assert caplog.text.count("the watch never showed shop/") == 1


def test_what_the_watch_shows_once_it_was_begun_anew_is_not_read(scene: Scene) -> None:
    events = apply_many(scene)

    def show(namespace: str) -> None:
        scene.renewed.append(namespace)
        scene.cluster.lost_reads = 1
        for event in events:
            scene.inbox.offer(event)

    scene.rounds._renew = show
    scene.one_round()
    assert (scene.rounds.missed, len(scene.inbox), scene.cluster.lost_reads) == (1, 50, 1)


def test_a_list_of_everything_finds_an_edit_of_what_is_finished(scene: Scene) -> None:
    delivered = recorded(record(state=State.DELIVERED))
    scene.cluster.apply(status=delivered.status.to_json())
    scene.clock.advance(3600)
    at_once(scene.rounds.look_at_all())
    assert scene.rounds.missed == 0
    edit(scene, delivered)
    at_once(scene.rounds.look_at_all())
    assert (scene.rounds.missed, len(scene.inbox)) == (1, 1)


def test_it_does_so_where_somebody_else_wrote_a_condition_before_ours(scene: Scene) -> None:
    delivered = recorded(record(state=State.DELIVERED))
    status = delivered.status.to_json()
    theirs = {"type": "Seen", "status": "True", "observedGeneration": 2}
    scene.cluster.apply(status={**status, "conditions": [theirs, *status["conditions"]]})
    edit(scene, delivered)
    scene.clock.advance(3600)
    at_once(scene.rounds.look_at_all())
    assert (scene.rounds.missed, len(scene.inbox)) == (1, 1)


def test_what_a_list_of_everything_does_not_contain_is_in_doubt(scene: Scene) -> None:
    event = scene.cluster.apply()
    scene.inbox.offer(event)
    at_once(scene.rounds.look_at_all())
    assert scene.inbox.in_doubt() == []
    del scene.cluster.objects[event.namespace, event.name]
    at_once(scene.rounds.look_at_all())
    assert scene.inbox.in_doubt() == [event]


def test_what_is_in_doubt_is_looked_at_unless_the_watch_confirms_it(scene: Scene) -> None:
    gone = scene.cluster.apply()
    scene.inbox.offer(gone)
    del scene.cluster.objects[gone.namespace, gone.name]
    stays = scene.cluster.apply(uid="stays", name="stays")
    scene.inbox.offer(stays)
    scene.inbox.lost_sight("")
    scene.inbox.sees("")
    first = at_once(scene.rounds._look_at_doubts(set()))
    assert len(scene.inbox) == 2, "the list that has just come may confirm it"
    at_once(scene.rounds._look_at_doubts(first))
    assert (len(scene.inbox), scene.inbox.in_doubt()) == (1, [])


def test_that_what_is_in_doubt_cannot_be_looked_at_is_told_once_for_each_trouble(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    event = scene.cluster.apply()
    scene.inbox.offer(event)

    def look() -> None:
        scene.inbox.doubt({event.uid})
        at_once(scene.rounds._look_at_doubts({event.uid}))

    for lost, told in ((2, 1), (0, 1), (1, 2)):
        scene.cluster.lost_reads = lost
        for _ in range(max(lost, 1)):
            look()
        assert caplog.text.count("what may be gone cannot be looked at") == told


def test_what_is_deleted_unseen_while_it_is_looked_at_stays_in_doubt(scene: Scene) -> None:
    event = scene.cluster.apply()
    scene.inbox.offer(event)
    scene.inbox.doubt({event.uid})

    def gone_unseen() -> None:
        del scene.cluster.objects[event.namespace, event.name]
        scene.inbox.lost_sight("")
        scene.inbox.sees("")

    scene.cluster.behind_the_read = gone_unseen
    at_once(scene.rounds._look_at_doubts({event.uid}))
    assert scene.inbox.in_doubt() == [event]


# --- Namespaces


class Apart(Listed):
    """A cluster in which one namespace may not be listed."""

    async def open_work(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        if namespace == "gone":
            raise ClusterError("the Kubernetes API answered 403: forbidden", 403)
        for (where, _), raw in self.objects.items():
            if where == namespace:
                yield raw


def test_a_namespace_that_cannot_be_listed_keeps_nobody_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, cluster = Clock(), Apart()
    inbox = Inbox(clock, clock.uptime, Counted())
    rounds = Resync(
        inbox,
        cluster,
        ("gone", "shop"),
        clock=clock,
        uptime=clock.uptime,
        renew=lambda _: None,
    )
    cluster.apply()
    clock.advance(3600)
    at_once(rounds.look_at_open_work())
    at_once(rounds.look_at_open_work())
    assert (rounds.missed, len(inbox)) == (1, 1)
    assert caplog.text.count("the events of namespace gone cannot be listed") == 1
