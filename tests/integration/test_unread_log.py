"""Nobody reads the operator's log: it goes on, says so in its metrics, and ends in time."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customevents import sandbox
from integration.conftest import Events
from operator_process import RunningOperator, eventually, operator_environment, probe, scrape

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
EVENTS = 200

#: Bytes; the least that a pipe holds.
SMALL = 4096


@contextmanager
def unread(kubeconfig: Path, **settings: str) -> Iterator[RunningOperator]:
    """An operator whose stderr is a pipe that is full and that nobody reads."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, SMALL)
    os.write(writing, b"-" * SMALL)
    process = subprocess.Popen(
        [sys.executable, "-m", "customevents", "run"],
        env=operator_environment(kubeconfig, health_port=str(port), **settings),
        stderr=writing,
    )
    try:
        running = RunningOperator(process, Path(os.devnull), port)
        eventually("the operator answers", lambda: answers(running) or None)
        yield running
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)


def answers(running: RunningOperator) -> bool:
    try:
        return probe(running, "/readyz") == 200
    except OSError:
        return False


def slowest_probe(running: RunningOperator) -> float:
    begun = time.monotonic()
    assert probe(running, "/healthz") == 200
    return time.monotonic() - begun


def told(timeline: sandbox.Running) -> list[str]:
    """The delivery ids of all POSTs."""
    requests = timeline.call("GET", "/sandbox/requests?target=events&limit=1000")["requests"]
    return [request["idempotencyKey"] for request in requests]


def test_an_operator_whose_log_nobody_reads_delivers_and_ends_in_time(
    account: Path, key_file: Path, events: Events, timeline: sandbox.Running
) -> None:
    settings = {"api_key_file": str(key_file), "endpoint": timeline.url, "delivery_rate": "0"}
    with unread(account, cluster_name="prod-eu-1", log_level="DEBUG", **settings) as running:
        listed = [json.loads(events.manifest(f"event-{n}", SPEC)) for n in range(EVENTS)]
        everything = {"apiVersion": "v1", "kind": "List", "items": listed}
        events.cluster.kubectl("create", "-f", "-", input=json.dumps(everything))
        probes = []

        def all_told() -> bool:
            probes.append(slowest_probe(running))
            return len(told(timeline)) >= EVENTS

        eventually("all are told", all_told, within=60.0)
        assert max(probes) < 3.0
        assert scrape(running).has("log_lines_dropped_total")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=20.0) == 0
    assert len(set(told(timeline))) == len(told(timeline)) == EVENTS
