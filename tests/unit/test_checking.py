"""`check` says who leads, whatever somebody has written into the Lease."""

from __future__ import annotations

from typing import Any, cast

import pytest

from customevents.clocks import ClusterClock
from customevents.commands.checking import (
    Level,
    Place,
    _announced,
    _clock,
    _leader,
    _waiting,
    check,
)
from customevents.delivery.announcement import Announcement
from customevents.delivery.lease import readable
from customevents.kube import Cluster
from unit.builders import NOW
from unit.instant import at_once

LEADS = {"holderIdentity": "pod-a_1", "renewTime": "2026-05-01T11:59:58.000000Z"}


def said(**spec: Any) -> str:
    lease = readable({"metadata": {}, "spec": {**LEADS, **spec}})
    finding = _leader("operator", "Lease a/b", lease, NOW)
    return f"{finding.level} {finding.says}"


def test_a_holder_that_renews_leads() -> None:
    assert said(leaseDurationSeconds=15) == "ok pod-a_1 leads (Lease a/b)"


@pytest.mark.parametrize("stated", [None, 0, -1, "15", True, 2**31 - 1])
def test_an_odd_duration_keeps_nobody_from_being_called_silent(stated: Any) -> None:
    assert said(leaseDurationSeconds=stated).startswith("ok ")
    long_ago = "2026-05-01T10:00:00.000000Z"
    assert "silent for 7200 s" in said(leaseDurationSeconds=stated, renewTime=long_ago)


@pytest.mark.parametrize("stated", [None, "", "0000-01-01T00:00:00Z", "yesterday", 7])
def test_a_renewal_that_is_no_time_is_said_in_one_line(stated: Any) -> None:
    assert said(renewTime=stated).endswith("Lease a/b does not say when pod-a_1 renewed it")


@pytest.mark.parametrize("named", [None, ""])
def test_a_lease_without_a_holder_was_released(named: Any) -> None:
    assert "nobody leads" in said(holderIdentity=named)


class Portal(Cluster):
    """Something that answers every request with a JSON object of its own."""

    async def get(self, path: str) -> dict[str, Any]:
        return {"login": path}


def test_what_is_no_api_server_is_said_in_one_line() -> None:
    portal = Portal(*[cast(Any, None)] * 4)
    place = Place("shop", "customevents", "customevents")
    (finding,) = at_once(check(portal, place, ClusterClock()))
    assert (finding.level, finding.about) == (Level.WRONG, "Kubernetes")


@pytest.mark.parametrize(("waiting", "words"), [(1, "1 event waits, "), (2, "2 events wait, ")])
def test_what_waits_is_counted_in_words_for_people(waiting: int, words: str) -> None:
    assert _waiting(Announcement(waiting=waiting, oldest=NOW)).says.startswith(words)


def test_an_operator_that_leads_and_sees_nothing_is_wrong() -> None:
    said = Announcement(unwatched=("not watching in namespace shop: 403",))
    found = [each for each in _announced(said, "shop") if each.about == "watch"]
    assert [(each.level, each.says) for each in found] == [
        (Level.WRONG, "not watching in namespace shop: 403")
    ]
    assert [each for each in _announced(Announcement(), "shop") if each.about == "watch"] == []


@pytest.mark.parametrize(
    ("skew", "words"),
    [(40.0, "40 s ahead of the API server's"), (-7.4, "7 s behind the API server's")],
)
def test_a_clock_that_differs_is_told(skew: float, words: str) -> None:
    (finding,) = _clock("this machine", skew)
    assert (finding.level, finding.says) == (Level.WARNING, f"that of this machine is {words}")


@pytest.mark.parametrize("skew", [None, 0.0, 2.0, -2.0])
def test_one_that_does_not_or_was_not_heard_is_no_matter(skew: float | None) -> None:
    assert _clock("this machine", skew) == []
