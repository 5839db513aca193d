"""P5: Retry-After holds for the whole endpoint; after a restart one event goes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from customevents import sandbox
from promises import crowd
from promises.crowd import Api, Post
from promises.fleet import Fleet, tally

EVENTS = 100

#: Seconds.
SLOW = 1.0
ASKED = 3

#: Seconds in which an answer is read, on a busy machine; what left before that is on its way, and
#: is no more than may be under way at once.
READ_WITHIN = 1.5
IN_FLIGHT = 16


def seconds(earlier: Post, later: Post) -> float:
    """Between two arrivals at the other end."""
    arrived = (datetime.fromisoformat(post.received_at) for post in (later, earlier))
    return (next(arrived) - next(arrived)).total_seconds()


def test_after_a_start_one_event_goes_first_and_the_others_wait_for_its_answer(
    administrator: Api, namespace: str, operators: Fleet, timeline: sandbox.Running
) -> None:
    timeline.call("PUT", "/sandbox/faults", {"delaySeconds": SLOW, "count": 1})
    crowd.create(administrator, [namespace], 30)
    operators.start()
    events = crowd.until_terminal(administrator, namespace, within=30)
    first, *others = crowd.posts(timeline)
    assert min(seconds(first, other) for other in others) >= SLOW
    tally(events, timeline).check(duplicates=0)


def test_a_retry_after_that_one_event_meets_stops_everybody_for_so_long(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    met_by = crowd.release(EVENTS // 3)["summary"]
    slow_down = {"status": 429, "retryAfter": ASKED, "count": 1, "match": {"summary": met_by}}
    timeline.call("PUT", "/sandbox/faults", slow_down)
    crowd.create(administrator, [namespace], EVENTS)
    operators.start()
    events = crowd.until_terminal(administrator, namespace, within=60)
    (refused,) = (post for post in crowd.posts(timeline) if post.answered == 429)
    after = [seconds(refused, post) for post in crowd.posts(timeline, after=refused.sequence)]
    late = [post for post in after if post <= ASKED]
    assert len(late) < IN_FLIGHT
    assert max(late, default=0.0) <= READ_WITHIN
    figure(
        f"P5 one event answered 429, Retry-After {ASKED}: {len(late)} POSTs were on their way, "
        f"the next came after {min(set(after) - set(late)):.2f} s; {tally(events, timeline)}"
    )
    tally(events, timeline).check(duplicates=0)
