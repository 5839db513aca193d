"""What is asked of both API servers about the other kinds that the operator reads and writes.

Each case is one function, whose name is the sentence that is true of both.
"""

from __future__ import annotations

from simulation.comparing import Asking, Case
from simulation.manifests import ALL_EVENTS, GROUP, OPERATOR, Raw, event, events, workload

TIME = "2026-01-31T12:00:00.000000Z"


def _leases(asked: Asking) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{asked.namespace}/leases"


def _maps(asked: Asking) -> str:
    return f"/api/v1/namespaces/{asked.namespace}/configmaps"


def _notices(asked: Asking) -> str:
    return f"/apis/events.k8s.io/v1/namespaces/{asked.namespace}/events"


def _lease(**spec: object) -> Raw:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l", "annotations": {"customevents.dev/in-flight": "[]"}},
        "spec": {
            "holderIdentity": "one",
            "leaseDurationSeconds": 15,
            "acquireTime": TIME,
            "renewTime": TIME,
            "leaseTransitions": 0,
            **spec,
        },
    }


def a_lease_is_made_once(asked: Asking) -> None:
    asked.get(f"{_leases(asked)}/l")
    asked.post(_leases(asked), _lease(), **OPERATOR)
    asked.post(_leases(asked), _lease(holderIdentity="two"), **OPERATOR)
    asked.get(f"{_leases(asked)}/l")
    asked.get(_leases(asked))


def a_lease_is_swapped_for_what_was_read(asked: Asking) -> None:
    path = f"{_leases(asked)}/l"
    read = asked.post(_leases(asked), _lease(), **OPERATOR).json
    asked.put(path, read, **OPERATOR)
    newer = {**read, "spec": {**read["spec"], "renewTime": "2026-01-31T12:00:05.123456Z"}}
    asked.put(path, newer, **OPERATOR)
    asked.put(path, newer, **OPERATOR)
    last = asked.get(path).json
    freed = {**last, "spec": {**last["spec"], "holderIdentity": ""}}
    freed["metadata"] = {**last["metadata"], "annotations": {}}
    asked.put(path, freed, **OPERATOR)


def a_lease_without_a_version_is_not_swapped(asked: Asking) -> None:
    read = asked.post(_leases(asked), _lease(), **OPERATOR).json
    del read["metadata"]["resourceVersion"]
    asked.put(f"{_leases(asked)}/l", read, **OPERATOR)


def a_lease_of_another_uid_is_another(asked: Asking) -> None:
    read = asked.post(_leases(asked), _lease(), **OPERATOR).json
    read["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555"
    asked.put(f"{_leases(asked)}/l", read, **OPERATOR)


def a_lease_that_is_gone_is_made_anew_only_without_its_uid(asked: Asking) -> None:
    path = f"{_leases(asked)}/l"
    read = asked.post(_leases(asked), _lease(), **OPERATOR).json
    asked.delete(path)
    asked.put(path, read, **OPERATOR)
    without_version = {k: v for k, v in read["metadata"].items() if k != "resourceVersion"}
    asked.put(path, {**read, "metadata": without_version}, **OPERATOR)
    without_uid = {k: v for k, v in read["metadata"].items() if k != "uid"}
    asked.put(path, {**read, "metadata": without_uid}, **OPERATOR)
    asked.delete(path)
    asked.put(path, _lease(), **OPERATOR)


def a_lease_must_be_one(asked: Asking) -> None:
    for spec in (
        {"leaseDurationSeconds": -1, "leaseTransitions": -1},
        {"leaseDurationSeconds": 0},
        {"leaseDurationSeconds": "15"},
        {"leaseDurationSeconds": 15.5},
        {"leaseTransitions": 2**31},
        {"renewTime": "2026-01-31T12:00:00Z"},
        {"renewTime": "never"},
        {"holderIdentity": 5},
    ):
        asked.post(_leases(asked), _lease(**spec), dryRun="All", **OPERATOR)
    asked.post(_leases(asked), _lease(holderIdentity=None, unknown=1, renewTime=None))


def a_config_map_is_made_and_swapped(asked: Asking) -> None:
    path = f"{_maps(asked)}/m"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}
    asked.get(path)
    asked.put(path, {**config, "data": {"a": "0"}})
    read = asked.post(_maps(asked), {**config, "data": {"a": "1"}}, **OPERATOR).json
    asked.post(_maps(asked), {**config, "data": {"a": "1"}}, **OPERATOR)
    asked.put(path, {**read, "data": {"a": "2"}}, **OPERATOR)
    asked.put(path, {**read, "data": {"a": "3"}}, **OPERATOR)
    asked.put(path, {**config, "data": {"a": "4"}}, fieldManager="another")
    asked.put(path, {**config, "data": {"a": 4}}, **OPERATOR)
    asked.merge(path, {"data": {"b": "5"}})
    asked.get(_maps(asked))
    asked.delete(path)
    asked.put(path, read, **OPERATOR)


def a_notice_is_written(asked: Asking) -> None:
    asked.post(_notices(asked), _notice(asked), **OPERATOR)
    asked.get(_notices(asked))


