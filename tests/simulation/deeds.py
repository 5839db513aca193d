"""What authors, administrators and mishaps do in the world, each by its name in a plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from customevents import kube
from customevents.resource.event import GROUP, KIND, RESEND_ANNOTATION, RESTORED_LABEL, VERSION
from customevents.resource.lease import FORMAT, IN_FLIGHT
from customevents.resource.status import to_seconds
from simulation.judge import UNREADABLE
from simulation.plan import Deed
from simulation.remote import REFUSED
from simulation.replica import HOME, NAME

if TYPE_CHECKING:
    from simulation.world import World

MERGE = kube.MERGE_PATCH
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{NAME}"

#: How an event may be written, beside its content.
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"onUnknownOutcome": "Hold"},
    {"deliveryDeadlineSeconds": 60},
    {"ttlSecondsAfterFinished": 5},
    {"suspend": True},
    {"scope": {"serviceNames": ["checkout"]}},
    {"scope": {"serviceSelector": {"matchLabels": {"app": "checkout"}}}},
    {"scope": {"level": "Account"}},
    {"scope": {"namespaces": ["elsewhere"]}},
    {"severity": "Error", "details": {"who": "somebody"}},
)

#: Of these, some say themselves when they occurred: so many seconds before they are written.
OCCURRED = {16: 50.0, 28: 30.0}

#: A state that only a newer version of the operator knows.
NEWER = "Snoozed"

#: The label by which the workloads of a release are found.
RELEASE = {"app.kubernetes.io/instance": "checkout"}


def do(world: World, deed: Deed) -> None:
    """Do it, as far as it can be done now."""
    _DEEDS[deed.do](world, deed)


def summary(name: str, version: float) -> str:
    """What an event says in this version of its content; the ninth is refused for good."""
    return f"{name} {REFUSED}" if version == 9 else f"{name} v{version:g}"


# Authors.


def _path(deed: Deed) -> tuple[str, str, str]:
    namespace, _, name = deed.whom.partition("/")
    return namespace, name, f"{kube.collection(namespace)}/{name}"


def _manifest(name: str, variant: float, version: float, now: datetime) -> dict[str, Any]:
    spec = {"eventType": "release", "summary": summary(name, version)}
    if before := OCCURRED.get(int(variant)):
        spec["occurredAt"] = to_seconds(now - timedelta(seconds=before))
    labels = RELEASE if int(variant) % 7 == 3 else {}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": name, "labels": labels},
        "spec": spec | VARIANTS[int(variant) % len(VARIANTS)],
    }


def _create(world: World, deed: Deed) -> None:
    namespace, name, _ = _path(deed)
    body = _manifest(name, deed.much, 9 if deed.much == 29 else 1, world.now())
    made = world.author("POST", kube.collection(namespace), body)
    if made:
        world.judge.made(made)


def _patch(world: World, deed: Deed, body: dict[str, Any]) -> None:
    _, _, path = _path(deed)
    before = world.author("GET", path)
    after = world.author("PATCH", path, body, MERGE)
    if after and before:
        world.judge.wrote(before, after)


def _edit(world: World, deed: Deed) -> None:
    _, name, _ = _path(deed)
    _patch(world, deed, {"spec": {"summary": summary(name, deed.much)}})


def _spec(field: str, value: Any) -> Callable[[World, Deed], None]:
    def write(world: World, deed: Deed) -> None:
        _patch(world, deed, {"spec": {field: value}})

    return write


def _resend(world: World, deed: Deed) -> None:
    value = f"r{deed.much:g}" if deed.much else None
    _patch(world, deed, {"metadata": {"annotations": {RESEND_ANNOTATION: value}}})


def _label(world: World, deed: Deed) -> None:
    _patch(world, deed, {"metadata": {"labels": {"touched": f"t{deed.much:g}"}}})


def _delete(world: World, deed: Deed) -> None:
    world.author("DELETE", _path(deed)[2])


def _hold_deletion(world: World, deed: Deed) -> None:
    """Delete it while somebody's finalizer holds it for a while."""
    _patch(world, deed, {"metadata": {"finalizers": ["example.com/held"]}})
    world.author("DELETE", _path(deed)[2])
    release = {"metadata": {"finalizers": None}}
    world.for_a_while(deed.much, lambda: _patch(world, deed, release))


