"""P11: what a drain costs the API server, and how fast it is beside the documented kopf handler."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from localcluster import Cluster

import baseline
from customevents import sandbox
from customevents.clocks import now
from operator_process import eventually
from promises import crowd
from promises.conftest import FULL
from promises.cores import apart
from promises.crowd import Api, Call
from promises.fleet import Fleet

EVENTS = 3000 if FULL else 600

#: The aim is 2.
AT_LEAST = 1.5

#: Writes an event, by the attempts under way at once; 64 is what it is without a rate limit.
WRITES = {"16": 1.2, "64": 1.1}


@pytest.mark.parametrize("in_flight", WRITES)
def test_a_drain_takes_one_write_an_event_and_its_share_of_the_journal_and_no_reads(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    figure: Callable[[str], None],
    in_flight: str,
) -> None:
    crowd.create(administrator, [namespace], EVENTS)
    before = crowd.calls(administrator)
    operators.start(delivery_in_flight=in_flight)
    crowd.until_terminal(administrator, namespace, within=120)
    patches = Call("PATCH", "customevents", "status")
    eventually(
        "all are counted",
        lambda: (crowd.calls(administrator) - before)[patches] >= EVENTS or None,
    )
    made = crowd.calls(administrator) - before
    swaps = made[Call("PUT", "leases")]
    reads = made[Call("GET", "customevents")]
    figure(
        f"P11 drain of {EVENTS}, {in_flight} in flight: {made[patches] / EVENTS:.2f} status writes "
        f"and {swaps / EVENTS:.2f} of the journal an event, {reads} reads"
    )
    assert (made[patches] + swaps) / EVENTS <= WRITES[in_flight]
    assert reads == 0


@pytest.mark.full  # a short drain says more about the start of kopf, which both share
def test_a_drain_is_faster_than_that_of_the_documented_kopf_handler(
    cluster: Cluster,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    key_file: Path,
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    with apart(cluster):
        crowd.create(administrator, [namespace], EVENTS, prefix="ours")
        operators.start()
        crowd.until_terminal(administrator, namespace, within=120)
        ours = _rate(timeline, namespace, "ours")
        assert operators.stop() == [0]
        crowd.delete_all(administrator, namespace)  # it would take these for new ones as well

        crowd.create(administrator, [namespace], EVENTS, prefix="theirs")
        with baseline.naive(cluster, key_file, timeline.url, tmp_path):
            crowd.until_terminal(administrator, namespace, within=180)
        theirs = _rate(timeline, namespace, "theirs")
    figure(
        f"P11 drain of {EVENTS}, each on a core of its own: {ours:.0f}/s; the documented kopf "
        f"handler {theirs:.0f}/s; {ours / theirs:.2f} times as fast"
    )
    assert ours / theirs >= AT_LEAST


def _rate(timeline: sandbox.Running, namespace: str, prefix: str) -> float:
    """Events a second, from the first POST to now: all are recorded as delivered.

    POSTs alone say little: the handler sends all at once, and its records come after.
    """
    begun = min(
        datetime.fromisoformat(post.received_at)
        for post in crowd.posts(timeline, namespace=namespace)
        if post.source.startswith(f"{namespace}/{prefix}")
    )
    return EVENTS / (now() - begun).total_seconds()
