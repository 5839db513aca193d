"""Finished events are deleted in time, and never what a tool would create again."""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from customevents.delivery.outcome import Outcome
from customevents.delivery.state import Ending, judged, plan
from customevents.resource.errors import ClusterError, Conflict, Gone
from customevents.resource.event import CustomEvent
from customevents.resource.status import Condition, DeliveryRecord, OutcomeClass, State, Status
from customevents.resource.times import LAST
from customevents.upkeep.ttl import TtlCollector, removal_time
from unit.builders import NOW, attempt, later, moment, raw_spec, record, recorded
from unit.builders import event as an_event
from unit.instant import at_once

ARGO = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:customevents.dev/CustomEvent:a/b"}}
HELM = {"annotations": {"meta.helm.sh/release-name": "shop"}}
FLUX_HELM = {"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}
FLUX_KUSTOMIZE = {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}
ARGO_HOOK = {"annotations": {**ARGO["annotations"], "argocd.argoproj.io/hook": "PostSync"}}
HELM_HOOK = {"annotations": {"helm.sh/hook": "post-install"}}


def ended(
    ttl: int | None = 60, *, state: State = State.DELIVERED, observed: int = 1, **metadata: Any
) -> CustomEvent:
    """An event whose delivery ended NOW."""
    spec = raw_spec() if ttl is None else raw_spec(ttlSecondsAfterFinished=ttl)
    finished = NOW if state.finished else None
    found = record(state=state, finished_time=finished)
    return recorded(found, spec=spec, observed=observed, **metadata)


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED, State.EXPIRED])
def test_it_counts_from_the_end_of_the_delivery(state: State) -> None:
    assert removal_time(ended(60, state=state)) == later(60)


@pytest.mark.parametrize("state", sorted(s for s in State if not s.finished))
def test_what_is_not_finished_stays(state: State) -> None:
    assert removal_time(ended(state=state)) is None


def test_without_a_ttl_it_stays() -> None:
    assert removal_time(ended(ttl=None)) is None


def test_an_edit_that_nobody_has_looked_at_stays() -> None:
    assert removal_time(ended(generation=2)) is None


def test_a_resend_that_nobody_has_looked_at_stays() -> None:
    assert removal_time(ended(annotations={"customevents.dev/resend": "1"})) is None


@pytest.mark.parametrize("marks", [ARGO, HELM, FLUX_HELM, FLUX_KUSTOMIZE])
def test_what_a_tool_would_create_again_stays_and_says_so(marks: dict[str, Any]) -> None:
    event = ended(**marks)
    assert removal_time(event) is None
    assert "would create the object again" in noted(event)


@pytest.mark.parametrize("marks", [ARGO_HOOK, HELM_HOOK])
@pytest.mark.parametrize(("ttl", "seconds"), [(0, 300), (60, 300), (301, 301)])
def test_a_hook_goes_after_five_minutes_at_least(
    marks: dict[str, Any], ttl: int, seconds: int
) -> None:
    assert removal_time(ended(ttl, **marks)) == later(seconds)
    assert noted(ended(ttl, **marks)) == "Delivered."


def test_the_longest_ttl_that_the_crd_takes_is_a_time() -> None:
    assert removal_time(ended(2**31 - 1)) == NOW + timedelta(seconds=2**31 - 1)


@pytest.mark.parametrize("marks", [{}, HELM_HOOK], ids=["alone", "a hook"])
def test_a_ttl_that_an_older_schema_let_in_ends_at_the_end_of_all_times(
    marks: dict[str, Any],
) -> None:
    assert removal_time(ended(2**63 - 1, **marks)) == LAST


# --- What is said


def noted(event: CustomEvent, message: str = "Delivered.", *, enabled: bool = True) -> str:
    """What a finished event says once an edit of its spec was seen, that said this before."""
    said = Condition(status="True", reason="Delivered", message=message, observed_generation=0)
    status = Status(conditions=(said,), delivery=event.status.delivery)
    found = plan(replace(event, status=status), moment(ttl=enabled))
    assert isinstance(found, Ending)
    assert found.verdict is not None
    return found.verdict.message


