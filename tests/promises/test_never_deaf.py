"""Whatever its watch is answered, the operator soon tells what is new, edited and resent.

In each row the same process goes on, says that it is well, and tells nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import pytest
from _pytest.mark import ParameterSet

from operator_process import PATIENCE
from promises.ear import Ear
from proxy import Action, Answer, CutWithin, EndAtOnce, Handle, InsertEvent, Rule
from proxy.answers import ANSWERS, ERRORS, GONE, error_event

#: What gates each change; the rest runs in full alone.
SHORT = {("watch", "401"), ("watch", "page-with-200"), ("error", "500"), ("list", "403")}

#: Seconds for which something lasts, where it does.
A_WHILE = 8.0


def rows(kind: str, names: Iterable[str]) -> list[ParameterSet]:
    return [
        pytest.param(name, id=name, marks=() if (kind, name) in SHORT else pytest.mark.full)
        for name in names
    ]


@pytest.mark.parametrize("name", rows("watch", ANSWERS))
def test_a_watch_is_answered_once_with(ear: Ear, name: str, figure: Callable[[str], None]) -> None:
    with ear.listening() as known:
        ear.spoil_watch(ANSWERS[name])
        ear.hears_and_says(known, f"a watch answered with {name}", figure)


@pytest.mark.parametrize("name", rows("list", ANSWERS))
def test_a_list_is_answered_once_with(ear: Ear, name: str, figure: Callable[[str], None]) -> None:
    with ear.listening() as known:
        ear.spoil_list(ANSWERS[name])
        ear.hears_and_says(known, f"a list answered with {name}", figure)


@pytest.mark.parametrize("name", rows("error", ERRORS))
def test_an_error_comes_in_the_stream(ear: Ear, name: str, figure: Callable[[str], None]) -> None:
    with ear.listening() as known:
        ear.insert(error_event(name))
        ear.hears_and_says(known, f"ERROR {name} in the stream", figure)


@pytest.mark.full
@pytest.mark.parametrize("name", rows("begin", ANSWERS))
def test_while_it_starts_all_but_the_lease_is_answered_with(
    ear: Ear, name: str, figure: Callable[[str], None]
) -> None:
    starts_in_trouble(ear, ANSWERS[name], r"^(?!.*/leases)", f"at the start {name}", figure)


@pytest.mark.full
@pytest.mark.parametrize("name", rows("begin", ANSWERS))
def test_while_it_starts_the_watch_alone_is_answered_with(
    ear: Ear, name: str, figure: Callable[[str], None]
) -> None:
    what = f"at the start, watches answered with {name}"
    starts_in_trouble(ear, ANSWERS[name], ear.watches, what, figure)


@pytest.mark.full
def test_the_token_is_expired_while_it_starts(ear: Ear, figure: Callable[[str], None]) -> None:
    starts_in_trouble(ear, Answer(401), "/", "at the start 401 to everything", figure)


def starts_in_trouble(
    ear: Ear, action: Action, path: str, what: str, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        ear.stop()
        trouble = ear.proxy.add(Rule("GET", path, action, count=None))
        ear.start(until_ready=False)
        trouble.reached.wait(10)
        lasts(A_WHILE, trouble)
        ear.hears_and_says(known, what, figure)


@pytest.mark.full
def test_everything_is_answered_with_401_while_the_token_is_renewed(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        refused = ear.proxy.add(Rule(None, "/", Answer(401), count=None))
        ear.proxy.add(Rule("GET", ear.watches, EndAtOnce(), count=None))
        lasts(10, refused)
        ear.proxy.clear()
        ear.hears_and_says(known, "401 to everything for 10 s", figure)


@pytest.mark.full
def test_watches_and_lists_are_answered_with_503_for_longer_than_kopf_tries(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        refused = ear.proxy.add(Rule("GET", "/customevents", Answer(503), count=None))
        ear.proxy.add(Rule("GET", ear.watches, EndAtOnce(), count=None))
        lasts(60, refused)
        ear.proxy.clear()
        ear.hears_and_says(known, "503 for 60 s", figure)


@pytest.mark.full
def test_every_list_breaks_off_for_a_while_and_that_is_no_reason_to_spin(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        broken = ear.proxy.add(Rule("GET", ear.lists, CutWithin(100), count=None))
        ear.proxy.add(Rule("GET", ear.watches, InsertEvent(GONE, then_end=True)))
        assert broken.reached.wait(PATIENCE)
        with ear.spending() as spent:
            lasts(20, broken)
            cost = spent()
        heard = ear.hears(known)
        figure(f"never deaf {ear.mode}, every list breaks off for 20 s: {heard}; {cost}")
        ear.check(known, heard)
        assert "not watching" in ear.running.log
        assert cost.requests <= 4 * cost.seconds * len(ear.namespaces), cost


@pytest.mark.full
def test_the_api_server_cannot_be_reached_for_longer_than_kopf_tries(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        ear.proxy.down()
        time.sleep(60)
        ear.proxy.up()
        ear.hears_and_says(known, "refused connections for 60 s", figure)


@pytest.mark.full
def test_streams_that_end_at_once_for_ever_are_no_reason_to_spin(
    ear: Ear, figure: Callable[[str], None]
) -> None:
    with ear.listening() as known:
        trouble = ear.proxy.add(Rule("GET", ear.watches, EndAtOnce(), count=None))
        time.sleep(10)  # what it does at first is not measured
        with ear.spending() as spent:
            heard = ear.hears(known)
            time.sleep(max(0.0, 60 - spent().seconds))
            cost = spent()
        trouble.remove()  # a minute without a watch is no readiness
        figure(f"never deaf {ear.mode}, every stream ends at once: {heard}; {cost}")
        ear.check(known, heard)
        assert cost.requests <= cost.seconds * len(ear.namespaces), cost
        assert cost.lines <= 10 + 2 * len(ear.namespaces) * 3, "10 a minute, and what it told"


def lasts(seconds: float, trouble: Handle) -> None:
    """The time itself is the trouble; a condition to wait for there is none."""
    time.sleep(seconds)
    trouble.remove()
