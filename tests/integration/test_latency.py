"""How long one event takes on an idle cluster, as its author sees it."""

from __future__ import annotations

import base64
import json
import ssl
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

import yaml
from localcluster import Cluster

from integration.conftest import StartOperator

EVENTS = 50
#: Seconds; the aim is 0.15. On a busy machine, so many times what the API server alone takes.
GATE, TIMES = 0.300, 20


def test_from_create_to_delivered_the_median_stays_below_the_gate(
    cluster: Cluster,
    namespace: str,
    start_operator: StartOperator,
    figure: Callable[[str], None],
) -> None:
    start_operator(delivery_rate="0")
    path = f"/apis/customevents.dev/v1alpha1/namespaces/{namespace}/customevents"
    with closing(_connect(cluster)) as client, closing(_connect(cluster)) as watcher:
        watcher.request("GET", f"{path}?watch=1")
        watch = watcher.getresponse()
        seconds = [_deliver(client, watch, path, f"event-{i}") for i in range(EVENTS)]
    alone = statistics.median(shown for shown, _ in seconds)
    delivered = [until for _, until in seconds]
    median, worst = statistics.median(delivered), max(delivered)
    figure(
        f"create -> watch shows Delivered, {EVENTS} events on an idle cluster: "
        f"median {median * 1000:.0f} ms, worst {worst * 1000:.0f} ms; shown at all after "
        f"{alone * 1000:.0f} ms"
    )
    assert median <= max(GATE, TIMES * alone)


def _deliver(
    client: HTTPSConnection, watch: HTTPResponse, path: str, name: str
) -> tuple[float, float]:
    """Create one event; the seconds until the watch shows it, and shows that it is delivered."""
    manifest = {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"name": name},
        "spec": {"eventType": "release", "summary": f"{name} is live"},
    }
    start = time.perf_counter()
    client.request("POST", path, json.dumps(manifest), {"Content-Type": "application/json"})
    created = client.getresponse()
    assert created.status == 201, created.read()
    created.read()
    shown_after = 0.0
    while True:
        shown = json.loads(watch.readline())["object"]
        if shown["metadata"]["name"] == name:
            seconds = time.perf_counter() - start
            shown_after = shown_after or seconds
            if shown["status"]["delivery"]["state"] == "Delivered":
                return shown_after, seconds


def _connect(cluster: Cluster) -> HTTPSConnection:
    """A connection as the administrator, with the certificate of the kubeconfig."""
    user = yaml.safe_load(cluster.kubeconfig.read_text())["users"][0]["user"]
    pem = cluster.directory / "administrator.pem"
    parts = user["client-certificate-data"], user["client-key-data"]
    pem.write_bytes(b"".join(map(base64.b64decode, parts)))
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    context.load_cert_chain(pem)
    connection = HTTPSConnection(urlsplit(cluster.server).netloc, context=context, timeout=30)
    connection.connect()
    return connection
