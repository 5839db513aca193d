"""P9: one namespace cannot delay or block another by more than its share."""

from __future__ import annotations

import time
from collections.abc import Callable

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.conftest import FULL
from promises.crowd import Api
from promises.fleet import Fleet

CROWD = 3000 if FULL else 600
RATE = 50

#: Seconds; the aim is 0.5, and the crowd takes ten.
AT_MOST = 3.0


def test_one_event_behind_another_namespaces_crowd_is_delivered_long_before_it(
    administrator: Api,
    namespace: str,
    other: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    crowd.create(administrator, [namespace], CROWD)
    operators.start(delivery_rate=str(RATE))
    eventually("the crowd is served", lambda: len(crowd.posts(timeline)) >= 2 * RATE)
    begun = time.monotonic()
    crowd.create(administrator, [other], 1)
    crowd.until_terminal(administrator, other, within=60)
    seconds = time.monotonic() - begun
    served = len(crowd.posts(timeline))
    figure(f"P9 one event behind {CROWD - served} of another namespace: {seconds:.2f} s")
    assert served < CROWD, "the crowd was gone before it could be in the way"
    assert seconds <= AT_MOST