def test_where_the_setting_is_off_it_says_so() -> None:
    assert "ttl.enabled is off" in noted(ended(), enabled=False)


def test_it_is_said_where_the_delivery_ends() -> None:
    made = replace(
        attempt(DeliveryRecord()), event=an_event(spec=raw_spec(ttlSecondsAfterFinished=60))
    )
    created = Outcome(OutcomeClass.SUCCESS, 201)
    for outcome in (created, Outcome(OutcomeClass.REFUSED, 400)):
        verdict = judged(made, outcome, moment())
        assert "ttl.enabled is off" in verdict.message
    waiting = judged(made, Outcome(OutcomeClass.NEVER_ARRIVED), moment())
    assert "ttl" not in waiting.message


def test_what_is_said_is_said_once_and_taken_back() -> None:
    off = noted(ended(), enabled=False)
    assert noted(ended(), off, enabled=False) == off
    assert noted(ended(), off) == "Delivered."
    assert noted(ended(ttl=None), off, enabled=False) == "Delivered."


def test_it_is_not_said_before_the_end() -> None:
    waits = record(state=State.RETRYING, next_attempt_time=later(60))
    waiting = recorded(waits, spec=raw_spec(ttlSecondsAfterFinished=60))
    assert noted(waiting, "No luck.", enabled=False) == "No luck."


# --- Deleting


@dataclass
class Graveyard:
    """Deletes are written down, with the moment, and may be refused."""

    begun: float = 0.0
    deleted: list[tuple[str, float]] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)
    tries: list[float] = field(default_factory=list)
    #: Seconds by which the clock was set forward.
    ahead: float = 0.0

    def clock(self) -> datetime:
        return later(asyncio.get_running_loop().time() - self.begun + self.ahead)

    async def delete_event(
        self, namespace: str, name: str, *, uid: str, resource_version: int
    ) -> None:
        seconds = round((self.clock() - NOW).total_seconds(), 1)
        self.tries.append(seconds)
        if self.refusals:
            raise self.refusals.pop(0)
        self.deleted.append((f"{namespace}/{name} {uid} {resource_version}", seconds))


def lived(place: Graveyard, *offered: CustomEvent, forgotten: CustomEvent | None = None) -> int:
    """Let an hour pass; how many are still waiting after it."""

    async def hour() -> int:
        place.begun = asyncio.get_running_loop().time()
        reaper = TtlCollector(place, place.clock)
        reaping = asyncio.create_task(reaper.run())
        await asyncio.sleep(0)
        for event in offered:
            reaper.offer(event)
        if forgotten is not None:
            reaper.forget(forgotten)
        await asyncio.sleep(3600.0)
        reaping.cancel()
        return len(reaper)

    return at_once(hour())


def test_it_deletes_this_very_version_in_time() -> None:
    place = Graveyard()
    later_one = ended(90, name="b", uid="b", resourceVersion="200")
    assert lived(place, later_one, ended(60, name="a", uid="a")) == 0
    assert place.deleted == [("shop/a a 100", 60.0), ("shop/b b 200", 90.0)]


def test_a_newer_version_replaces_the_older_one() -> None:
    place = Graveyard()
    lived(place, ended(60, uid="a"), ended(90, uid="a", resourceVersion="101"))
    assert [what.split()[-1] for what, _ in place.deleted] == ["101"]
    assert place.deleted[0][1] == 90.0


def test_what_is_edited_or_gone_meanwhile_is_not_deleted() -> None:
    place = Graveyard()
    assert lived(place, ended(uid="a"), ended(uid="a", generation=2)) == 0
    assert lived(place, ended(uid="b"), forgotten=ended(uid="b")) == 0
    assert place.tries == []


@pytest.mark.parametrize("refusal", [Gone("not found", 404), Conflict("changed", 409)])
def test_what_is_another_version_by_then_is_left_alone(refusal: ClusterError) -> None:
    place = Graveyard(refusals=[refusal])
    assert lived(place, ended()) == 0
    assert len(place.tries) == 1


