"""P1, P3: an event can be deleted in any state; that returns at once and leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from integration.conftest import Events
from operator_process import eventually
from promises import crowd
from promises.crowd import Post
from promises.fleet import Fleet

#: What meets each event at the other end.
FAULTS: dict[str, dict[str, Any]] = {
    "held": {"drop": "afterReading"},
    "retrying": {"status": 429},
    "in-flight": {"hang": True},
    "again": {"hang": True, "count": 1},
}

#: The two slots are taken by what hangs, so that another event stays Pending.
SLOTS = 2

#: Seconds until what hangs is given up.
POST_TIMEOUT = 12

#: Seconds for `kubectl delete`, which waits until the object is gone.
AT_ONCE = 6.0


def spec(name: str) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        "held": {"onUnknownOutcome": "Hold"},
        "suspended": {"suspend": True},
    }
    return {"eventType": "release", "summary": name, **more.get(name, {})}


def posts_of(events: Events, name: str) -> list[Post]:
    return crowd.posts_of(events.timeline, events.namespace, name)


def one_in_each_state(events: Events) -> list[str]:
    """Make an event of every state, two of them in flight; their names."""
    faults = [{**fault, "match": {"summary": name}} for name, fault in FAULTS.items()]
    events.timeline.call("PUT", "/sandbox/faults", faults)
    reached = {
        "delivered": "Delivered",
        "held": "Held",
        "suspended": "Suspended",
        "retrying": "Retrying",
    }
    for name, state in reached.items():
        events.apply(name, spec(name))
        events.until(name, state)
    for name in ("in-flight", "again"):
        events.apply(name, spec(name))
        eventually(f"{name} is sent", partial(posts_of, events, name))
    events.apply("pending", spec("pending"))
    return [*reached, "in-flight", "again", "pending"]


def test_deleting_returns_at_once_in_every_state_and_the_same_name_is_an_event_of_its_own(
    events: Events, operators: Fleet, figure: Callable[[str], None]
) -> None:
    operators.start(delivery_in_flight=str(SLOTS), delivery_post_timeout=str(POST_TIMEOUT))
    names = one_in_each_state(events)
    first = events.get("again")["metadata"]["uid"]
    assert events.get("pending")["status"]["delivery"]["state"] == "Pending"

    took = {}
    for name in reversed(names):  # first what is under way, while it is
        begun = time.monotonic()
        events.kubectl("delete", "cev", name)
        took[name] = time.monotonic() - begun
    events.apply("again", spec("again"))
    (under_way,) = posts_of(events, "again")
    assert under_way.answered == "waiting", "the attempt ended before its event was deleted"

    new = events.until("again", "Delivered")
    operators.until_none_is_in_flight(events.namespace)
    slowest = max(took, key=lambda name: took[name])
    figure(
        f"P1 deleted in each of {len(names)} states: `kubectl delete` took {took[slowest]:.1f} s "
        f"at most ({slowest}); nothing left in the journal"
    )
    assert new["metadata"]["uid"] != first
    assert [post.answered for post in posts_of(events, "again")] == ["abandoned", 201]
    assert len({post.delivery_id for post in posts_of(events, "again")}) == 2
    assert new["status"]["delivery"].get("unknownOutcomes", 0) == 0
    counted = {name: len(posts_of(events, name)) for name in names}
    assert (counted["in-flight"], counted["pending"], counted["suspended"]) == (1, 0, 0)
    assert took[slowest] <= AT_ONCE
