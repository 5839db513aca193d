"""P1, P3: each content is told once, a rollback too; what is no content is never told again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from customevents import sandbox
from integration.conftest import Events
from promises import crowd
from promises.fleet import Fleet

A = {"eventType": "release", "summary": "checkout 1.4.1 is live"}
B = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: Changes of a finished event that change nothing of what was told.
NO_CONTENT: dict[str, dict[str, Any]] = {
    "a label": {"metadata": {"labels": {"team": "shop"}}},
    "another annotation": {"metadata": {"annotations": {"example.com/note": "seen"}}},
    "the TTL": {"spec": {"ttlSecondsAfterFinished": 4000}},
    "suspend": {"spec": {"suspend": True}},
    "the policy": {"spec": {"onUnknownOutcome": "Hold"}},
    "suspend, back again": {"spec": {"suspend": False}},
}

#: Seconds in which `kubectl wait` returns; most of it is kubectl's own start.
AT_ONCE = 20


def test_a_rollback_is_told_and_an_edit_that_is_no_content_is_not(
    events: Events, operators: Fleet, timeline: sandbox.Running, figure: Callable[[str], None]
) -> None:
    operators.start()
    for generation, content in enumerate((A, B, A), start=1):
        events.apply("checkout", content)
        events.until("checkout", "Delivered", generation=generation)
    posts = crowd.posts(timeline, namespace=events.namespace)
    assert [post.body["summary"] for post in posts] == [content["summary"] for content in (A, B, A)]
    assert len({post.delivery_id for post in posts}) == 3
    told = events.get("checkout")["status"]["delivery"]
    assert (told["sequence"], told.get("unknownOutcomes", 0)) == (3, 0)

    waits = [wait_after(events, json.dumps(change)) for change in NO_CONTENT.values()]
    # What the watch shows later than this change was seen later.
    events.apply("marker", B)
    events.until("marker", "Delivered")
    assert events.get("checkout")["status"]["delivery"] == told
    sent = crowd.posts(timeline, namespace=events.namespace)
    figure(
        f"P1 content A, B, A: {len(posts)} POSTs, {len({p.delivery_id for p in posts})} ids; "
        f"{len(NO_CONTENT)} edits that are no content: {len(sent) - len(posts) - 1} POSTs, "
        f"kubectl wait returns within {max(waits):.1f} s"
    )
    assert len(sent) == len(posts) + 1


def wait_after(events: Events, change: str) -> float:
    """Seconds that `kubectl wait` takes after a change; it fails after AT_ONCE."""
    events.kubectl("patch", "cev", "checkout", "--type=merge", "-p", change)
    begun = time.monotonic()
    events.kubectl("wait", "--for=condition=Delivered", "cev/checkout", f"--timeout={AT_ONCE}s")
    return time.monotonic() - begun