def a_notice_must_be_one(asked: Asking) -> None:
    for fields in (
        {"note": "n" * 1025},
        {"note": "é" * 512},
        {"note": "é" * 513},
        {"type": "Odd"},
        {"reason": ""},
        {"action": ""},
        {"eventTime": None},
        {"reportingInstance": "i" * 129},
        {"reportingInstance": ""},
    ):
        asked.post(_notices(asked), {**_notice(asked), **fields}, dryRun="All", **OPERATOR)
    elsewhere = _notices(asked).replace(asked.namespace, "nowhere")
    notice = {**_notice(asked), "metadata": {"generateName": "made-"}}
    asked.post(elsewhere, {**notice, "regarding": {"namespace": "nowhere"}}, **OPERATOR)


def _notice(asked: Asking) -> Raw:
    about = {"apiVersion": "customevents.dev/v1alpha1", "kind": "CustomEvent", "name": "e"}
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "made-", "namespace": asked.namespace},
        "eventTime": TIME,
        "reportingController": "customevents.dev/operator",
        "reportingInstance": "a-pod",
        "action": "Deliver",
        "type": "Warning",
        "reason": "Refused",
        "note": "it was refused",
        "regarding": {**about, "namespace": asked.namespace, "uid": "e5c0"},
    }


def workloads_are_listed_by_their_metadata(asked: Asking) -> None:
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        path = f"/apis/apps/v1/namespaces/{asked.namespace}/{kind.lower()}s"
        asked.get_metadata(path, limit=50)
        asked.get(path, limit=50)
        for name in ("c", "a", "b"):
            asked.post(path, workload(kind, name, tier="web"))
        more = asked.get_metadata(path, limit=2).metadata["continue"]
        asked.delete(f"{path}/c")
        asked.get_metadata(path, limit=2, **{"continue": more})
        asked.get_metadata(path, labelSelector="app=b", limit=20)
        asked.get_metadata(path, fieldSelector="metadata.name=a", limit=20)
        asked.get(path, fieldSelector="spec.replicas=1")


def kinds_that_nobody_serves_are_not_found(asked: Asking) -> None:
    for path in (
        f"/apis/argoproj.io/v1alpha1/namespaces/{asked.namespace}/rollouts",
        "/apis/about.k8s.io/v1beta1/clusterproperties/cluster.clusterset.k8s.io",
        "/apis/apps/v1/nothing",
        "/api/v1/nothing",
        f"{GROUP}/nothing",
        "/nothing",
    ):
        asked.get(path, limit=50)


def nodes_and_namespaces_are_read(asked: Asking) -> None:
    asked.get("/api/v1/nodes", limit=1)
    asked.get_metadata("/api/v1/nodes", limit=20)
    asked.get(f"/api/v1/namespaces/{asked.namespace}")
    asked.get("/api/v1/namespaces/nowhere")
    asked.delete(f"/api/v1/namespaces/{asked.namespace}")
    asked.get(f"/api/v1/namespaces/{asked.namespace}")


def without_its_crd_a_kind_is_not_served(asked: Asking) -> None:
    """And after it is applied anew, nothing goes on from before."""
    since = asked.post(events(asked), event("a")).version
    asked.post(events(asked), event("b"))
    more = asked.get(events(asked), limit=1).more
    asked.server.remove_crd()
    for path in (ALL_EVENTS, events(asked), f"{events(asked)}/a", f"{events(asked)}/a/status"):
        asked.get(path)
    asked.post(events(asked), event("c"))
    asked.patch(f"{events(asked)}/a/status")
    asked.delete(f"{events(asked)}/a")
    asked.get(_leases(asked))
    asked.server.restore_crd()
    asked.get(events(asked))
    asked.watch(events(asked), since)
    asked.get(events(asked), limit=1, **{"continue": more})
    since = asked.post(events(asked), event("a")).version
    asked.post(events(asked), event("b"))
    asked.watch(events(asked), since)


def what_is_forgotten_has_expired(asked: Asking) -> None:
    """A token of an expired list leads on, with another that shows what is there now."""
    since = asked.post(events(asked), event("a")).version
    asked.post(events(asked), event("c"))
    more = asked.get(events(asked), limit=1).more
    asked.delete(f"{events(asked)}/c")
    asked.post(events(asked), event("b"))
    asked.server.forget(f"{events(asked)}?limit=1&continue={more}")
    asked.watch(events(asked), since)
    another = asked.get(events(asked), limit=1, **{"continue": more}).more
    asked.get(events(asked), limit=1, **{"continue": another})
    now = asked.get(events(asked), limit=1).version
    asked.watch(events(asked), now)


CASES: tuple[Case, ...] = (
    a_lease_is_made_once,
    a_lease_is_swapped_for_what_was_read,
    a_lease_without_a_version_is_not_swapped,
    a_lease_of_another_uid_is_another,
    a_lease_that_is_gone_is_made_anew_only_without_its_uid,
    a_lease_must_be_one,
    a_config_map_is_made_and_swapped,
    a_notice_is_written,
    a_notice_must_be_one,
    workloads_are_listed_by_their_metadata,
    kinds_that_nobody_serves_are_not_found,
    nodes_and_namespaces_are_read,
    without_its_crd_a_kind_is_not_served,
    what_is_forgotten_has_expired,  # starts the real one anew, and is the last
)
