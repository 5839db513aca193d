"""P1: how long an event waits when its leader is gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.crowd import Api
from promises.fleet import Fleet, told

#: Seconds; the aim is 2 for what is done at once.
LEASE, AT_ONCE = 15, 6.0


def wait_for_a_post(timeline: sandbox.Running, namespace: str, api: Api) -> float:
    """Seconds from now until the next leader's first POST."""
    begun = time.monotonic()
    before = len(crowd.posts(timeline))
    crowd.create(api, [namespace], 1, prefix=f"late-{before}")
    eventually("the next leader sends", partial(told, timeline, before + 1), within=60)
    return time.monotonic() - begun


def test_after_sigterm_the_standby_sends_at_once_and_after_sigkill_when_the_lease_is_over(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    for _ in range(3):
        operators.start(lease_duration=str(LEASE))
    assert operators.leader().terminate() == 0
    graceful = wait_for_a_post(timeline, namespace, administrator)
    operators.leader().kill()
    sudden = wait_for_a_post(timeline, namespace, administrator)
    figure(f"P1 take-over, Lease of {LEASE} s: SIGTERM {graceful:.1f} s, SIGKILL {sudden:.1f} s")
    assert graceful <= AT_ONCE
    assert sudden <= LEASE + AT_ONCE
