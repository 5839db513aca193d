"""The clock of the operator's machine is an hour off, or jumps: no event suffers from it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from customevents import sandbox
from integration.conftest import Events, Shell, StartOperator
from integration.test_check import line
from operator_process import RunningOperator, eventually, operator, scrape

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
FALSE_CLOCK = Path(__file__).parents[1] / "false_clock.py"
HOUR = 3600.0


class Machine:
    """A machine whose clock is set at will."""

    def __init__(self, ahead: Path, start: Callable[[], RunningOperator]) -> None:
        self._ahead = ahead
        self._start = start

    def set(self, ahead: float) -> None:
        following = self._ahead.with_suffix(".new")
        following.write_text(str(ahead))
        following.replace(self._ahead)

    def start(self, ahead: float) -> RunningOperator:
        self.set(ahead)
        return self._start()


@pytest.fixture
def machine(
    account: Path, key_file: Path, timeline: sandbox.Running, tmp_path: Path
) -> Iterator[Machine]:
    ahead = tmp_path / "ahead"
    with ExitStack() as stack:

        def start() -> RunningOperator:
            running = operator(
                tmp_path,
                account,
                program=(str(FALSE_CLOCK), str(ahead)),
                api_key_file=str(key_file),
                endpoint=timeline.url,
                cluster_name="prod-eu-1",
                lease_duration="3",
            )
            return stack.enter_context(running)

        yield Machine(ahead, start)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_short_deadline_is_kept_on_a_machine_whose_clock_is_an_hour_off(
    events: Events, machine: Machine, ahead: float
) -> None:
    running = machine.start(ahead)
    events.apply("checkout", {**SPEC, "deliveryDeadlineSeconds": 60})
    events.until("checkout", "Delivered")
    skew = scrape(running)("clock_skew_seconds")
    assert skew == pytest.approx(ahead, abs=2.0)


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_an_event_that_waits_is_tried_again_in_time_when_the_clock_jumps(
    events: Events, machine: Machine, timeline: sandbox.Running, jump: float
) -> None:
    fault = {"status": 503, "retryAfter": "4", "count": 1}
    timeline.call("PUT", "/sandbox/faults", fault)
    machine.start(0.0)
    events.apply("checkout", {**SPEC, "deliveryDeadlineSeconds": 60})
    events.until("checkout", "Retrying")
    machine.set(jump)
    events.until("checkout", "Delivered")


def test_check_says_by_how_much_the_operators_clock_is_off(
    events: Events, machine: Machine, customevents: Shell
) -> None:
    machine.start(-HOUR)
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")

    def told() -> str | None:
        said = customevents("check").stdout
        return said if " clock " in said else None

    said = eventually("the clock is told", told)
    # The API server tells whole seconds.
    words = (
        "warning clock that of the operator's node is (3599|3600|3601) s behind the API server's:"
    )
    assert re.match(words, line(said, "clock"))
    assert "set it by NTP" in said
    assert line(said, "operator").startswith("ok ")


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_check_judges_the_operator_whatever_the_clock_where_it_is_run(
    events: Events, start_operator: StartOperator, customevents: Shell, tmp_path: Path, ahead: float
) -> None:
    start_operator(lease_duration="3")
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    (tmp_path / "here").write_text(str(ahead))
    done = subprocess.run(
        [sys.executable, str(FALSE_CLOCK), str(tmp_path / "here"), "check", "-n", events.namespace],
        env=customevents.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert line(done.stdout, "operator").startswith("ok "), done
