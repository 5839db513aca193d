"""P1, P2: while the Lease cannot be written nothing is sent, nothing spins, and nothing is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from customevents import sandbox
from operator_process import RunningOperator, scrape
from promises import crowd
from promises.crowd import Api
from promises.fleet import Fleet, tally
from proxy import Action, Answer, ApiProxy, CutBefore, RawAnswer, Rule

LEASE = r"/leases/customevents(\?|$)"

#: Seconds for which the Lease is refused, and in which its event must be delivered afterwards.
TROUBLE, SOON = 5.0, 3.0

PAGE = "<html><head><title>No</title></head><body>nothing here</body></html>"


def page(status: int) -> RawAnswer:
    """What a load balancer says."""
    return RawAnswer(status, "text/html", PAGE)


GATING = {"403": Answer(403)}
ALL = {
    **{str(status): Answer(status) for status in (400, 401, 404, 409, 422, 429, 500, 503)},
    "500, and yet written": Answer(500, after=True),
    "a page with 200": page(200),
    "a page with 404": page(404),
    "a page with 502": page(502),
    "no connection": CutBefore(),
}
REFUSALS = [
    *(pytest.param(action, id=name) for name, action in GATING.items()),
    *(pytest.param(action, id=name, marks=pytest.mark.full) for name, action in ALL.items()),
]


def cpu_seconds(running: RunningOperator) -> float:
    """What the operator's process has used so far."""
    _, _, fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(") ")
    return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("action", REFUSALS)
def test_a_lease_that_is_refused_is_tried_with_patience_and_told_once(
    action: Action,
    administrator: Api,
    namespace: str,
    operators: Fleet,
    proxy: ApiProxy,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    running = operators.start(kubeconfig=proxy.kubeconfig, lease_duration="15")
    crowd.create(administrator, [namespace], 1, prefix="before")
    crowd.until_terminal(administrator, namespace, within=30)

    refused = proxy.add(Rule("PUT", LEASE, action, count=None))
    crowd.create(administrator, [namespace], 1, prefix="meanwhile")
    assert refused.reached.wait(10)
    begun, used, told = time.monotonic(), cpu_seconds(running), len(running.log.splitlines())
    time.sleep(TROUBLE)
    busy = (cpu_seconds(running) - used) / TROUBLE
    lines = running.log.splitlines()[told - 1 :]
    sent = len(crowd.posts(timeline, namespace=namespace))
    proxy.clear()
    ended = time.monotonic()
    events = crowd.until_terminal(administrator, namespace, within=SOON)
    took = time.monotonic() - ended

    tries = [r.at - begun for r in proxy.requests if begun <= r.at < ended and "/leases/" in r.path]
    later = [at for at in tries if at > 1]
    figure(
        f"P1 Lease refused ({request.node.callspec.id}): {len(later) / (TROUBLE - 1):.1f} requests"
        f"/s after the first second, {busy:.0%} of a core, {len(lines) / TROUBLE:.1f} log lines/s; "
        f"delivered {took:.1f} s after its end"
    )
    assert sent == 1, "something was sent without a committed intent"
    assert len(later) <= 2 * (TROUBLE - 1) + 1
    assert len(lines) <= 3, lines
    tally(events, timeline).check(duplicates=0)


def test_a_lease_is_not_asked_for_before_retry_after(
    administrator: Api, namespace: str, operators: Fleet, proxy: ApiProxy
) -> None:
    operators.start(kubeconfig=proxy.kubeconfig, lease_duration="15")
    busy = proxy.add(Rule("PUT", LEASE, Answer(429, retry_after=3), nth=2))
    crowd.create(administrator, [namespace], 1)
    crowd.until_terminal(administrator, namespace, within=30)
    assert busy.hits == 1
    asked = [(r.at, r.status) for r in proxy.requests if "/leases/" in r.path]
    refused = [status for _, status in asked].index(429)
    assert asked[refused + 1][0] - asked[refused][0] >= 3


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_page_with_404_is_no_lost_lease(
    method: str, administrator: Api, namespace: str, operators: Fleet, proxy: ApiProxy
) -> None:
    running = operators.start(kubeconfig=proxy.kubeconfig)
    crowd.create(administrator, [namespace], 1, prefix="before")
    crowd.until_terminal(administrator, namespace, within=30)
    stray = proxy.add(Rule(method, LEASE, page(404), count=3))
    if method == "GET":  # which comes only after a swap that failed
        proxy.add(Rule("PUT", LEASE, Answer(503)))
    crowd.create(administrator, [namespace], 1, prefix="meanwhile")
    crowd.until_terminal(administrator, namespace, within=30)
    assert stray.hits == 3
    assert "the Lease was deleted" not in running.log
    assert scrape(running)("journal_lost_total") == 0
