"""A step of a CI job creates an event, waits for it, and its exit code tells."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from localcluster import KUBECTL

from customevents import sandbox
from integration.conftest import Events, StartOperator

EXAMPLES = Path(__file__).parents[2] / "examples"
EVENT = EXAMPLES / "create" / "from-a-pipeline.yaml"


def tell(events: Events, timeout: str) -> subprocess.CompletedProcess[str]:
    on_the_path = f"{KUBECTL.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(EXAMPLES / "ci" / "tell.sh"), events.namespace, str(EVENT), timeout],
        env={**events.cluster.environment(), "PATH": on_the_path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_run_of_a_job_tells_a_new_event_and_ends_with_0(
    events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    for _ in range(2):
        done = tell(events, "30s")
        assert done.returncode == 0, done.stderr
        assert "condition met" in done.stdout
    assert len({event["idempotencyKey"] for event in events.sent()}) == 2


def test_a_job_whose_event_is_refused_ends_with_1(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    timeline.call("PUT", "/sandbox/faults", {"status": 400})
    start_operator()
    done = tell(events, "1s")
    assert done.returncode == 1
    assert "timed out waiting" in done.stderr
    name = events.kubectl("get", "cev", "-o", "jsonpath={.items[*].metadata.name}")
    events.until(name, "Failed")


def test_a_job_whose_event_nobody_delivers_ends_with_1_and_shows_why(events: Events) -> None:
    done = tell(events, "1s")
    assert done.returncode == 1
    assert "Waiting for the operator" in done.stderr