def test_a_delete_that_fails_is_tried_again_later_and_later_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Graveyard(refusals=[ClusterError("the Kubernetes API answered 403", 403)] * 4)
    assert lived(place, ended(60)) == 0
    assert place.tries == [60.0, 120.0, 240.0, 480.0, 960.0]
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["shop/checkout-1-4-2 cannot be deleted yet: the Kubernetes API answered 403"]


def test_a_list_that_shows_the_same_version_again_brings_no_delete_forward() -> None:
    place = Graveyard(refusals=[ClusterError("the Kubernetes API answered 403", 403)] * 2)

    async def story() -> None:
        place.begun = asyncio.get_running_loop().time()
        reaper = TtlCollector(place, place.clock)
        reaping = asyncio.create_task(reaper.run())
        reaper.offer(ended(60))
        await asyncio.sleep(130.0)
        reaper.offer(ended(60))
        await asyncio.sleep(600.0)
        reaping.cancel()

    at_once(story())
    assert place.tries == [60.0, 120.0, 240.0]


def test_an_error_that_nobody_expected_is_the_trouble_of_one_object(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Graveyard(refusals=[OverflowError("date value out of range")])
    assert lived(place, ended(60, name="odd", uid="odd"), ended(61, name="b", uid="b")) == 0
    assert place.deleted == [("shop/b b 100", 61.0), ("shop/odd odd 100", 120.0)]
    assert "shop/odd cannot be deleted yet" in caplog.text


def test_an_api_server_that_asks_to_be_left_alone_is_left_alone() -> None:
    place = Graveyard(refusals=[ClusterError("too many requests", 429, retry_after=90.0)])
    lived(place, *(ended(60, name=name, uid=name) for name in "abc"))
    assert place.tries == [60.0, 150.0, 150.0, 150.0]


def test_an_api_server_that_is_away_is_not_asked_for_each_object_at_once() -> None:
    place = Graveyard(refusals=[ClusterError("the Kubernetes API did not answer")] * 3)
    lived(place, *(ended(60, name=name, uid=name) for name in "abc"))
    assert place.tries[:3] == [60.0, 61.0, 62.0]
    assert len(place.deleted) == 3


def test_when_the_clock_is_set_it_is_noticed_within_a_minute() -> None:
    place = Graveyard()

    async def half_an_hour() -> None:
        place.begun = asyncio.get_running_loop().time()
        reaper = TtlCollector(place, place.clock)
        reaping = asyncio.create_task(reaper.run())
        reaper.offer(ended(86_400))
        await asyncio.sleep(1000.0)
        place.ahead = 86_400.0
        await asyncio.sleep(60.0)
        reaping.cancel()

    at_once(half_an_hour())
    assert len(place.deleted) == 1


def test_what_is_gone_early_leaves_nothing_behind() -> None:
    reaper = TtlCollector(Graveyard(), lambda: NOW)
    kept = ended(2**31 - 1)
    tracemalloc.start()
    for number in range(5000):
        event = replace(kept, uid=f"{number}")
        reaper.offer(event)
        reaper.forget(event)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(reaper) == 0
    assert held < 100_000


def test_what_is_put_off_again_and_again_leaves_nothing_behind() -> None:
    reaper = TtlCollector(Graveyard(), lambda: NOW)
    edits = [ended(1000), ended(2000)]
    tracemalloc.start()
    for number in range(5000):
        reaper.offer(edits[number % 2])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000


def test_a_time_beyond_the_calendar_is_its_end() -> None:
    finished = LAST - timedelta(seconds=1)
    found = record(state=State.DELIVERED, finished_time=finished)
    event = recorded(found, spec=raw_spec(ttlSecondsAfterFinished=2**62))
    assert removal_time(event) == LAST


def test_a_record_without_an_end_is_no_reason_to_delete() -> None:
    event = recorded(
        DeliveryRecord(state=State.DELIVERED), spec=raw_spec(ttlSecondsAfterFinished=0)
    )
    assert removal_time(event) is None
