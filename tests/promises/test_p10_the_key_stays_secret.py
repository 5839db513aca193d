"""P10: the API key appears nowhere but in the request header."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from customevents import sandbox
from operator_process import RunningOperator, eventually
from promises import crowd
from promises.crowd import Api
from promises.fleet import Fleet

#: Unlike any key, and easy to find.
CANARY = "canary-test-key"

#: What a server may call a request, and anybody read the key from.
ENCODED = (CANARY.encode().hex(), b64encode(CANARY.encode()).decode().strip("="))


@pytest.fixture
def echoing() -> Iterator[sandbox.Running]:
    """A sandbox that takes the canary, and says it back where a careless server would."""
    with sandbox.running(key=CANARY) as running:
        echo = {"status": 500, "body": f"the key {CANARY} broke us", "count": 3}
        field = {"field": CANARY, "message": f"eventType {CANARY}"}
        refusals = [
            {
                "status": 400,
                "body": {
                    "error": {"message": CANARY, "requestID": name, "fieldErrors": [field]},
                    "message": [CANARY],
                },
                "count": 1,
            }
            for name in (CANARY, *ENCODED)
        ]
        garbage = {"garbage": f"HTTP/1.1 {CANARY}", "count": 1}
        running.call("PUT", "/sandbox/faults", [echo, *refusals, garbage])
        yield running


def test_the_key_is_in_no_log_status_event_or_probe_even_when_it_is_echoed_and_debugged(
    administrator: Api, namespace: str, operators: Fleet, echoing: sandbox.Running, tmp_path: Path
) -> None:
    key = tmp_path / "canary"
    key.write_text(f"{CANARY}\n")
    running = operators.start(
        api_key_file=str(key), endpoint=echoing.url, log_level="DEBUG", delivery_post_timeout="5"
    )
    crowd.create(administrator, [namespace], 20)
    crowd.until_terminal(administrator, namespace, within=90)
    seen = [_words(administrator, namespace), json.dumps(operators.lease())]
    seen += [_events(administrator, namespace), *(_probe(running, path) for path in PROBES)]

    key.write_text(f"{CANARY}\nand a second line\n")
    numbers = itertools.count()

    def is_named() -> bool:
        # A key is used for a second without another look at its file.
        crowd.create(administrator, [namespace], 1, prefix=f"several-lines-{next(numbers)}")
        return f"{key} holds more than one line" in _words(administrator, namespace)

    eventually("the file is named", is_named)
    seen.append(_words(administrator, namespace))
    assert operators.stop() == [0]
    for secret in (CANARY, *ENCODED):
        assert all(secret not in text for text in [*seen, running.log])
    assert sum("(HTTP 400: eventType)" in text for text in seen) > 0, "the refusals were shown"
    assert len(crowd.posts(echoing, namespace=namespace)) >= 24


def _words(api: Api, namespace: str) -> str:
    return json.dumps(crowd.listed(api, namespace))


PROBES = ("/healthz", "/readyz", "/metrics")


def _events(api: Api, namespace: str) -> str:
    return api.call("GET", f"/api/v1/namespaces/{namespace}/events").decode()


def _probe(running: RunningOperator, path: str) -> str:
    with closing(HTTPConnection("127.0.0.1", running.port, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()
