"""P8: a rollout, a drained node, a scaled-down Deployment: nothing is lost, nothing doubled."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest
from localcluster import Cluster

from customevents import sandbox
from operator_process import RunningOperator, eventually
from promises import crowd
from promises.conftest import FULL
from promises.crowd import Api
from promises.fleet import Fleet, tally, told

EVENTS, STOPS, ROUNDS = (2000, 6, 10) if FULL else (600, 3, 1)

#: Seconds: the attempt's timeout and 20 more.
GRACE = 50.0

#: Seconds until an answer, so that each stop finds POSTs without one.
SLOW = 0.05


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_sigterm_in_mid_drain_loses_nothing_and_doubles_nothing(
    seed: int,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    moments = random.Random(seed)
    timeline.call("PUT", "/sandbox/faults", {"delaySeconds": SLOW})
    crowd.create(administrator, [namespace], EVENTS)
    operators.start()
    operators.start()
    longest = 0.0
    for stop in range(STOPS):
        share = EVENTS * (stop + moments.uniform(0.2, 0.9)) / (STOPS + 1)
        eventually("the drain goes on", partial(told, timeline, share), within=60)
        begun = time.monotonic()
        assert operators.leader().terminate() == 0
        longest = max(longest, time.monotonic() - begun)
        operators.start()
    events = crowd.until_terminal(administrator, namespace, within=120)
    found = tally(events, timeline)
    figure(f"P8 SIGTERM x {STOPS}: {found}; longest stop {longest:.1f} s")
    found.check(duplicates=0)
    assert longest <= GRACE
    assert operators.stop() == [0, 0]


@pytest.mark.parametrize("asked", [signal.SIGHUP, signal.SIGINT])
def test_a_terminal_that_hangs_up_is_a_request_to_stop_like_any_other(
    asked: signal.Signals,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
) -> None:
    timeline.call("PUT", "/sandbox/faults", {"delaySeconds": SLOW})
    crowd.create(administrator, [namespace], 100)
    leader = operators.start()
    eventually("the drain goes on", lambda: told(timeline, 20))
    leader.process.send_signal(asked)
    assert leader.process.wait(timeout=GRACE) == 0
    operators.start()
    tally(crowd.until_terminal(administrator, namespace, within=60), timeline).check(duplicates=0)
    assert operators.stop() == [0]


def test_sigterm_of_a_standby_and_of_a_leader_that_holds_back_is_obeyed_at_once(
    cluster: Cluster, operators: Fleet
) -> None:
    leader, standby = operators.start(), operators.start()
    assert standby.terminate() == 0
    assert leader.terminate() == 0

    _write_list(cluster, "garbage")
    for _ in ("the one that met it", "the next, to which it hands on that it has not waited"):
        holding_back = operators.start()
        eventually("it holds back", partial(_holds_back, holding_back))
        begun = time.monotonic()
        assert holding_back.terminate() == 0
        assert time.monotonic() - begun < 20.0
    _write_list(cluster, '{"format":1,"entries":[]}')  # or the next test's leader waited, too


def _holds_back(operator: RunningOperator) -> bool:
    return "nothing is sent for 33 s" in operator.log


def _write_list(cluster: Cluster, listed: str) -> None:
    patch = json.dumps({"metadata": {"annotations": {"customevents.dev/in-flight": listed}}})
    cluster.kubectl("-n", "customevents", "patch", "lease", "customevents", "-p", patch)
