"""A namespace's trouble is its own: the others are watched, and somebody is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from localcluster import Cluster

from operator_process import eventually, probed, scrape
from promises import crowd
from promises.ear import Ear, Heard
from promises.namespaced import rights_in
from proxy import Answer, EndAtOnce, Rule

#: Seconds within which what happens in the others is told.
AT_ONCE = 5.0

#: Seconds for which the endpoint asks to be left alone.
PAUSE = 8

#: Seconds; kopf tries for 54 s.
LONG = 70.0


@pytest.fixture
def ear(listener: Callable[[str], Ear]) -> Iterator[Ear]:
    """An operator for this test alone, which watches two namespaces."""
    listening = listener("namespaced")
    yield listening
    listening.stop()


def test_one_of_two_namespaces_is_forbidden(ear: Ear, figure: Callable[[str], None]) -> None:
    forbidden, well = ear.namespaces
    with ear.listening():
        ear.proxy.add(Rule("GET", inside(forbidden), Answer(403), count=None))
        ear.proxy.add(Rule("GET", ear.watches, EndAtOnce()))
        others_are_served(ear, well, "forbidden", figure)


def test_one_of_two_namespaces_is_forbidden_while_many_of_its_events_wait(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    forbidden, well = ear.namespaces
    with ear.listening():
        pause = {"status": 503, "retryAfter": PAUSE, "count": 1}
        ear.timeline.call("PUT", "/sandbox/faults", pause)
        crowd.create(ear.api, [forbidden], 40)
        ear.proxy.add(Rule("GET", inside(forbidden), Answer(403), count=None))
        ear.proxy.add(Rule("GET", ear.watches, EndAtOnce()))
        time.sleep(PAUSE)
        others_are_served(ear, well, "forbidden with events that wait", figure)


@pytest.mark.full
def test_one_of_two_namespaces_is_forbidden_for_long_and_allowed_again(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    forbidden, well = ear.namespaces
    with ear.listening():
        refused = ear.proxy.add(Rule("GET", inside(forbidden), Answer(403), count=None))
        ear.proxy.add(Rule("GET", ear.watches, EndAtOnce()))
        others_are_served(ear, well, "forbidden", figure, after=LONG)
        is_named(ear, forbidden, well)
        refused.remove()
        is_served_again(ear, figure)


@pytest.mark.full
def test_one_of_two_namespaces_is_deleted_and_created_again(
    ear: Ear, cluster: Cluster, figure: Callable[[str], None]
) -> None:
    deleted, well = ear.namespaces
    with ear.listening():
        delete(cluster, deleted)
        ear.proxy.add(Rule("GET", ear.watches, EndAtOnce()))
        others_are_served(ear, well, "deleted", figure, after=LONG)
        is_named(ear, deleted, well)
        create(cluster, deleted)
        is_served_again(ear, figure)


@pytest.mark.full
def test_one_of_two_namespaces_is_missing_at_the_start_and_created_later(
    ear: Ear, cluster: Cluster, figure: Callable[[str], None]
) -> None:
    missing, well = ear.namespaces
    delete(cluster, missing)
    ear.start()
    with alone(ear, well).listening():
        others_are_served(ear, well, "missing at the start", figure, after=LONG)
        is_named(ear, missing, well)
        create(cluster, missing)
        is_served_again(ear, figure)


def inside(namespace: str) -> str:
    return f"/namespaces/{namespace}/customevents"


def delete(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("delete", "namespace", namespace, "--timeout=60s")


def create(cluster: Cluster, namespace: str) -> None:
    """As whoever installs the chart does it: with the rights."""
    cluster.kubectl("create", "namespace", namespace)
    rights_in(cluster, namespace)


def alone(ear: Ear, namespace: str) -> Ear:
    """The same operator, listened to in one namespace."""
    return replace(ear, namespaces=(namespace,))


def others_are_served(
    ear: Ear, well: str, what: str, figure: Callable[[str], None], *, after: float = 0.0
) -> None:
    """What happens in the other namespace is told at once, now and after a while."""
    listener = alone(ear, well)
    for passed in sorted({0.0, after}):
        time.sleep(passed)
        known = listener.deliver(AT_ONCE)
        with ear.spending() as spent:
            heard = listener.hears(known, AT_ONCE)
        figure(f"never deaf, a namespace is {what} for {passed:.0f} s, another: {heard}; {spent()}")
        listener.check(known, heard, AT_ONCE)


def is_named(ear: Ear, troubled: str, well: str) -> None:
    """Readiness and the metric say which namespace is not watched, and why nobody is stopped."""

    def says() -> bool:
        status, text = probed(ear.running, "/readyz")
        return status == 200 and f"not watching in namespace {troubled}" in text

    eventually("readiness names it", says, within=70)
    figures = scrape(ear.running)
    assert figures("watching", namespace=troubled) == 0
    assert figures("watching", namespace=well) == 1


def is_served_again(ear: Ear, figure: Callable[[str], None]) -> None:
    """What happens in either is told within a minute."""
    begun = time.monotonic()
    known = ear.deliver()
    first = time.monotonic() - begun
    heard: Heard = ear.hears(known)
    figure(f"never deaf, the namespace is there again: first {first:.1f} s, then {heard}")
    ear.check(known, heard)
    assert probed(ear.running, "/readyz") == (200, "ok\n")
