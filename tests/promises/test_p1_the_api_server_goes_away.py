"""P1: the API server is killed in mid-drain and comes back; so does the Lease that was deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial

from localcluster import Cluster

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.crowd import Api
from promises.fleet import LEASE, Fleet, tally, told

EVENTS = 600
#: Seconds.
AWAY = 20.0


def test_an_api_server_that_is_away_for_20_s_costs_nothing_and_no_post_is_repeated(
    cluster: Cluster,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    crowd.create(administrator, [namespace], EVENTS)
    operators.start()
    operators.start()
    eventually("the drain goes on", partial(told, timeline, EVENTS / 4))
    leader = operators.leader()
    cluster.kill("kube-apiserver")
    time.sleep(AWAY)
    while_away = len(crowd.posts(timeline))
    cluster.restart("kube-apiserver")
    events = crowd.until_terminal(administrator, namespace, within=120)
    found = tally(events, timeline)
    figure(f"P1 API server away for {AWAY:.0f} s: {found}; {while_away} POSTs before it was back")
    found.check(duplicates=0)
    assert operators.leader() is leader


def test_a_journal_that_is_spoilt_under_a_living_leader_is_stated_anew(
    cluster: Cluster,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
) -> None:
    crowd.create(administrator, [namespace], EVENTS)
    operators.start()
    for share, text in ((0.2, "garbage"), (0.5, "")):
        eventually("the drain goes on", partial(told, timeline, EVENTS * share))
        spoilt = json.dumps({"metadata": {"annotations": {"customevents.dev/in-flight": text}}})
        cluster.kubectl("-n", "customevents", "patch", "lease", "customevents", "-p", spoilt)
    events = crowd.until_terminal(administrator, namespace, within=60)
    tally(events, timeline).check(duplicates=0)
    operators.until_none_is_in_flight(namespace)


def test_a_lease_that_is_deleted_under_a_living_leader_is_waited_for_and_made_anew(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
) -> None:
    crowd.create(administrator, [namespace], EVENTS)
    running = operators.start(delivery_post_timeout="2")
    eventually("the drain goes on", partial(told, timeline, EVENTS / 4))
    administrator.call("DELETE", LEASE)
    events = crowd.until_terminal(administrator, namespace, within=60)
    tally(events, timeline).check(duplicates=0)
    running.says("the Lease was deleted: nothing is sent for 5 s")
    assert operators.holder().startswith("replica-1_")
