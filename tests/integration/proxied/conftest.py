"""A client behind the proxy, which shows what really came over the wire."""

from __future__ import annotations

import json
import os
import socket
import ssl
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from integration.conftest import Events
from proxy import ApiProxy

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
FAILED = {"status": {"delivery": {"state": "Failed"}}}


class Client:
    """A client of the API server that does nothing by itself: one connection, no retry."""

    def __init__(self, kubeconfig: Path, namespace: str, timeout: float = 10) -> None:
        content = yaml.safe_load(kubeconfig.read_text())
        cluster = content["clusters"][0]["cluster"]
        authority = b64decode(cluster["certificate-authority-data"]).decode()
        tls = ssl.create_default_context(cadata=authority)
        address = urlsplit(cluster["server"]).netloc
        self.connection = HTTPSConnection(address, timeout=timeout, context=tls)
        self._headers = {"Authorization": f"Bearer {content['users'][0]['user']['token']}"}
        self._events = f"/apis/customevents.dev/v1alpha1/namespaces/{namespace}/customevents"

    def send(self, method: str, path: str, body: Any = None) -> None:
        """Send a request about an event, or about all with an empty path or a query."""
        content = None if body is None else json.dumps(body)
        headers = {**self._headers, "Content-Type": "application/merge-patch+json"}
        self.connection.request(method, self._events + path, content, headers)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send it, and read the answer."""
        self.send(method, path, body)
        with closing(self.connection.getresponse()) as answer:
            return answer.status, json.loads(answer.read())

    def is_reset(self) -> bool:
        """Wait for the end of the connection, below TLS: Python's takes a reset for an end."""
        with socket.socket(fileno=os.dup(self.connection.sock.fileno())) as beneath:
            beneath.settimeout(10)
            try:
                while beneath.recv(4096):
                    pass
            except ConnectionResetError:
                return True
        return False

    def deliver(self, name: str = "/a") -> tuple[int, Any]:
        """Write a status."""
        return self.call("PATCH", f"{name}/status", FAILED)


def is_written(events: Events) -> bool:
    """Whether the status that `Client.deliver` writes stands in the cluster."""
    state: str = events.get("a")["status"]["delivery"]["state"]
    return state == "Failed"


@pytest.fixture
def client(proxy: ApiProxy, events: Events) -> Iterator[Client]:
    """A client behind the proxy; there is one event to read and write, `a`."""
    events.create("a", SPEC)
    connected = Client(proxy.kubeconfig, events.namespace)
    with closing(connected.connection):
        yield connected


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool
