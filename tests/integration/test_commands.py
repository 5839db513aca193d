"""`customevents wait` and `resend`, as a pipeline and a tired person use them."""

from __future__ import annotations

from customevents import sandbox
from integration.conftest import Events, Shell, StartOperator

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


def test_wait_ends_with_0_when_the_event_is_delivered(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator()
    events.apply("checkout", SPEC)
    done = customevents("wait", "checkout")
    said = f"{events.namespace}/checkout is Delivered: Delivered at the first attempt.\n"
    assert (done.returncode, done.stdout) == (0, said)


def test_wait_ends_with_1_at_once_when_the_event_is_refused(
    events: Events, customevents: Shell, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    timeline.call("PUT", "/sandbox/faults", {"status": 400, "match": {"summary": "refuse me"}})
    events.apply("refused", {**SPEC, "summary": "refuse me"})
    done = customevents("wait", "refused", "--timeout", "40")
    assert done.returncode == 1
    assert "is Failed: The events API refused this event for good (HTTP 400)" in done.stdout


def test_wait_ends_with_3_when_nothing_happens_in_time(events: Events, customevents: Shell) -> None:
    events.apply("checkout", SPEC)
    done = customevents("wait", "checkout", "--timeout", "1")
    assert done.returncode == 3
    assert "is still Pending: Waiting for the operator" in done.stdout


def test_wait_ends_with_4_and_one_line_when_there_is_no_such_event(
    events: Events, customevents: Shell
) -> None:
    done = customevents("wait", "absent")
    assert done.returncode == 4
    look = f"kubectl get cev -n {events.namespace} lists those that are"
    missing = f"there is no CustomEvent {events.namespace}/absent"
    assert done.stderr == f"customevents: {missing}: {look}\n"


def test_resend_sends_a_delivered_event_again(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator()
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")
    done = customevents("resend", "checkout")
    assert (done.returncode, done.stdout) == (
        0,
        f"{events.namespace}/checkout will be sent again\n",
    )
    assert customevents("wait", "checkout").returncode == 0
    assert len(events.sent()) == 2


def test_resend_failed_takes_those_that_were_refused_and_no_others(
    events: Events, customevents: Shell, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    start_operator()
    timeline.call("PUT", "/sandbox/faults", {"status": 400, "match": {"summary": "refuse me"}})
    events.apply("refused", {**SPEC, "summary": "refuse me"})
    events.apply("checkout", SPEC)
    events.until("refused", "Failed")
    events.until("checkout", "Delivered")
    timeline.call("DELETE", "/sandbox/faults")
    done = customevents("resend", "--failed")
    assert done.stdout == f"{events.namespace}/refused will be sent again\n"
    events.until("refused", "Delivered")
    done = customevents("resend", "--failed")
    assert (done.stdout, done.returncode) == ("", 0)
    assert done.stderr == f"No CustomEvent in {events.namespace} is Failed.\n"


def test_resend_wants_names_or_failed_and_not_both(customevents: Shell) -> None:
    assert customevents("resend").returncode == 2
    assert customevents("resend", "checkout", "--failed").returncode == 2
