"""What others do while an attempt is under way: the API server, the remote side, and people."""

from __future__ import annotations

import itertools
from functools import partial

from conftest import CRD
from faults.oracles import CANARY, Fate
from faults.plans.plan import Plan
from faults.plans.rig import Leg, Rig
from operator_process import eventually
from promises import crowd
from promises.fleet import LEASE
from proxy import Answer

NAME = "event"

ONCE = Fate(posts=1)
#: Other content, or another object of that name: a telling of its own.
TOLD_ANEW = Fate(posts=2, ids=2)
#: Deleted while its POST was under way.
GONE = Fate(posts=1, deleted=True)

#: Events of a drain, of which so many are told when something happens to it; and the seconds that
#: each takes, so that there are always some under way.
DRAIN, BEGUN, SLOW = 60, 20, 0.2

CRD_NAME = "customevents.customevents.dev"


def lease_refused(rig: Rig, answer: Answer) -> dict[str, Fate]:
    """The write of an intent is answered so, twice."""
    refused = rig.place(Leg.LEASE, answer, NAME, count=2)
    rig.lead()
    rig.apply_until_held(NAME, refused)
    rig.until_ended()
    assert refused.hits == 2
    return {NAME: ONCE}


def lease_deleted(rig: Rig) -> dict[str, Fate]:
    """Nobody knows then what is under way: all wait until it must have ended."""
    leader = rig.lead()
    held = rig.hold(Leg.POST, NAME, answered=True)
    rig.apply_until_held(NAME, held)
    rig.api.call("DELETE", LEASE)
    held.release()
    leader.says("the Lease was deleted")
    rig.apply("after")
    return {NAME: ONCE, "after": ONCE}


def status_refused(rig: Rig) -> dict[str, Fate]:
    """As a policy does it: 403 for each write of a result in one namespace."""
    refused = rig.place(Leg.STATUS, Answer(403), NAME, count=None)
    rig.lead()
    rig.apply_until_held(NAME, refused)
    rig.apply("well", namespace=rig.other)
    rig.until_ended(rig.other)
    refused.remove()
    return {NAME: ONCE, f"{rig.other}/well": ONCE}


def key_rotated(rig: Rig) -> dict[str, Fate]:
    """A key is used for a second without a look at its file: events go until one is refused."""
    rig.lead()
    rig.rotate_key(f"{CANARY}-rotated")
    names = (f"{NAME}-{number}" for number in itertools.count())

    def refused() -> str | None:
        name = next(names)
        return name if rig.next_answer(name) == 403 else None

    waiting = eventually("the key is refused", refused)
    rig.rotate_key(CANARY)
    return {waiting: Fate(posts=2)}


def api_server_restarted(rig: Rig) -> dict[str, Fate]:
    """It is killed with attempts under way, and comes back."""
    rig.timeline.call("PUT", "/sandbox/faults", {"delaySeconds": SLOW})
    rig.lead()
    sources = crowd.create(rig.api, [rig.namespace], DRAIN)
    rig.until_told(BEGUN)
    rig.cluster.kill("kube-apiserver")
    rig.cluster.restart("kube-apiserver")
    return dict.fromkeys(sources, ONCE)


def crd_recreated(rig: Rig) -> dict[str, Fate]:
    """All events go with it."""
    rig.lead()
    rig.apply("before")
    rig.until_ended()
    rig.cluster.kubectl("delete", "crd", CRD_NAME)
    rig.cluster.kubectl("apply", "-f", str(CRD))
    asked = ("get", "customevents", "--all-namespaces")
    eventually("it is served", lambda: not rig.cluster.kubectl(*asked, check=False).returncode)
    rig.apply("after")
    return {"before": GONE, "after": ONCE}


