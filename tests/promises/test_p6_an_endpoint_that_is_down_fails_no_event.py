"""P5, P6: an endpoint that is down is left alone, its events wait, and return no faster than told.

First nobody listens there; in the full form then something in front of it answers 502.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.conftest import FULL
from promises.crowd import Api, Post
from promises.fleet import Fleet, tally

EVENTS = 1000 if FULL else 150

#: Seconds without anybody on the port, and with 502 for all.
REFUSING, BAD_GATEWAY = (60, 60) if FULL else (20, 0)

#: Failures in a row that open the breaker, and seconds for which it stays open.
FAILURES, OPEN = 5, 30

#: Attempts a second and at once; and those under way, which may arrive a little later, together.
RATE, BURST, IN_FLIGHT = 50, 5, 4

#: Seconds by which two clocks' readings of one moment differ on a busy machine.
SLACK = 0.25


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """A port on which nobody listens, until it is closed."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def test_an_endpoint_that_is_down_is_tried_every_30_s_and_then_within_the_rate(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    port: socket.socket,
    figure: Callable[[str], None],
) -> None:
    number = port.getsockname()[1]
    crowd.create(administrator, [namespace], EVENTS)
    begun = time.monotonic()
    operators.start(
        endpoint=f"http://127.0.0.1:{number}",
        delivery_rate=str(RATE),
        delivery_burst=str(BURST),
        delivery_in_flight=str(IN_FLIGHT),
    )
    eventually("events say why they wait", lambda: len(waiting(administrator, namespace)) >= 50)
    opened = last_attempt(crowd.listed(administrator, namespace))
    time.sleep(max(0.0, REFUSING - (time.monotonic() - begun)))
    refused = crowd.listed(administrator, namespace)
    told = waiting(administrator, namespace)
    port.close()
    with sandbox.running(port=number) as timeline:
        timeline.call("PUT", "/sandbox/faults", [{"status": 502}] if BAD_GATEWAY else [])
        time.sleep(BAD_GATEWAY)
        timeline.call("DELETE", "/sandbox/faults")
        events = crowd.until_terminal(administrator, namespace, within=60 + EVENTS / RATE)
        posts = crowd.posts(timeline)
        found = tally(events, timeline)
    trials = [post for post in posts if post.answered == 502]
    figure(
        f"P6 endpoint down for {REFUSING + BAD_GATEWAY} s, {EVENTS} events wait, {len(told)} say "
        f"so: {attempts(refused)} attempts refused, {len(trials)} answered 502; then at most "
        f"{busiest_second(posts)} POSTs a second at a limit of {RATE} and a burst of {BURST}; "
        f"{found}"
    )
    assert attempts(refused) <= FAILURES + REFUSING // OPEN
    assert arrival(posts[0]) - last_attempt(refused) >= OPEN - SLACK
    assert arrival(posts[0]) - opened >= OPEN - SLACK
    assert all(gap >= OPEN - SLACK for gap in gaps(trials))
    assert all("does not answer" in message for message in told)
    assert len(told) <= 100
    assert busiest_second(posts) <= RATE + BURST + IN_FLIGHT
    found.check(duplicates=len(trials))


def waiting(api: Api, namespace: str) -> list[str]:
    """What those events say whose status tells that the endpoint is left alone."""
    conditions = [event["status"]["conditions"][0] for event in crowd.listed(api, namespace)]
    return [one["message"] for one in conditions if one["reason"] == "EndpointPaused"]


def attempts(events: Sequence[dict[str, Any]]) -> int:
    return sum(event["status"]["delivery"].get("attempts", 0) for event in events)


def last_attempt(events: Sequence[dict[str, Any]]) -> float:
    """When any of them was last tried, in seconds since 1970."""
    records = [event["status"]["delivery"] for event in events]
    times = [record["lastAttemptTime"] for record in records if "lastAttemptTime" in record]
    return datetime.fromisoformat(max(times)).timestamp()


def arrival(post: Post) -> float:
    """When it reached the other end, in seconds since 1970."""
    return datetime.fromisoformat(post.received_at).timestamp()


def gaps(posts: Sequence[Post]) -> list[float]:
    times = [arrival(post) for post in posts]
    return [later - earlier for earlier, later in pairwise(times)]


def busiest_second(posts: Sequence[Post]) -> int:
    """The most POSTs that arrived within any second."""
    times = sorted(map(arrival, posts))
    return max(sum(begin <= time < begin + 1.0 for time in times) for begin in times)
