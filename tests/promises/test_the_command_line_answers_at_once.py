"""How long a person waits for the command line, also where there are many events."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.conftest import Events
from operator_process import operator_environment
from promises import crowd
from promises.conftest import FULL
from promises.crowd import Api
from promises.fleet import Fleet

#: Events that wait, in the gate and in full.
EVENTS = 10_000 if FULL else 1_000

#: Seconds of work, which do not depend on what else the machine does; the best of three counts.
HELP, HELP_OF_ONE, QUESTION = 0.2, 0.35, 1.0
LIST = 6.0 if FULL else 1.5


class Measured:
    """The best of three runs: seconds of work, and on the clock."""

    def __init__(self, kubeconfig: Path, *words: str) -> None:
        env = operator_environment(kubeconfig)
        runs = [self._run([sys.executable, "-m", "customevents", *words], env) for _ in range(3)]
        self.work, self.clock = min(run[0] for run in runs), min(run[1] for run in runs)

    def _run(self, command: list[str], env: dict[str, str]) -> tuple[float, float]:
        worked, begun = _work(), time.monotonic()
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return _work() - worked, time.monotonic() - begun

    def __str__(self) -> str:
        return f"{self.clock:.2f} s ({self.work:.2f} s of work)"


def _work() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture
def settled(events: Events, administrator: Api, operators: Fleet) -> Events:
    """An idle cluster with one event that is delivered, and an operator that knows all it can."""
    inventory = {"prod-eu-1": {events.namespace: ["checkout"]}}
    events.timeline.call("PUT", "/sandbox/inventory", inventory)
    operators.start()
    crowd.create_one(administrator, events.namespace, "checkout", "it is live")
    events.until("checkout", "Delivered")
    return events


def test_help_check_and_explain_are_there_at_once(
    settled: Events, figure: Callable[[str], None]
) -> None:
    here = ("-n", settled.namespace)
    kubeconfig = settled.cluster.kubeconfig
    asked = {
        "--help": (Measured(kubeconfig, "--help"), HELP),
        "explain --help": (Measured(kubeconfig, "explain", "--help"), HELP_OF_ONE),
        "check": (Measured(kubeconfig, "check", *here), QUESTION),
        "explain": (Measured(kubeconfig, "explain", "checkout", *here), QUESTION),
    }
    for name, (took, _) in asked.items():
        figure(f"command line, {name}: {took}")
    assert {name: str(took) for name, (took, most) in asked.items() if took.work > most} == {}


def test_many_events_are_listed_soon(
    events: Events, administrator: Api, figure: Callable[[str], None]
) -> None:
    crowd.create(administrator, [events.namespace], EVENTS)
    took = Measured(events.cluster.kubeconfig, "list", "-n", events.namespace)
    figure(f"command line, list of {EVENTS} events: {took}")
    assert took.work <= LIST
