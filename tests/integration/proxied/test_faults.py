"""The proxy does to a request what it is told to, in front of a real API server."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead

import pytest

from integration.conftest import Events
from integration.proxied.conftest import FAILED, Client, is_written
from operator_process import eventually
from proxy import (
    Action,
    Answer,
    ApiProxy,
    CutAfter,
    CutBefore,
    CutWithin,
    Delay,
    HangAfter,
    HangBefore,
    Hold,
    RawAnswer,
    Rule,
    ShiftDate,
)

STATUS = r"/status$"


def test_delay_forwards_it_later(proxy: ApiProxy, client: Client) -> None:
    proxy.add(Rule("GET", "/a$", Delay(0.3)))
    begin = time.monotonic()
    assert client.call("GET", "/a")[0] == 200
    assert time.monotonic() - begin >= 0.3


def test_cut_before_means_that_it_was_never_sent(
    proxy: ApiProxy, client: Client, events: Events
) -> None:
    cut = proxy.add(Rule("PATCH", STATUS, CutBefore()))
    client.send("PATCH", "/a/status", FAILED)
    assert client.is_reset()
    assert cut.hits == 1
    assert not is_written(events)
    assert proxy.requests[-1].status is None


def test_cut_after_means_that_it_was_done_and_nobody_told(
    proxy: ApiProxy, client: Client, events: Events
) -> None:
    proxy.add(Rule("PATCH", STATUS, CutAfter()))
    client.send("PATCH", "/a/status", FAILED)
    assert client.is_reset()
    assert is_written(events)
    assert proxy.requests[-1].status == 200


def test_cut_after_ends_a_watch_that_has_begun(proxy: ApiProxy, client: Client) -> None:
    proxy.add(Rule("GET", r"watch=1", CutAfter()))
    client.send("GET", "?watch=1")
    assert client.is_reset()


@pytest.mark.parametrize("done", [False, True])
def test_an_answer_is_a_status_object_whether_or_not_the_request_was_done(
    proxy: ApiProxy, client: Client, events: Events, done: bool
) -> None:
    proxy.add(Rule("PATCH", STATUS, Answer(429, retry_after=7, message="slow down", after=done)))
    client.send("PATCH", "/a/status", FAILED)
    with closing(client.connection.getresponse()) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert json.loads(answer.read()) == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "slow down",
            "reason": "TooManyRequests",
            "code": 429,
            "details": {"retryAfterSeconds": 7},
        }
    assert is_written(events) == done
    assert client.call("GET", "/a")[0] == 200


@pytest.mark.parametrize("done", [False, True])
def test_a_raw_answer_is_nothing_of_an_api_servers(
    proxy: ApiProxy, client: Client, events: Events, done: bool
) -> None:
    page = RawAnswer(404, "text/html", "<h1>Not found</h1>", (("Server", "nginx"),), after=done)
    proxy.add(Rule("PATCH", STATUS, page))
    client.send("PATCH", "/a/status", FAILED)
    with closing(client.connection.getresponse()) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html")
        assert answer.headers["Server"] == "nginx"
        assert answer.read() == b"<h1>Not found</h1>"
    assert is_written(events) == done
    assert client.call("GET", "/a")[0] == 200


def test_cut_within_ends_an_answer_that_has_begun(proxy: ApiProxy, client: Client) -> None:
    proxy.add(Rule("GET", "/a$", CutWithin(20)))
    client.send("GET", "/a")
    answer = client.connection.getresponse()
    with closing(answer), pytest.raises(IncompleteRead, match="20 bytes read"):
        answer.read()
    assert answer.status == 200


def test_cut_within_ends_a_watch_in_the_midst_of_an_event(proxy: ApiProxy, client: Client) -> None:
    proxy.add(Rule("GET", "watch=1", CutWithin(20)))
    client.send("GET", "?watch=1")
    # The cut may come within a chunk's own line, too.
    with closing(client.connection.getresponse()) as answer, suppress(IncompleteRead):
        assert not answer.readline().endswith(b"\n")


def test_the_date_of_an_answer_can_be_shifted(proxy: ApiProxy, client: Client) -> None:
    dates = []
    for shift in (0, 3600):
        proxy.add(Rule("GET", "/a$", ShiftDate(shift)))
        client.send("GET", "/a")
        with closing(client.connection.getresponse()) as answer:
            answer.read()
            dates.append(parsedate_to_datetime(answer.headers["Date"]))
    assert 3600 <= (dates[1] - dates[0]).total_seconds() <= 3610


@pytest.mark.parametrize(("action", "done"), [(HangBefore(), False), (HangAfter(), True)])
def test_what_hangs_is_never_answered(
    proxy: ApiProxy, client: Client, events: Events, action: Action, done: bool
) -> None:
    hanging = proxy.add(Rule("PATCH", STATUS, action))
    impatient = Client(proxy.kubeconfig, events.namespace)
    with closing(impatient.connection):
        impatient.send("PATCH", "/a/status", FAILED)
        assert hanging.reached.wait(10)
        impatient.connection.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            impatient.connection.getresponse()
    assert is_written(events) == done
    assert client.deliver()[0] == 200


@pytest.mark.parametrize("after", [False, True])
def test_what_is_held_goes_on_when_it_is_released(
    proxy: ApiProxy,
    client: Client,
    events: Events,
    background: ThreadPoolExecutor,
    after: bool,
) -> None:
    held = proxy.add(Rule("PATCH", STATUS, Hold(after=after)))
    answer = background.submit(client.deliver)
    assert held.reached.wait(10)
    assert is_written(events) == after
    assert not answer.done()

    held.release()
    assert answer.result(10)[0] == 200
    assert is_written(events)


def test_what_is_held_on_its_way_arrives_although_its_client_died(
    proxy: ApiProxy, client: Client, events: Events
) -> None:
    held = proxy.add(Rule("PATCH", STATUS, Hold()))
    client.send("PATCH", "/a/status", FAILED)
    assert held.reached.wait(10)
    client.connection.close()
    with pytest.raises(AssertionError, match="not within"):
        eventually("it is written", lambda: is_written(events) or None, within=0.3)

    held.release()
    eventually("it is written", lambda: is_written(events) or None)
    eventually("its answer is seen", lambda: proxy.requests[-1].status)


def test_a_rule_is_for_the_requests_that_it_counts(proxy: ApiProxy, client: Client) -> None:
    rule = proxy.add(Rule("GET", "/a$", Answer(500), nth=2, count=2))
    other = proxy.add(Rule(None, "/none$", Answer(503), count=None))
    statuses = [client.call("GET", path)[0] for path in ("/a", "/none", "/a", "/a", "/a", "/none")]
    assert statuses == [200, 503, 500, 500, 200, 503]
    assert (rule.hits, other.hits) == (2, 2)


def test_a_rule_can_look_at_the_body(proxy: ApiProxy, client: Client) -> None:
    proxy.add(Rule("PATCH", STATUS, Answer(409), body=r'"state": "Failed"'))
    other = {"status": {"delivery": {"state": "Held"}}}
    assert client.call("PATCH", "/a/status", other)[0] == 200
    assert client.deliver()[0] == 409


def test_of_two_rules_for_one_request_the_first_acts_and_both_count(
    proxy: ApiProxy, client: Client
) -> None:
    first = proxy.add(Rule("GET", "/a$", Answer(500)))
    second = proxy.add(Rule("GET", "/a$", Answer(503), nth=2))
    assert [client.call("GET", "/a")[0] for _ in range(3)] == [500, 503, 200]
    assert (first.hits, second.hits) == (1, 1)


def test_a_rule_ends_when_it_is_removed_and_all_do_when_cleared(
    proxy: ApiProxy, client: Client
) -> None:
    first = proxy.add(Rule("GET", "/a$", Answer(500), count=None))
    proxy.add(Rule("GET", "/a$", Answer(503), count=None))
    assert client.call("GET", "/a")[0] == 500
    first.remove()
    assert client.call("GET", "/a")[0] == 503
    proxy.clear()
    assert client.call("GET", "/a")[0] == 200
