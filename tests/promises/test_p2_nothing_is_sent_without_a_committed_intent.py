"""P2: what the Lease says while a POST is under way, and who may send at all."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.crowd import Api
from promises.fleet import Fleet, tally, told

EVENTS = 600

#: Attempts that one leader may have under way.
IN_FLIGHT_AT_ONCE = 16


def test_at_the_moment_of_a_post_the_lease_lists_its_attempt(
    administrator: Api, namespace: str, operators: Fleet, timeline: sandbox.Running
) -> None:
    operators.start()
    crowd.create(administrator, [namespace], 1, prefix="first")
    # A new leader tries one event first; the next five go side by side.
    crowd.until_terminal(administrator, namespace, within=60)
    timeline.call("PUT", "/sandbox/faults", {"delaySeconds": 2.0})
    crowd.create(administrator, [namespace], 5)
    eventually("five are under way", partial(told, timeline, 6))
    under_way = {post.delivery_id for post in crowd.posts(timeline) if post.answered == "waiting"}
    assert len(under_way) == 5
    assert under_way <= set(operators.in_flight(namespace))
    timeline.call("DELETE", "/sandbox/faults")
    crowd.until_terminal(administrator, namespace, within=60)


def test_a_leader_that_was_stopped_and_resumed_sends_nothing_on_a_new_commit_and_exits(
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
    stopped = operators.leader()
    stopped.process.send_signal(signal.SIGSTOP)
    next_one = operators.leader(but=stopped)
    eventually("the next one drains", partial(told, timeline, EVENTS / 2), within=60)
    # Past the 30 s after which what the stopped one left in flight is tried again.
    crowd.until_terminal(administrator, namespace, within=120)
    before = len(crowd.posts(timeline))
    stopped.process.send_signal(signal.SIGCONT)
    assert stopped.process.wait(timeout=60) == 1
    # What had passed the last check before it was stopped may still leave: its intents are
    # committed, and the next leader has found them in the journal and counted them.
    late = len(crowd.posts(timeline)) - before
    assert late <= IN_FLIGHT_AT_ONCE
    assert "holds the Lease now" in stopped.log
    assert operators.leader() is next_one
    found = tally(crowd.listed(administrator, namespace), timeline)
    figure(f"P2 leader stopped by SIGSTOP, then resumed: {late} POSTs after that; {found}")
    found.check(duplicates=2 * IN_FLIGHT_AT_ONCE)
