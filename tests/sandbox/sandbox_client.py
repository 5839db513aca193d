"""A client for the sandbox's tests, on http.client: it shows what really came over the wire."""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from customevents.sandbox import Running

POST_PATH = "/mgmt/v1/events"
VALIDATE_PATH = "/api/v2/apikey/validate"
KEYED = {"x-api-key": "test-key", "Content-Type": "application/json"}
EVENT: dict[str, Any] = {"eventType": "deployment", "summary": "Release 1.2.3"}


@contextlib.contextmanager
def started(*options: str) -> Iterator[Running]:
    """A sandbox in a process of its own, as it runs in earnest; on any free port."""
    command = [sys.executable, "-m", "customevents", "sandbox", "--port=0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield Running(process.stdout.readline().split()[-1])
    finally:
        process.terminate()
        process.communicate(timeout=10)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def send(
    api: Running,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = KEYED,
    *,
    timeout: float = 10,
) -> Reply:
    connection = http.client.HTTPConnection(*address(api), timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers))
        with contextlib.closing(connection.getresponse()) as answer:
            return Reply(answer.status, dict(answer.getheaders()), answer.read())


def post(api: Running, event: object = EVENT, *, timeout: float = 10, **headers: str) -> Reply:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(
        api, "POST", POST_PATH, json.dumps(event).encode(), {**KEYED, **given}, timeout=timeout
    )


def fault(api: Running, **keys: object) -> None:
    api.call("PUT", "/sandbox/faults", keys)


def requests(api: Running, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("GET", f"/sandbox/requests?{urlencode(query)}")[
        "requests"
    ]
    return found


def events(api: Running, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("GET", f"/events?{urlencode(query)}")["events"]
    return found


def answers(api: Running) -> list[object]:
    return [request["answered"] for request in requests(api)]


def address(api: Running) -> tuple[str, int]:
    parts = urlsplit(api.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def connect(api: Running) -> socket.socket:
    """Open a raw connection: the caller closes it."""
    return socket.create_connection(address(api), timeout=10)


def head(length: int) -> bytes:
    """Return the head of a POST that promises a body of this length."""
    lines = [f"POST {POST_PATH} HTTP/1.1", "Host: sandbox", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in KEYED.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def eventually(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait until the condition holds; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.01)
