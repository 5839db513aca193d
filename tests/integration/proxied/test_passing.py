"""What the proxy is not told to spoil passes as if there were none, and quickly."""

from __future__ import annotations

import contextlib
import gc
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import Events
from integration.proxied.conftest import SPEC, Client, is_written
from operator_process import PATIENCE, eventually, operator
from proxy import ApiProxy

#: Requests for the figure, and the clients that share them.
REQUESTS, CLIENTS = 2000, 4

#: Requests a second on a busy machine; with Nagle's algorithm on, it was 80.
GATE = 100


def test_what_it_is_not_told_to_spoil_passes_unchanged(
    proxy: ApiProxy, client: Client, account: Path, events: Events
) -> None:
    direct = Client(account, events.namespace)
    with closing(direct.connection):
        assert client.call("GET", "/a") == direct.call("GET", "/a")
        assert client.call("GET", "/none") == direct.call("GET", "/none")
    assert client.deliver()[0] == 200
    assert is_written(events)
    assert [(seen.method, seen.status) for seen in proxy.requests] == [
        ("GET", 200),
        ("GET", 404),
        ("PATCH", 200),
    ]


def test_the_client_is_who_its_token_says(client: Client) -> None:
    status, answer = client.call("DELETE", "/a")
    assert status == 403
    assert '"system:serviceaccount:customevents:customevents"' in answer["message"]


def test_its_connections_are_kept_alive(client: Client) -> None:
    client.call("GET", "/a")
    first = client.connection.sock
    client.call("GET", "/a")
    assert first
    assert client.connection.sock is first


def test_a_watch_gets_each_event_as_it_happens(client: Client, events: Events) -> None:
    client.send("GET", "?watch=1")
    with client.connection.getresponse() as watch:
        assert json.loads(watch.readline())["object"]["metadata"]["name"] == "a"
        for name in ("b", "c"):
            events.create(name, SPEC)
            assert json.loads(watch.readline())["object"]["metadata"]["name"] == name


def test_a_long_list_arrives_whole(client: Client, events: Events) -> None:
    manifests = [json.loads(events.manifest(f"long-{i}", SPEC)) for i in range(100)]
    listed = {"apiVersion": "v1", "kind": "List", "items": manifests}
    events.cluster.kubectl("create", "-f", "-", input=json.dumps(listed))
    _, answer = client.call("GET", "")
    assert len(answer["items"]) == 101


def test_kubectl_works_through_it(proxy: ApiProxy, cluster: Cluster, events: Events) -> None:
    events.create("a", SPEC)
    asked = ("get", "cev", "-o", "name", f"--namespace={events.namespace}")
    answer = cluster.kubectl(*asked, kubeconfig=proxy.kubeconfig)
    assert answer.stdout == "customevent.customevents.dev/a\n"


def test_the_operator_works_through_it(
    proxy: ApiProxy, events: Events, timeline: sandbox.Running, key_file: Path, tmp_path: Path
) -> None:
    settings = {"api_key_file": str(key_file), "endpoint": timeline.url, "cluster_name": "prod"}
    with operator(tmp_path, proxy.kubeconfig, **settings):
        events.apply("checkout", SPEC)
        events.until("checkout", "Delivered")
    written = [seen for seen in proxy.requests if "/checkout/status" in seen.path]
    assert [(seen.method, seen.status) for seen in written] == [("PATCH", 200)]


def test_while_it_is_down_nobody_gets_through_and_then_it_is_where_it_was(
    proxy: ApiProxy, client: Client, events: Events
) -> None:
    watcher = Client(proxy.kubeconfig, events.namespace)
    watcher.send("GET", "?watch=1")
    with closing(watcher.connection), watcher.connection.getresponse() as watch:
        watch.readline()
        client.call("GET", "/a")
        proxy.down()
        assert watcher.is_reset()
    assert client.is_reset()
    client.connection.close()
    with pytest.raises(ConnectionRefusedError):
        client.call("GET", "/a")
    client.connection.close()

    proxy.up()
    assert client.call("GET", "/a")[0] == 200


def address(proxy: ApiProxy) -> tuple[str, int]:
    server = json.loads(proxy.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    return "127.0.0.1", int(server.rpartition(":")[2])


def test_who_is_in_the_middle_of_a_handshake_is_let_go_as_well(proxy: ApiProxy) -> None:
    """Else its connection would be closed by whatever test comes next, as a resource leaked."""
    with closing(socket.create_connection(address(proxy))) as shy:
        eventually("it was accepted", lambda: proxy.connections or None)
        proxy.down()
        assert proxy.connections == 0
        shy.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            assert shy.recv(1) == b""


def test_a_crowd_that_connects_as_it_goes_down_leaves_nothing_behind(proxy: ApiProxy) -> None:
    """What it would leave fails the test, as all that the garbage collector has to close."""
    over = threading.Event()

    def connect() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), closing(socket.create_connection(address(proxy))):
                pass

    with ThreadPoolExecutor(CLIENTS) as crowd:
        for _ in range(CLIENTS):
            crowd.submit(connect)
        for _ in range(30):
            proxy.down()
            proxy.up()
        over.set()
    gc.collect()


def test_a_client_that_leaves_ends_its_watch_at_the_api_server(
    client: Client, cluster: Cluster
) -> None:
    before = watches(cluster)
    client.send("GET", "?watch=1")
    client.connection.getresponse().readline()
    assert watches(cluster) == before + 1
    client.connection.close()
    eventually("the watch has ended", lambda: watches(cluster) == before or None)


def watches(cluster: Cluster) -> int:
    """How many watches of CustomEvents the API server serves."""
    metrics = cluster.kubectl("get", "--raw", "/metrics").stdout.splitlines()
    gauge = re.compile(r'apiserver_longrunning_requests{.*resource="customevents".*verb="WATCH"')
    return sum(int(line.split()[-1]) for line in metrics if gauge.match(line))


def test_a_kubeconfig_with_a_certificate_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds a client's certificate"):
        ApiProxy(cluster.kubeconfig, tmp_path)


def test_it_carries_hundreds_of_requests_a_second(
    proxy: ApiProxy,
    account: Path,
    events: Events,
    background: ThreadPoolExecutor,
    figure: Callable[[str], None],
) -> None:
    events.create("a", SPEC)

    def work(kubeconfig: Path) -> None:
        own = Client(kubeconfig, events.namespace)
        with closing(own.connection):
            for _ in range(REQUESTS // CLIENTS):
                assert own.call("GET", "/a")[0] == 200

    def rate(kubeconfig: Path) -> float:
        begin = time.perf_counter()
        workers: list[Future[None]] = [background.submit(work, kubeconfig) for _ in range(CLIENTS)]
        for worker in workers:
            worker.result()
        return REQUESTS / (time.perf_counter() - begin)

    direct, proxied = rate(account), rate(proxy.kubeconfig)
    figure(
        f"GET by {CLIENTS} clients on threads of this process: "
        f"{direct:.0f}/s direct, {proxied:.0f}/s through the proxy"
    )
    assert proxied > GATE