def _recreate(world: World, deed: Deed) -> None:
    _delete(world, deed)
    _create(world, deed)


def _restore(world: World, deed: Deed) -> None:
    """A backup brings it back: with the status of the moment at which it was made, or without."""
    namespace, _, path = _path(deed)
    saved = world.author("GET", path)
    if not saved:
        return
    with_status = bool(deed.much)

    def back() -> None:
        world.author("DELETE", path)
        labels = {**saved["metadata"].get("labels", {}), RESTORED_LABEL: "nightly"}
        body = {**saved, "metadata": {"name": saved["metadata"]["name"], "labels": labels}}
        annotations = saved["metadata"].get("annotations")
        if annotations:
            body["metadata"]["annotations"] = annotations
        made = world.author("POST", kube.collection(namespace), body)
        if not made:
            return
        if with_status:
            body = {**made, "status": saved["status"]}
            made = world.author("PUT", f"{path}/status", body) or made
        world.judge.restored(made, saved, with_status=with_status)

    world.for_a_while(deed.much or 4.0, back)


def _deploy(world: World, deed: Deed) -> None:
    """The workload that selectors and releases look for appears, or goes."""
    where = f"/apis/apps/v1/namespaces/{deed.whom}/deployments"
    if deed.much:
        world.author("DELETE", f"{where}/checkout")
        return
    labels = {"app": "checkout", **RELEASE}
    metadata = {"name": "checkout", "labels": labels}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {}}
    world.author("POST", where, body)


# Administrators.


def _remove_crd(world: World, deed: Deed) -> None:
    world.server.remove_crd()
    world.cut_watches()
    world.for_a_while(deed.much, world.server.restore_crd)


def _apply_older_crd(world: World, deed: Deed) -> None:
    """A CRD that does not know the receipt; and back, as the operator then says, with a restart."""
    older = json.loads(json.dumps(world.crd))
    schema = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["status"]["properties"]["delivery"]["properties"]["contentHash"]
    world.server.apply_crd(older)

    def back() -> None:
        world.server.apply_crd(world.crd)
        for each in world.replicas.values():
            each.ask_to_stop()

    world.for_a_while(deed.much, back)


