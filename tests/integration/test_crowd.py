"""The helpers of the promise tests see what is there, and all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from kubernetes import client
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import StartOperator
from operator_process import eventually
from promises import crowd
from promises.crowd import Api, Call

EVENTS = 600


@pytest.fixture(scope="module")
def administrator(cluster: Cluster) -> Iterator[Api]:
    with crowd.administrator(cluster.kubeconfig) as connected:
        yield connected


@pytest.fixture
def namespaces(namespace: str, api: client.ApiClient) -> list[str]:
    """Two more than the test's own; they end with the cluster."""
    core = client.CoreV1Api(api)
    more = [f"{namespace}-{i}" for i in range(2)]
    for name in more:
        core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    return [namespace, *more]


def test_events_are_created_over_namespaces_counted_and_deleted(
    administrator: Api, namespaces: list[str], figure: Callable[[str], None]
) -> None:
    before = crowd.calls(administrator)
    begin = time.perf_counter()
    names = crowd.create(administrator, namespaces, EVENTS)
    rate = EVENTS / (time.perf_counter() - begin)
    figure(f"create {EVENTS} events over {crowd.CONNECTIONS} connections: {rate:.0f}/s")

    assert names[:2] == [f"{namespaces[0]}/event-00000", f"{namespaces[1]}/event-00001"]
    assert len(set(names)) == EVENTS
    found = [crowd.listed(administrator, each, page=70) for each in namespaces]
    assert [crowd.states(events) for events in found] == [{"Pending": EVENTS / 3}] * 3
    created = Call("POST", "customevents")
    eventually(
        "each is counted once",
        lambda: (crowd.calls(administrator) - before)[created] == EVENTS or None,
    )

    for each in namespaces:
        crowd.delete_all(administrator, each)
        assert crowd.listed(administrator, each) == []


def test_every_post_is_found_with_its_delivery_and_its_object(
    administrator: Api, namespace: str, timeline: sandbox.Running, start_operator: StartOperator
) -> None:
    timeline.call("PUT", "/sandbox/faults", {"match": {"summary": "refused"}, "status": 400})
    names = crowd.create(
        administrator,
        [namespace],
        3,
        spec=lambda i: {**crowd.release(i), **({"summary": "refused"} if i == 1 else {})},
    )
    start_operator()
    events = crowd.until_terminal(administrator, namespace, within=30)
    assert crowd.states(events) == {"Delivered": 2, "Failed": 1}

    found = crowd.posts(timeline, namespace=namespace)
    assert {name: len(posts) for name, posts in crowd.by_source(found).items()} == dict.fromkeys(
        names, 1
    )
    ids = {event["status"]["delivery"]["id"] for event in events}
    assert set(crowd.by_delivery(found)) == ids
    assert {post.source: (post.answered, post.accepted) for post in found} == {
        names[0]: (201, True),
        names[1]: (400, False),
        names[2]: (201, True),
    }
    later = crowd.posts(timeline, namespace=namespace, after=found[1].sequence)
    assert later == found[2:]


def test_waiting_for_the_end_has_an_end(administrator: Api, namespace: str) -> None:
    crowd.create(administrator, [namespace], 2)
    with pytest.raises(AssertionError, match=r"ended in 0.2 s: \{'Pending': 2\}"):
        crowd.until_terminal(administrator, namespace, within=0.2)
