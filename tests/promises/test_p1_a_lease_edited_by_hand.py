"""P1: whatever somebody wrote into the Lease, an operator leads, and sends what is open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customevents import sandbox
from operator_process import eventually
from promises import crowd
from promises.crowd import Api
from promises.fleet import IN_FLIGHT, LEASE, Fleet, tally
from proxy import ApiProxy

ROW = ["7d3c9e5a-8f53-4ab0-9a41-0c6b1d2e3f40", "an-id", "default", "nobody", 1, 1]
MOST = 2**31 - 1

#: None of them names an attempt.
ROWS: list[list[Any]] = [
    [[ROW[0]], *ROW[1:]],
    [*ROW[:3], "../../../../../version", 1, 1],
    [*ROW[:2], "../../../../version?", *ROW[3:]],
    [*ROW[:5], "1"],
]


def plant(api: Api, *rows: Any, **spec: Any) -> None:
    """Let this Lease stand there."""
    collection = LEASE.rpartition("/")[0]
    found = json.loads(api.call("GET", collection))["items"]
    if any(item["metadata"]["name"] == "customevents" for item in found):
        api.call("DELETE", LEASE)
    listed = json.dumps({"format": 1, "entries": rows})
    metadata = {"name": "customevents", "annotations": {IN_FLIGHT: listed}}
    kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    api.call("POST", collection, {**kind, "metadata": metadata, "spec": spec})


def test_rows_that_name_no_attempt_stop_nothing_and_are_asked_for_nowhere(
    administrator: Api,
    namespace: str,
    operators: Fleet,
    proxy: ApiProxy,
    timeline: sandbox.Running,
) -> None:
    plant(administrator, *ROWS, ROW)
    crowd.create(administrator, [namespace], 1)
    running = operators.start(kubeconfig=proxy.kubeconfig, delivery_post_timeout="1")
    events = crowd.until_terminal(administrator, namespace, within=30)
    tally(events, timeline).check(duplicates=0)
    assert "4 rows of the Lease name no attempt: dropped" in running.log
    assert "default/nobody was deleted" in running.log  # the row that can be read was settled
    assert not [r.path for r in proxy.requests if "version" in r.path.replace("/v1", "")]
    operators.until_none_is_in_flight("default")


@pytest.mark.parametrize("spec", [{"leaseTransitions": MOST}, {}], ids=["at its end", "empty"])
def test_a_spec_that_cannot_be_counted_on_is_led_with_at_once(
    spec: dict[str, Any], administrator: Api, namespace: str, operators: Fleet
) -> None:
    plant(administrator, **spec)
    crowd.create(administrator, [namespace], 1)
    operators.start()
    crowd.until_terminal(administrator, namespace, within=15)
    assert operators.lease()["spec"]["leaseTransitions"] == 0


@pytest.mark.parametrize(
    "spec",
    [{"leaseTransitions": MOST}, {"leaseDurationSeconds": MOST}, {"renewTime": None}],
    ids=str,
)
def test_who_leads_goes_on_whatever_is_edited_but_its_holder(
    spec: dict[str, Any], administrator: Api, namespace: str, operators: Fleet
) -> None:
    leader = operators.start()
    operators.leader()
    administrator.call("PATCH", LEASE, {"spec": spec}, content_type=crowd.MERGE_PATCH)
    crowd.create(administrator, [namespace], 1)
    crowd.until_terminal(administrator, namespace, within=15)
    assert leader.process.poll() is None


@pytest.mark.full  # the minute for which a holder is believed
def test_a_holder_that_is_gone_is_believed_for_a_minute_whatever_it_stated(
    administrator: Api, namespace: str, operators: Fleet
) -> None:
    plant(administrator, holderIdentity="gone", leaseDurationSeconds=MOST)
    crowd.create(administrator, [namespace], 1)
    operators.start()
    eventually("it leads", lambda: operators.holder().startswith("replica-1_"), within=70)
    crowd.until_terminal(administrator, namespace, within=15)
