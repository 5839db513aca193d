"""What was deleted while the watch was away is told no more, though no watch shows the deletion."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from localcluster import Cluster

from customevents import sandbox
from operator_process import PATIENCE, RunningOperator, eventually, scrape
from promises import crowd
from promises.crowd import Api
from promises.fleet import Fleet
from proxy import ApiProxy, CutBefore, EndAtOnce, InsertEvent, Rule
from proxy.answers import GONE

EVENTS = 200
WATCH = "/customevents.*watch=true"

#: Seconds for which the endpoint asks to be left alone.
PAUSE = 8


@pytest.fixture
def waiting(
    operators: Fleet,
    proxy: ApiProxy,
    administrator: Api,
    namespace: str,
    timeline: sandbox.Running,
) -> RunningOperator:
    """An operator that knows many events, none of which it may send yet."""
    pause = {"status": 503, "retryAfter": PAUSE, "count": 1}
    timeline.call("PUT", "/sandbox/faults", pause)
    running = operators.start(proxy.kubeconfig, delivery_in_flight="1")
    crowd.create(administrator, [namespace], EVENTS)

    def known() -> bool:
        figures = scrape(running).samples.items()
        return sum(v for (name, _), v in figures if name == "customevents_inbox_events") >= EVENTS

    eventually("it knows them all", known)
    return running


def test_none_is_told_that_was_deleted_before_the_watch_lost_its_place(
    waiting: RunningOperator,
    proxy: ApiProxy,
    administrator: Api,
    namespace: str,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    away = proxy.add(Rule("GET", WATCH, CutBefore(), count=None))
    proxy.add(Rule("GET", WATCH, EndAtOnce()))
    assert away.reached.wait(PATIENCE)
    crowd.delete_all(administrator, namespace)
    lost = proxy.add(Rule("GET", WATCH, InsertEvent(GONE, then_end=True)))
    away.remove()
    assert lost.reached.wait(PATIENCE)
    told = told_of_the_deleted(administrator, namespace, timeline)
    figure(f"deleted while the watch was away, {EVENTS} events: {told} POSTs")
    assert told == 0
    assert waiting.process.poll() is None


@pytest.mark.full
def test_none_is_told_that_was_deleted_before_the_api_server_was_started_anew(
    waiting: RunningOperator,
    cluster: Cluster,
    proxy: ApiProxy,
    administrator: Api,
    namespace: str,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    proxy.down()
    crowd.delete_all(administrator, namespace)
    cluster.kill("kube-apiserver")
    time.sleep(PAUSE)  # until it may send again, and kopf tries seldom
    cluster.restart("kube-apiserver")
    proxy.up()
    told = told_of_the_deleted(administrator, namespace, timeline)
    figure(f"deleted before a restart of the API server, {EVENTS} events: {told} POSTs")
    assert told == 0
    assert waiting.process.poll() is None


def told_of_the_deleted(api: Api, namespace: str, timeline: sandbox.Running) -> int:
    """How many of them were accepted, once one that was created later is told."""
    crowd.create_one(api, namespace, "marker", "created last")
    crowd.until_terminal(api, namespace, within=PAUSE + 60)
    accepted = [post for post in crowd.posts(timeline, namespace=namespace) if post.accepted]
    return len({post.source for post in accepted} - {f"{namespace}/marker"})
