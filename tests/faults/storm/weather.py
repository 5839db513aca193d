"""The faults, and their coming and going at random."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from random import Random
from typing import Any, NamedTuple

from faults.storm.world import AUTHORS, LEASE, ODD, POST_TIMEOUT, World
from operator_process import eventually
from promises import crowd
from promises.fleet import IN_FLIGHT
from promises.fleet import LEASE as LEASE_PATH
from proxy import (
    Action,
    Answer,
    CutAfter,
    CutBefore,
    Delay,
    DropFrames,
    EndAtOnce,
    HangAfter,
    HangBefore,
    InsertEvent,
    RawAnswer,
    Rule,
    ShiftDate,
    Silence,
)
from proxy.answers import ANSWERS, ERRORS, GONE, PAGE, error_event

WATCH = r"/customevents\?.*watch=true"
LIST = r"/v1alpha1/customevents\?(?!.*(watch=|fieldSelector=))"
ROUND = r"/v1alpha1/customevents\?.*fieldSelector="
THE_LEASE = r"/leases/customevents(\?|$)"
STATUS = rf"/namespaces/({'|'.join(AUTHORS)})/.*/status(\?|$)"
ONE = rf"/namespaces/({'|'.join(AUTHORS)})/customevents/[^/]+$"

#: What a write may be answered; the last ones after it was done.
REFUSALS: dict[str, Action] = {
    "401": Answer(401),
    "403": Answer(403),
    "409": Answer(409),
    "422": Answer(422),
    "429": Answer(429, retry_after=2),
    "500": Answer(500),
    "503": Answer(503),
    "a page with 404": RawAnswer(404, "text/html", PAGE),
    "a page with 502": RawAnswer(502, "text/html", PAGE),
    "nothing": HangBefore(),
    "a reset": CutBefore(),
    "500, done": Answer(500, after=True),
    "a page with 502, done": RawAnswer(502, "text/html", PAGE, after=True),
    "nothing, done": HangAfter(),
    "a reset, done": CutAfter(),
}

#: What a person or a tool may write into a status.
ODD_RECORDS: tuple[dict[str, Any], ...] = (
    {"state": "Retrying", "resend": "1", "resendTime": "9999-12-31T23:59:59Z"},
    {"state": "Retrying", "resend": "1", "resendTime": "0001-01-01T00:00:00+23:00"},
    {"state": "Retrying", "attempts": 9223372036854775807},
    {"state": "Retrying", "unknownOutcomes": 9223372036854775807},
    {"state": "Retrying", "sequence": 9223372036854775807},
    {"state": "Retrying", "lastAttemptTime": "0000-01-01T00:00:00Z"},
    {"state": "Delivered", "finishedTime": "0000-01-01T00:00:00Z"},
)

#: What a person may write into the Lease.
ODD_LEASES: tuple[dict[str, Any], ...] = (
    {"spec": {"leaseTransitions": 2147483647}},
    {"spec": {"leaseDurationSeconds": 2147483647}},
    {"spec": {"renewTime": "9999-12-31T23:59:59.000000Z"}},
    *(
        {"metadata": {"annotations": {IN_FLIGHT: text}}}
        for text in (
            "",
            "garbage",
            '{"format": 1, "entries": [[["a"], "b", "c", "d", 1]]}',
            '{"format": 1, "entries": [["a", "b", "../../x", "../y", 1]]}',
        )
    ),
)

#: How the events API may fail; Retry-After is in seconds.
SANDBOX: tuple[dict[str, Any], ...] = (
    {"status": 503, "retryAfter": 3},
    {"status": 503},
    {"status": 429, "retryAfter": 5},
    {"status": 500},
    {"hang": True},
    {"drop": "afterReading"},
    {"drop": "afterReading", "accept": True},
    {"status": 502, "accept": True},
    {"garbage": True, "accept": True},
)

#: Seconds until the breaker closes again and those who wait are tried.
AFTER_TROUBLE = 40.0

Happening = Callable[[World, Random], AbstractContextManager[None]]


class Fault(NamedTuple):
    """What may happen; `settles`: how many seconds later telling can be asked for again.

    None: all the while.
    """

    name: str
    happening: Happening
    settles: float | None = None
    longest: float = 15.0


def on_kubernetes() -> list[Fault]:
    """What happens between the operator and the API server, and to what lies there."""
    return [
        *(Fault(f"watch: {name}", _answered(WATCH, a, EndAtOnce())) for name, a in _odd()),
        *(
            Fault(f"list: {name}", _answered(LIST, a, InsertEvent(GONE, True)))
            for name, a in _odd()
        ),
        *(Fault(f"round: {name}", _answered(ROUND, a)) for name, a in _odd()),
        *(Fault(f"stream: {name}", _in_stream(InsertEvent(error_event(name)))) for name in ERRORS),
        Fault("stream: lost its place", _in_stream(InsertEvent(GONE, True))),
        Fault("stream: ends at once", _in_stream(EndAtOnce(), None), longest=40),
        Fault("stream: silent", _in_stream(Silence())),
        Fault("stream: each silent", _in_stream(Silence(), None)),
        *(Fault(f"stream: swallows {kind}", _swallowing(kind)) for kind in ("ADDED", "DELETED")),
        *(Fault(f"Lease PUT: {name}", _ruled("PUT", THE_LEASE, a), 5) for name, a in _refused()),
        *(Fault(f"Lease GET: {name}", _ruled("GET", THE_LEASE, a), 5) for name, a in _refused()),
        *(Fault(f"status: {name}", _ruled("PATCH", STATUS, a)) for name, a in _refused()),
        *(Fault(f"object: {name}", _ruled("GET", ONE, a)) for name, a in _odd()),
        *(
            Fault(f"all: {name}", _ruled(None, "/", Answer(int(name))), 5)
            for name in ("401", "503")
        ),
        Fault("all: slow", _ruled(None, "/", Delay(0.3))),
        Fault("all: ten minutes later", _ruled(None, "/", ShiftDate(600))),
        Fault("away: refused", _unreachable, 5),
        Fault("away: stopped", _stopped, 5, longest=8),
        *[Fault("planted status", _planted)] * 5,
        *[Fault("Lease by hand", _lease_by_hand, LEASE + POST_TIMEOUT + 5, 1)] * 5,
        *[Fault("Lease deleted", _lease_deleted, LEASE + POST_TIMEOUT + 5, 1)] * 2,
    ]


def on_the_remote_side() -> list[Fault]:
    """What the events API does."""
    return [
        Fault(f"sandbox: {json.dumps(fault)}", _sandbox(fault), AFTER_TROUBLE, 10)
        for fault in SANDBOX
    ]


def blow(
    world: World, lane: str, faults: list[Fault], calm: tuple[float, float], told: dict[str, int]
) -> None:
    """Let one fault after the other come and go until the storm is over."""
    choices = world.choices(lane)
    while not world.over.wait(choices.uniform(*calm)):
        fault = choices.choice(faults)
        seconds = choices.uniform(1, fault.longest)
        told[fault.name] = told.get(fault.name, 0) + 1
        world.trace(lane, fault.name, seconds=round(seconds, 1))
        with ExitStack() as stack:
            if fault.settles is not None:
                stack.enter_context(world.blocked(fault.settles))
            stack.enter_context(fault.happening(world, choices))
            world.over.wait(seconds)
        world.trace(lane, f"end of {fault.name}")


def _odd() -> Iterator[tuple[str, Action]]:
    yield from ANSWERS.items()


def _refused() -> Iterator[tuple[str, Action]]:
    yield from REFUSALS.items()


def _ruled(method: str | None, path: str, action: Action, count: int | None = None) -> Happening:
    @contextmanager
    def happening(world: World, _: Random) -> Iterator[None]:
        handle = world.proxy.add(Rule(method, path, action, count=count))
        try:
            yield
        finally:
            handle.remove()

    return happening


def _answered(path: str, action: Action, kick: Action | None = None) -> Happening:
    """Once or for a while, the next one; `kick` brings it about."""

    @contextmanager
    def happening(world: World, choices: Random) -> Iterator[None]:
        with ExitStack() as stack:
            count = choices.choice((1, None))
            stack.enter_context(_ruled("GET", path, action, count)(world, choices))
            if kick:
                stack.enter_context(_ruled("GET", WATCH, kick, 1)(world, choices))
            yield

    return happening


def _in_stream(action: Action, count: int | None = 1) -> Happening:
    return _ruled("GET", WATCH, action, count)


def _swallowing(kind: str) -> Happening:
    """Of the authors' namespaces: the canaries' are to be told sooner than a round comes."""
    return _in_stream(DropFrames(f'"type":"{kind}".*"namespace":"{AUTHORS[0][:-1]}'), None)


@contextmanager
def _unreachable(world: World, _: Random) -> Iterator[None]:
    world.proxy.down()
    try:
        yield
    finally:
        world.proxy.up()


@contextmanager
def _stopped(world: World, _: Random) -> Iterator[None]:
    with world.served:
        world.cluster.kill("kube-apiserver")
        try:
            yield
        finally:
            world.cluster.restart("kube-apiserver")


@contextmanager
def _planted(world: World, choices: Random) -> Iterator[None]:
    record = choices.choice(ODD_RECORDS)
    name = f"odd-{choices.randrange(10**9)}"
    with world.served:
        crowd.create_one(world.api, ODD, name, "with an odd record")
        try:
            crowd.plant(world.api, ODD, name, record)
        except AssertionError as error:  # the schema refuses it
            world.trace("planted", "refused", record=record, why=str(error)[:200])
    yield


@contextmanager
def _lease_by_hand(world: World, choices: Random) -> Iterator[None]:
    patch = choices.choice(ODD_LEASES)
    world.trace("Lease", "patched", patch=patch)
    with world.served:
        world.api.call("PATCH", LEASE_PATH, patch, content_type=crowd.MERGE_PATCH)
    yield


@contextmanager
def _lease_deleted(world: World, _: Random) -> Iterator[None]:
    with world.served:
        eventually("there is a Lease", partial(_delete_lease, world))
    yield


def _delete_lease(world: World) -> bool:
    try:
        world.api.call("DELETE", LEASE_PATH)
    except AssertionError:  # it was deleted before
        return False
    return True


def _sandbox(fault: dict[str, Any]) -> Happening:
    @contextmanager
    def happening(world: World, choices: Random) -> Iterator[None]:
        count = {} if choices.random() < 0.3 else {"count": choices.randint(1, 4)}
        world.timeline.call("PUT", "/sandbox/faults", {**fault, **count})
        try:
            yield
        finally:
            world.timeline.call("DELETE", "/sandbox/faults")

    return happening
