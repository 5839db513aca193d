"""P1, P3, P9: a status that cannot be written costs no second POST, and only its own namespace."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.crowd import Api
from promises.fleet import Fleet, tally
from proxy import Action, Answer, ApiProxy, CutAfter, Rule

EVENTS = 100
STATUS = r"/customevents/[^/]+/status"


@pytest.mark.parametrize(
    "action",
    [
        Answer(409, message="the object has been modified"),
        Answer(429, retry_after=1),
        Answer(500),
        Answer(500, after=True),
        CutAfter(),
    ],
    ids=["409", "429", "500", "500 after the write", "answers lost"],
)
def test_status_writes_that_fail_for_a_while_repeat_no_post(
    action: Action,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    proxy: ApiProxy,
    timeline: sandbox.Running,
) -> None:
    crowd.create(administrator, [namespace], EVENTS)
    failing = proxy.add(Rule("PATCH", STATUS, action, nth=10, count=30))
    operators.start(kubeconfig=proxy.kubeconfig)
    events = crowd.until_terminal(administrator, namespace, within=120)
    assert failing.hits == 30
    tally(events, timeline).check(duplicates=0)


def test_a_namespace_whose_status_is_refused_waits_and_the_others_go_on(
    administrator: Api,
    namespace: str,
    other: str,
    operators: Fleet,
    proxy: ApiProxy,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    refused = proxy.add(Rule("PATCH", rf"/namespaces/{namespace}{STATUS}", Answer(403), count=None))
    crowd.create(administrator, [namespace], EVENTS)
    operators.start(kubeconfig=proxy.kubeconfig)
    assert refused.reached.wait(30)
    begun = time.monotonic()
    crowd.create(administrator, [other], EVENTS)
    crowd.until_terminal(administrator, other, within=90)
    seconds = time.monotonic() - begun
    sent = len(crowd.posts(timeline, namespace=namespace))
    eventually("the status is tried again", lambda: refused.hits > sent)
    assert len(crowd.posts(timeline, namespace=namespace)) == sent

    refused.remove()
    events = crowd.until_terminal(administrator, namespace, within=90)
    found = tally(events, timeline)
    figure(
        f"P9 status refused in one namespace: {sent} POSTs there, the other's {EVENTS} delivered "
        f"in {seconds:.0f} s; after that {found}"
    )
    assert sent <= 16
    found.check(duplicates=0)
