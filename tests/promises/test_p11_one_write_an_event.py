"""P11: what a drain costs the API server."""

from __future__ import annotations

import time
from collections.abc import Callable

from operating import eventually
from promises import driving
from promises.conftest import FULL
from promises.driving import Api, Call
from promises.fleet import Fleet

EVENTS = 3000 if FULL else 600


def test_a_drain_takes_one_write_an_event_and_its_share_of_the_journal_and_no_reads(
    administrator: Api, namespace: str, operators: Fleet, figure: Callable[[str], None]
) -> None:
    driving.create(administrator, [namespace], EVENTS)
    before = driving.calls(administrator)
    begun = time.monotonic()
    operators.start()
    driving.until_terminal(administrator, namespace, within=120)
    seconds = time.monotonic() - begun
    patches = Call("PATCH", "customevents", "status")
    eventually(
        "all are counted",
        lambda: (driving.calls(administrator) - before)[patches] >= EVENTS or None,
    )
    made = driving.calls(administrator) - before
    swaps = made[Call("PUT", "leases")]
    reads = made[Call("GET", "customevents")]
    figure(
        f"P11 drain of {EVENTS}: {made[patches] / EVENTS:.2f} status writes and "
        f"{swaps / EVENTS:.2f} of the journal an event, {reads} reads; {EVENTS / seconds:.0f}/s "
        "with the start"
    )
    assert (made[patches] + swaps) / EVENTS <= 1.2
    assert reads == 0