def _edit_beyond_the_schema(world: World, deed: Deed) -> None:
    """An edit that a CRD of another version takes, and the operator cannot read; and back."""
    other = json.loads(json.dumps(world.crd))
    schema = other["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["severity"].pop("enum")
    world.server.apply_crd(other)
    before = world.author("GET", _path(deed)[2]).get("spec", {})
    _patch(world, deed, {"spec": {"severity": UNREADABLE}})

    def back() -> None:
        _patch(world, deed, {"spec": {"severity": before.get("severity")}})
        world.server.apply_crd(world.crd)

    world.for_a_while(deed.much, back)


def _terminate(world: World, deed: Deed) -> None:
    world.server.terminate_namespace(deed.whom)

    def over() -> None:
        world.server.remove_namespace(deed.whom)
        world.server.create_namespace(deed.whom)

    world.for_a_while(deed.much, over)


def _refuse(world: World, deed: Deed) -> None:
    world.refusing.add(deed.whom)
    world.for_a_while(deed.much, lambda: world.refusing.discard(deed.whom))


def _mount(kind: str) -> Callable[[World, Deed], None]:
    def mount(world: World, deed: Deed) -> None:
        _set_key(world, kind)
        world.for_a_while(deed.much, lambda: _set_key(world, "good"))

    return mount


def _set_key(world: World, kind: str) -> None:
    world.remote.key = kind
    world.remote.keys += 1


def _weather(world: World, deed: Deed) -> None:
    """Every POST meets the same."""
    world.remote.weather = deed.whom

    def over() -> None:
        world.remote.weather = ""

    world.for_a_while(deed.much, over)


def _set(name: str, value: Any) -> Callable[[World, Deed], None]:
    """Change a setting, which rolls the pods out anew; and back."""

    def change(world: World, deed: Deed) -> None:
        before = world.plan.settings.get(name)
        _roll_out(world, name, value)
        world.for_a_while(deed.much, lambda: _roll_out(world, name, before))

    return change


def _roll_out(world: World, name: str, value: Any) -> None:
    if value is None:
        world.settings.pop(name, None)
    else:
        world.settings[name] = value
    for each in world.replicas.values():
        each.ask_to_stop()


def _delete_lease(world: World, _: Deed) -> None:
    world.judge.lease_is_touched()
    world.author("DELETE", LEASE)


def _spoil_lease(world: World, deed: Deed) -> None:
    """Somebody edits its list: away, into what cannot be read, or with a row that names nothing."""
    world.judge.lease_is_touched()
    rows = [astuple(intent) for intent in world.intents()]
    spoilt = (None, "{", json.dumps({"format": FORMAT, "entries": [*rows, ["nobody"]]}))
    annotations = {IN_FLIGHT: spoilt[int(deed.much) % len(spoilt)]}
    world.author("PATCH", LEASE, {"metadata": {"annotations": annotations}}, MERGE)


def _take_lease_away(world: World, _: Deed) -> None:
    """Somebody clears the holder by hand."""
    world.judge.lease_is_touched()
    world.author("PATCH", LEASE, {"spec": {"holderIdentity": ""}}, MERGE)


def _api_down(world: World, deed: Deed) -> None:
    world.is_down = True
    world.cut_watches()

    def over() -> None:
        world.is_down = False

    world.for_a_while(deed.much, over)


def _compact(world: World, _: Deed) -> None:
    world.server.compact()


def _cut_watches(world: World, _: Deed) -> None:
    world.cut_watches()


def _deafen(world: World, deed: Deed) -> None:
    world.deaf.add(deed.whom)
    world.for_a_while(deed.much, lambda: world.deaf.discard(deed.whom))


def _plant(world: World, deed: Deed) -> None:
    """Somebody writes a record in which nothing can be counted on."""
    _, _, path = _path(deed)
    found = world.author("GET", path)
    if not found:
        return
    most = 2**31 - 1
    counts = {"attempts": most, "unknownOutcomes": most, "sequence": most}
    record = {"state": "Retrying", "id": "planted", "contentHash": "v1:0", **counts}
    body = {**found, "status": {**found["status"], "delivery": record}}
    if made := world.author("PUT", f"{path}/status", body):
        world.judge.rewritten(made)


def _rewrite(world: World, deed: Deed) -> None:
    """Another version of the operator has written the record: its hash is of another kind.

    A while later its author changes how it is delivered, and nothing of what it tells.
    """
    _, _, path = _path(deed)
    found = world.author("GET", path)
    record = (found or {}).get("status", {}).get("delivery", {})
    if record.get("state") != "Delivered" or not record.get("contentHash", "").startswith("v1:"):
        return
    other = {**record, "contentHash": "v7:" + record["contentHash"][3:]}
    body = {**found, "status": {**found["status"], "delivery": other}}
    if made := world.author("PUT", f"{path}/status", body):
        world.judge.rewritten(made)
    world.for_a_while(deed.much, lambda: _spec("onUnknownOutcome", "Hold")(world, deed))


def _try_newer_version(world: World, deed: Deed) -> None:
    """A newer version of the operator has written a state that this one cannot read; and back."""
    _, _, path = _path(deed)
    other = json.loads(json.dumps(world.crd))
    schema = other["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    delivery = schema["properties"]["status"]["properties"]["delivery"]["properties"]
    delivery["state"]["enum"].append(NEWER)
    world.server.apply_crd(other)
    before = _state(world, path)
    if before not in ("", NEWER):
        _set_state(world, path, NEWER)

    def back() -> None:
        if _state(world, path) == NEWER and before not in ("", NEWER):
            _set_state(world, path, before)
        world.server.apply_crd(world.crd)

    world.for_a_while(deed.much, back)


def _state(world: World, path: str) -> str:
    """What stands on its record; empty: nothing does."""
    found = world.author("GET", path) or {}
    return str(found.get("status", {}).get("delivery", {}).get("state", ""))


def _set_state(world: World, path: str, state: str) -> None:
    found = world.author("GET", path)
    record = {**found["status"]["delivery"], "state": state}
    body = {**found, "status": {**found["status"], "delivery": record}}
    if made := world.author("PUT", f"{path}/status", body):
        world.judge.rewritten(made)


# Mishaps of replicas.


def _kill(world: World, deed: Deed) -> None:
    if replica := world.replicas.get(deed.whom):
        replica.kill()


def _term(world: World, deed: Deed) -> None:
    if replica := world.replicas.get(deed.whom):
        replica.ask_to_stop()


def _stop(world: World, deed: Deed) -> None:
    replica = world.replicas.get(deed.whom)
    if replica is None or not replica.runs:
        return
    replica.stop()
    world.for_a_while(deed.much, replica.resume)


def _go_on(world: World, _: Deed) -> None:
    """All that were stopped are resumed: best in the middle of their successor's attempt."""
    for each in world.replicas.values():
        each.resume()


def _part(whom: str, *sides: str) -> Callable[[World, Deed], None]:
    def part(world: World, deed: Deed) -> None:
        ways = {(deed.whom, whom, side) for side in sides}
        world.parted |= ways
        world.for_a_while(deed.much, partial(_join, world, ways))

    return part


def _join(world: World, ways: set[tuple[str, str, str]]) -> None:
    world.parted -= ways


def _set_clock(world: World, deed: Deed) -> None:
    if replica := world.replicas.get(deed.whom):
        replica.offset += deed.much


_DEEDS: dict[str, Callable[[World, Deed], None]] = {
    "create": _create,
    "edit": _edit,
    "suspend": _spec("suspend", True),
    "unsuspend": _spec("suspend", None),
    "hold": _spec("onUnknownOutcome", "Hold"),
    "set ttl": _spec("ttlSecondsAfterFinished", 3),
    "resend": _resend,
    "label": _label,
    "delete": _delete,
    "delete, held": _hold_deletion,
    "re-create": _recreate,
    "restore": _restore,
    "deploy": _deploy,
    "remove the CRD": _remove_crd,
    "apply an older CRD": _apply_older_crd,
    "edit beyond the schema": _edit_beyond_the_schema,
    "terminate namespace": _terminate,
    "refuse statuses": _refuse,
    "refuse one status": _refuse,
    "plant counts": _plant,
    "mount a wrong key": _mount("wrong"),
    "unmount the key": _mount("missing"),
    "remote weather": _weather,
    "pause the operator": _set("delivery_paused", True),
    "hold by setting": _set("delivery_on_unknown_outcome", "Hold"),
    "delete the lease": _delete_lease,
    "spoil the lease": _spoil_lease,
    "clear the holder": _take_lease_away,
    "api server down": _api_down,
    "compact": _compact,
    "cut watches": _cut_watches,
    "deafen": _deafen,
    "rewrite by another version": _rewrite,
    "try a newer version": _try_newer_version,
    "kill": _kill,
    "term": _term,
    "stop": _stop,
    "go on": _go_on,
    "part from kubernetes": _part("kubernetes", "there", "back"),
    "part from kubernetes, there": _part("kubernetes", "there"),
    "part from kubernetes, back": _part("kubernetes", "back"),
    "part from the remote side": _part("remote", "there"),
    "part from the remote side, back": _part("remote", "back"),
    "set the clock": _set_clock,
}

#: All that can be done.
ALL = tuple(_DEEDS)
