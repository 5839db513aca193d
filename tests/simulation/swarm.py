"""Draws plans. Each first draws which faults exist, and how often: so rare combinations happen.

A plan that reached something new is kept, and varied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from customevents import answers
from simulation.fates import OF_KUBERNETES, OF_THE_REMOTE_SIDE
from simulation.plan import WHOEVER, Deed, Plan

PODS = "abc"
NAMESPACES = ("shop", "bank")

#: Requests that may go wrong, those of the way of an event most of all.
REQUESTS = (
    *("PUT lease", "PATCH status", "POST remote") * 3,
    *("GET lease", "GET event") * 2,
    "POST lease",
    "LIST open work",
    "LIST events",
    "LIST workloads",
    "GET configmap",
    "PUT configmap",
    "POST notice",
    "DELETE event",
    "GET validate",
    "WATCH",
)

#: What a watch may meet.
OF_A_WATCH = ("silent", "short", "500")

#: Where something may happen to a replica in the middle of an attempt.
POINTS = tuple(
    f"{what} {point}"
    for what in ("PUT lease", "commit", "POST remote", "PATCH status")
    for point in ("begun", "sent", "done", "answered")
    if (what, point) != ("POST remote", "begun")
)

#: Of these, where it is about one event.
OF_AN_EVENT = tuple(point for point in POINTS if not point.startswith("PUT lease"))

#: What authors do to an event that is there, and how often one is of this kind.
OF_AUTHORS: dict[str, int] = {
    "edit": 6,
    "edit back": 3,
    "edit, refused": 1,
    "suspend": 2,
    "unsuspend": 2,
    "hold": 1,
    "set ttl": 1,
    "resend": 4,
    "take the resend back": 1,
    "label": 1,
    "delete": 2,
    "delete, held": 1,
    "re-create": 2,
    "restore, with status": 1,
    "restore, without": 1,
    "rewrite by another version": 1,
    "try a newer version": 1,
    "refuse one status": 1,
    "plant counts": 1,
    "edit beyond the schema": 1,
}

#: The share of plans in which something happens in the middle of whoever's attempt.
IN_CRISIS = 0.3

#: The share of those long enough in which a leader that was stopped comes back.
COMES_BACK = 0.2

#: The share in which nothing goes wrong: some rules are of that alone.
QUIET = 0.02

#: What else happens, and for how many seconds at most.
MISHAPS: dict[str, float] = {
    "kill": 0,
    "term": 0,
    "stop": 60,
    "part from kubernetes": 60,
    "part from kubernetes, there": 40,
    "part from kubernetes, back": 40,
    "part from the remote side": 60,
    "part from the remote side, back": 60,
    "set the clock": 7200,
    "deafen": 60,
}
#: What happens in the middle of whoever's attempt, and for how many seconds at most.
CRISES: dict[str, float] = {
    "kill": 0,
    "term": 0,
    "stop": 90,
    "go on": 0,
    "part from kubernetes": 60,
    "part from kubernetes, back": 40,
    "part from the remote side, back": 60,
    "delete the lease": 0,
    "cut watches": 0,
}
ADMINISTRATION: dict[str, float] = {
    "remove the CRD": 30,
    "apply an older CRD": 30,
    "terminate namespace": 30,
    "refuse statuses": 60,
    "mount a wrong key": 90,
    "unmount the key": 90,
    "remote weather": 90,
    "pause the operator": 40,
    "hold by setting": 60,
    "delete the lease": 0,
    "spoil the lease": 3,
    "clear the holder": 0,
    "api server down": 40,
    "compact": 0,
    "cut watches": 0,
    "deploy": 0,
}

WEATHERS = ("unreachable", "500", "hang before", "hang after", "reset after", "429 in 20 s", "404")


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    chance = Random(seed)
    calm = chance.choice((20.0, 40.0, 60.0, 100.0, 180.0))
    replicas = chance.choice((1, 2, 2, 3))
    deeds = [*_authors(chance, calm), *_others(chance, calm, replicas)]
    events = [deed.whom for deed in deeds if deed.do == "create"]
    if chance.random() < IN_CRISIS:
        deeds += _crises(chance, calm, events)
    if calm >= 100.0 and chance.random() < COMES_BACK:
        deeds += _comes_back(chance, calm, events)
    plan = Plan(
        seed=seed,
        replicas=replicas,
        deeds=tuple(sorted(deeds, key=lambda deed: deed.at)),
        rates=_rates(chance),
        shuffles=chance.random() < 0.8,
        slowest=chance.choice((0.01, 0.05, 0.5, 5.0)),
        lag=chance.choice((0.05, 0.5, 5.0, 20.0, 60.0)),  # beyond what a write is waited for
        offset=chance.choice((0.0, 0.0, 2.0, 3600.0)),
        drift=chance.choice((0.0, 0.0001, 0.01)),
        settings=_settings(chance),
        calm=calm,
        page=chance.choice((answers.PAGE, 1, 3)),
    )
    return _quiet(plan) if chance.random() < QUIET else plan


def _quiet(plan: Plan) -> Plan:
    """The same where nothing goes wrong, and events are only created."""
    deeds = tuple(deed for deed in plan.deeds if deed.do == "create" and deed.at > 5.0)
    return replace(plan, deeds=deeds, rates={}, lag=0.05, slowest=0.05)


#: What a plan near another one may have of a third.
VARIED = ("rates", "replicas", "settings", "slowest", "lag", "shuffles", "offset", "drift", "page")


def vary(plan: Plan, seed: int) -> Plan:
    """A plan near this one: with other chances, and some of its parts new."""
    chance = Random(seed)
    other = draw(chance.getrandbits(40))
    deeds = list(plan.deeds)
    for _ in range(chance.choice((0, 1, 2, 4))):
        if deeds and chance.random() < 0.5:
            deeds.pop(chance.randrange(len(deeds)))
        elif other.deeds:
            deeds.append(chance.choice(other.deeds))
    changed = replace(
        plan, seed=seed, struck=None, deeds=tuple(sorted(deeds, key=lambda deed: deed.at))
    )
    for name in VARIED:
        if chance.random() < 0.15:
            changed = replace(changed, **{name: getattr(other, name)})
    return changed


def _settings(chance: Random) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if chance.random() < 0.3:
        settings["ttl_enabled"] = True
    if chance.random() < 0.2:
        settings["delivery_on_unknown_outcome"] = "Hold"
    if chance.random() < 0.2:
        settings["delivery_in_flight"] = chance.choice((1, 2))
    if chance.random() < 0.2:
        settings["delivery_rate"] = chance.choice((0.0, 0.5, 2.0))
    if chance.random() < 0.07:
        settings["lease_duration"] = chance.choice((1.0, 3.0))  # a commit may outlive it
    if chance.random() < 0.2:
        settings["watch_namespaces"] = NAMESPACES
    if chance.random() < 0.2:
        settings["discovery_release"] = False
    if chance.random() < 0.2:
        settings["scope_wide_from"] = ("-",)
    return settings


def _rates(chance: Random) -> dict[str, float]:
    if chance.random() < 0.2:
        return {}
    rates = {}
    for _ in range(chance.choice((1, 2, 3, 5, 9))):
        what = chance.choice(REQUESTS)
        fates: Sequence[str] = OF_KUBERNETES
        if what == "WATCH":
            fates = OF_A_WATCH
        elif what in ("POST remote", "GET validate"):
            fates = OF_THE_REMOTE_SIDE
        rates[f"{what}: {chance.choice(fates)}"] = chance.choice((0.02, 0.1, 0.3))
    return rates


def _authors(chance: Random, calm: float) -> list[Deed]:
    deeds = []
    kinds = [kind for kind in OF_AUTHORS if chance.random() < 0.4] or ["edit"]
    weights = [OF_AUTHORS[kind] for kind in kinds]
    for number in range(chance.choice((1, 1, 2, 3, 5, 8))):
        whom = f"{chance.choice(NAMESPACES)}/e{number}"
        at = chance.uniform(0.0, calm * 0.8)
        deeds.append(Deed(at, "create", whom, float(chance.randrange(36))))
        for _ in range(chance.choice((0, 0, 1, 2, 4))):
            at = min(at + chance.choice((0.01, 0.3, 3.0, 20.0)) * chance.random(), calm)
            deeds.append(_of_an_author(chance, at, chance.choices(kinds, weights)[0], whom))
    return deeds


def _of_an_author(chance: Random, at: float, kind: str, whom: str) -> Deed:
    number = float(chance.randrange(2, 6))
    match kind:
        case "edit back":
            return Deed(at, "edit", whom, 1.0)
        case "edit, refused":
            return Deed(at, "edit", whom, 9.0)
        case "take the resend back":
            return Deed(at, "resend", whom)
        case "delete, held":
            return Deed(at, kind, whom, chance.uniform(1.0, 40.0))
        case "refuse one status" | "edit beyond the schema" | "try a newer version":
            return Deed(at, kind, whom, chance.uniform(1.0, 60.0))
        case "restore, with status":
            return Deed(at, "restore", whom, chance.uniform(0.1, 30.0))
        case "restore, without":
            return Deed(at, "restore", whom)
    return Deed(at, kind, whom, number)


def _others(chance: Random, calm: float, replicas: int) -> list[Deed]:
    deeds = []
    mishaps = [kind for kind in MISHAPS if chance.random() < 0.3]
    for _ in range(chance.choice((0, 1, 2, 4)) if mishaps else 0):
        kind = chance.choice(mishaps)
        point = chance.choice(POINTS) if chance.random() < 0.5 else ""
        if kind == "set the clock":
            point = ""
        much = chance.uniform(0.0, MISHAPS[kind])
        pod, count = chance.choice(PODS[:replicas]), chance.choice((1, 1, 2, 5))
        deeds.append(Deed(chance.uniform(0.0, calm), kind, pod, much, point, count))
    administration = [kind for kind in ADMINISTRATION if chance.random() < 0.15]
    for _ in range(chance.choice((0, 1, 2)) if administration else 0):
        kind = chance.choice(administration)
        whom = chance.choice(WEATHERS if kind == "remote weather" else NAMESPACES)
        much = chance.uniform(0.0, ADMINISTRATION[kind])
        deeds.append(Deed(chance.uniform(0.0, calm), kind, whom, much))
    return deeds


def _crises(chance: Random, calm: float, events: Sequence[str]) -> list[Deed]:
    """What meets a replica in the middle of an attempt, whichever it is, and what authors do."""
    deeds = []
    for _ in range(chance.choice((1, 2, 3))):
        kind, at = chance.choice(tuple(CRISES)), chance.uniform(0.0, calm / 2)
        much = chance.choice((0.1, 1.0)) * chance.uniform(0.0, CRISES[kind])
        deeds.append(_at_a_point(chance, Deed(at, kind, WHOEVER, much)))
    writes = [_of_any_author(chance, calm / 2, events) for _ in range(chance.choice((0, 0, 1, 2)))]
    return [*deeds, *(_at_a_point(chance, deed) for deed in writes)]


def _comes_back(chance: Random, calm: float, events: Sequence[str]) -> list[Deed]:
    """A leader is stopped in an attempt, and goes on in one of its successor's.

    An author writes as soon as a status has changed, and so there is something new to tell by then.
    """
    begins, whom = chance.uniform(0.0, calm / 4), chance.choice(events)
    kind = chance.choice(("edit", "edit back", "resend", "suspend", "hold", "delete"))
    stop, goes_on = Deed(begins, "stop", WHOEVER, calm), Deed(begins, "go on", WHOEVER)
    writes = _of_an_author(chance, begins, kind, whom)
    return [
        replace(stop, point=chance.choice(OF_AN_EVENT)),
        replace(writes, point="PATCH status done", count=chance.choice((1, 1, 2))),
        replace(goes_on, point=chance.choice(OF_AN_EVENT), count=chance.choice((1, 2, 2, 3))),
    ]


def _of_any_author(chance: Random, until: float, events: Sequence[str]) -> Deed:
    kind = chance.choices(tuple(OF_AUTHORS), tuple(OF_AUTHORS.values()))[0]
    return _of_an_author(chance, chance.uniform(0.0, until), kind, chance.choice(events))


def _at_a_point(chance: Random, deed: Deed) -> Deed:
    """From its time on, at a point of whoever's attempt."""
    return replace(deed, point=chance.choice(POINTS), count=chance.choice((1, 1, 1, 2, 4)))
