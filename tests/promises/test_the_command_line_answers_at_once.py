"""How long a person waits for the command line, also where there are many events."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from integration.conftest import Events
from operator_process import operator_environment
from promises import crowd
from promises.conftest import FULL
from promises.crowd import Api
from promises.fleet import Fleet
from work import work

#: Events that wait, in the gate and in full.
EVENTS = 10_000 if FULL else 1_000

#: At most so many starts of Python with its libraries.
HELP, HELP_OF_ONE, QUESTION = 0.4, 0.7, 2.3
LIST = 12.0 if FULL else 3.0


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
    asked = {
        "--help": (("--help",), HELP),
        "explain --help": (("explain", "--help"), HELP_OF_ONE),
        "check": (("check", *here), QUESTION),
        "explain": (("explain", "checkout", *here), QUESTION),
    }
    commands = {name: _command(*words) for name, (words, _) in asked.items()}
    took = work(commands, operator_environment(settled.cluster.kubeconfig))
    for name, each in took.items():
        figure(f"command line, {name}: {each}")
    assert {
        name: str(took[name]) for name, (_, most) in asked.items() if took[name].starts > most
    } == {}


def test_many_events_are_listed_soon(
    events: Events, administrator: Api, figure: Callable[[str], None]
) -> None:
    crowd.create(administrator, [events.namespace], EVENTS)
    command = _command("list", "-n", events.namespace)
    took = work({"list": command}, operator_environment(events.cluster.kubeconfig))["list"]
    figure(f"command line, list of {EVENTS} events: {took}")
    assert took.starts <= LIST


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "customevents", *words]