def watch_stale(rig: Rig) -> dict[str, Fate]:
    """The watch shows neither the edit nor the deletion: the writes of the results do."""
    rig.lead()
    rig.apply("first")  # a new leader sends one alone, until that is answered
    rig.until_ended()
    names = ("edited", "deleted")
    held = [rig.hold(Leg.POST, name, answered=True) for name in names]
    rig.apply(*names)
    swallowed = []
    for name, each in zip(names, held, strict=True):
        rig.until_reached(each)
        swallowed.append(rig.swallow(name))
    crowd.edit(rig.api, rig.namespace, "edited", "told otherwise")
    crowd.delete(rig.api, rig.namespace, "deleted")
    for each in swallowed:
        rig.until_reached(each)
    for each in held:
        each.release()
    return {"edited": TOLD_ANEW, "deleted": GONE}


def deleted(rig: Rig, leg: Leg) -> dict[str, Fate]:
    """Its author deletes it before this request is answered."""
    rig.lead()
    held = rig.hold(leg, NAME, answered=True)
    rig.apply_until_held(NAME, held)
    crowd.delete(rig.api, rig.namespace, NAME)
    held.release()
    return {NAME: GONE}


def edited(rig: Rig) -> dict[str, Fate]:
    """Its author edits it before its POST is answered."""
    rig.lead()
    held = rig.hold(Leg.POST, NAME, answered=True)
    rig.apply_until_held(NAME, held)
    crowd.edit(rig.api, rig.namespace, NAME, "told otherwise")
    held.release()
    return {NAME: TOLD_ANEW}


def recreated(rig: Rig) -> dict[str, Fate]:
    """Its author deletes it and creates another one of that name before its POST is answered."""
    rig.lead()
    held = rig.hold(Leg.POST, NAME, answered=True)
    rig.apply_until_held(NAME, held)
    crowd.delete(rig.api, rig.namespace, NAME)
    rig.apply(NAME)
    held.release()
    return {NAME: TOLD_ANEW}


PLANS = [
    Plan(
        "lease-409",
        "the write of an intent is answered 409, twice",
        f"{NAME}: {ONCE}",
        partial(lease_refused, answer=Answer(409)),
    ),
    Plan(
        "lease-429",
        "the same with 429 and Retry-After",
        f"{NAME}: {ONCE}",
        partial(lease_refused, answer=Answer(429, retry_after=1)),
    ),
    Plan(
        "lease-503",
        "the same with 503",
        f"{NAME}: {ONCE}",
        partial(lease_refused, answer=Answer(503)),
    ),
    Plan(
        "lease-503-written",
        "the same with 503 although it was written",
        f"{NAME}: {ONCE}",
        partial(lease_refused, answer=Answer(503, after=True)),
        gates=True,
    ),
    Plan(
        "lease-deleted",
        "the Lease is deleted before a POST is answered",
        f"made anew, nothing told twice; the next event: {ONCE}",
        lease_deleted,
        gates=True,
    ),
    Plan(
        "status-refused",
        "each write of a status in one namespace is answered 403",
        f"the other namespace goes on; both: {ONCE}",
        status_refused,
        gates=True,
    ),
    Plan(
        "key-rotated",
        "the key's file holds a wrong key, then the right one",
        f"who was refused waits, then: {Fate(posts=2)}",
        key_rotated,
        gates=True,
    ),
    Plan(
        "api-restart",
        "the API server is killed in the middle of a drain",
        f"each of {DRAIN}: {ONCE}",
        api_server_restarted,
    ),
    Plan(
        "crd-recreated",
        "the CRD is deleted and created again",
        f"an event after that: {ONCE}",
        crd_recreated,
    ),
    Plan(
        "watch-stale",
        "an edit and a deletion before a POST's answer come in no watch",
        f"edited: {TOLD_ANEW}; deleted: {GONE}",
        watch_stale,
        gates=True,
    ),
    Plan(
        "event-deleted-committed",
        "an event is deleted before its intent is answered",
        str(GONE),
        partial(deleted, leg=Leg.LEASE),
    ),
    Plan(
        "event-deleted",
        "an event is deleted before its POST is answered",
        str(GONE),
        partial(deleted, leg=Leg.POST),
    ),
    Plan(
        "event-edited",
        "an event is edited before its POST is answered",
        str(TOLD_ANEW),
        edited,
    ),
    Plan(
        "event-recreated",
        "an event is deleted and created again before its POST is answered",
        str(TOLD_ANEW),
        recreated,
        gates=True,
    ),
]
