"""P6: trouble with the key pauses the events behind it, and is over when the key is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.conftest import FULL
from promises.crowd import Api
from promises.fleet import Fleet, tally

EVENTS = 500
#: Seconds that the key is refused.
REFUSED = 60 if FULL else 10

#: Seconds from the rotation to the last delivery; who is not called looks again after 60.
CALLED = 30


def test_a_refused_key_pauses_all_and_a_new_key_releases_all(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    key = tmp_path / "rotated"
    key.write_text("refused-test-key")
    crowd.create(administrator, [namespace], EVENTS)
    begun = time.monotonic()
    operators.start(api_key_file=str(key))
    eventually("events say why they wait", lambda: _paused(administrator, namespace) >= 50)
    time.sleep(max(0.0, REFUSED - (time.monotonic() - begun)))
    refused = len(crowd.posts(timeline))
    probes = timeline.call("GET", "/sandbox/requests?target=validate")["requests"]
    told = _paused(administrator, namespace)

    key.write_text("test-key")
    begun = time.monotonic()
    events = crowd.until_terminal(administrator, namespace, within=CALLED)
    seconds = time.monotonic() - begun
    assert crowd.states(events) == {"Delivered": EVENTS}
    figure(
        f"P6 key refused for {REFUSED} s, {EVENTS} events wait: {refused} POSTs, {len(probes)} "
        f"probes, {told} events say so; {seconds:.0f} s after the rotation: "
        f"{tally(events, timeline)}"
    )
    # One event goes first; what was under way beside it may meet the same answer.
    assert refused <= 2
    assert len(probes) <= 2 + REFUSED // 60
    assert told <= 100 + refused


def _paused(api: Api, namespace: str) -> int:
    events = crowd.listed(api, namespace)
    reasons = [event["status"]["conditions"][0]["reason"] for event in events]
    return reasons.count("EndpointPaused")
