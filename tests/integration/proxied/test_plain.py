"""In front of a server that speaks plain HTTP; what it is asked can be kept whole."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from customevents import sandbox
from promises import crowd
from proxy import Hold, PlainProxy, Rule

BODY = json.dumps({"eventType": "release", "summary": "checkout 1.4.2 is live"}).encode()


def post(url: str) -> int:
    headers = {"x-api-key": "test-key", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/mgmt/v1/events", BODY, headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return int(answer.status)


def test_a_request_is_held_until_it_is_released_and_kept_as_it_came() -> None:
    with (
        sandbox.running() as timeline,
        PlainProxy(timeline.url, keep="/events$") as proxy,
        ThreadPoolExecutor(1) as threads,
    ):
        held = proxy.add(Rule("POST", "/events$", Hold(), body="checkout"))
        answer = threads.submit(post, proxy.url)
        assert held.reached.wait(10)
        assert crowd.posts(timeline) == []
        held.release()
        assert answer.result(timeout=10) == 201
        (seen,) = proxy.requests
        assert seen.request
        assert seen.request.body == BODY
        assert seen.answered
        assert seen.answered > seen.at


def test_what_nobody_asked_to_keep_is_not_kept() -> None:
    with sandbox.running() as timeline, PlainProxy(timeline.url) as proxy:
        assert post(proxy.url) == 201
        assert [seen.request for seen in proxy.requests] == [None]
