"""Which services an event is about: those released with it, selected, or named."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from localcluster import Cluster

from integration.audit import requests
from integration.conftest import Events, StartOperator
from integration.workloads import ROLLOUT_CRD, apply, rollout, workload
from operator_process import eventually
from promises import crowd

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
CHART = Path(__file__).parent / "chart-with-services"
INSTANCE = "app.kubernetes.io/instance"
MARKED = {INSTANCE: "checkout"}
IN_SHOP = {"app.kubernetes.io/part-of": "shop"}
SELECTING = {**SPEC, "scope": {"serviceSelector": {"matchLabels": IN_SHOP}}}

BURST = 1000
KINDS = ("deployments", "statefulsets", "daemonsets")


def services(found: dict[str, Any]) -> list[str]:
    names: list[str] = found["status"]["resolved"].get("serviceNames", [])
    return names


def source(found: dict[str, Any]) -> str:
    where: str = found["status"]["resolved"]["sources"]["serviceNames"]
    return where


def message(found: dict[str, Any]) -> str:
    (condition,) = found["status"]["conditions"]
    words: str = condition["message"]
    return words


def sent_services(events: Events) -> list[list[str] | None]:
    return [event["body"]["scope"].get("servicesNames") for event in events.sent()]


# --- What was released with the event


def install(cluster: Cluster, namespace: str, release: str, *args: str) -> None:
    cluster.helm("install", release, str(CHART), "--namespace", namespace, *args)


def test_an_event_in_a_chart_is_about_exactly_the_workloads_of_its_release(
    cluster: Cluster, events: Events, start_operator: StartOperator, figure: Callable[[str], None]
) -> None:
    start_operator()
    apply(cluster, events.namespace, workload("other", labels={INSTANCE: "other"}))
    begin = time.monotonic()
    install(cluster, events.namespace, "blue")
    found = events.until("blue", "Delivered")
    figure(f"helm install -> its event is Delivered: {time.monotonic() - begin:.1f} s")

    assert services(found) == ["blue-api", "blue-db", "blue-web"]
    assert source(found) == "label app.kubernetes.io/instance=blue"
    assert found["status"]["resolved"]["matchingServices"] == 3
    assert found["status"]["resolved"]["reach"] == (
        f"services blue-api or blue-db or blue-web, namespace {events.namespace}, cluster prod-eu-1"
    )
    assert sent_services(events) == [["blue-api", "blue-db", "blue-web"]]

    install(cluster, events.namespace, "green")
    assert services(events.until("green", "Delivered")) == ["green-api", "green-db", "green-web"]


def test_helms_own_annotation_is_enough_for_a_chart_without_labels(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    for release in ("blue", "green"):
        install(cluster, events.namespace, release, "--set", "instanceLabel=false")
    for release in ("blue", "green"):
        found = events.until(release, "Delivered")
        assert services(found) == [f"{release}-{name}" for name in ("api", "db", "web")]
        assert source(found) == f"annotation meta.helm.sh/release-name={release}"


def test_in_a_folder_the_event_may_come_before_its_workloads(
    cluster: Cluster, events: Events, start_operator: StartOperator, tmp_path: Path
) -> None:
    start_operator()
    (tmp_path / "a.yaml").write_text(events.manifest("checkout", SPEC, labels=MARKED))
    (tmp_path / "b.yaml").write_text(json.dumps(workload("web", labels=MARKED)))
    (tmp_path / "c.yaml").write_text(json.dumps(workload("db", "StatefulSet", labels=MARKED)))
    (tmp_path / "d.yaml").write_text(json.dumps(workload("agent", "DaemonSet", labels=MARKED)))
    applied = cluster.kubectl("apply", "-n", events.namespace, "-f", str(tmp_path)).stdout
    assert applied.startswith("customevent"), "the event is the first"
    assert services(events.until("checkout", "Delivered")) == ["agent", "db", "web"]


def test_an_event_that_is_edited_at_each_release_is_about_that_releases_workloads(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    apply(cluster, events.namespace, workload("web", labels=MARKED))
    events.apply("checkout", SPEC, labels=MARKED)
    assert services(events.until("checkout", "Delivered")) == ["web"]

    events.apply("checkout", {**SPEC, "summary": "checkout 1.5.0 is live"}, labels=MARKED)
    apply(cluster, events.namespace, workload("worker", labels=MARKED))
    found = events.until("checkout", "Delivered", generation=2)
    assert services(found) == ["web", "worker"]


def test_a_release_without_workloads_is_about_its_namespace_and_says_why(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    apply(cluster, events.namespace, workload("other"))
    begin = time.monotonic()
    events.apply("checkout", SPEC, labels=MARKED)
    found = events.until("checkout", "Delivered")
    assert time.monotonic() - begin >= 13, "the object's age counts in whole seconds, cut off"
    assert services(found) == []
    assert source(found) == "no workload with label app.kubernetes.io/instance=checkout"
    assert found["status"]["resolved"]["matchingServices"] == 1


def test_a_dry_run_shows_the_services_and_where_they_came_from(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    apply(cluster, events.namespace, workload("web", labels=MARKED))
    events.apply("dry", {**SPEC, "suspend": True}, labels=MARKED)
    found = events.until("dry", "Suspended")
    assert found["status"]["resolved"]["sources"] == {
        "clusters": "setting clusterName",
        "namespaces": "metadata.namespace",
        "serviceNames": "label app.kubernetes.io/instance=checkout",
    }
    assert services(found) == ["web"]
    assert events.sent() == []


def test_releases_are_not_looked_for_when_that_is_switched_off(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator(discovery_release="false")
    apply(cluster, events.namespace, workload("web", labels=MARKED))
    events.apply("checkout", SPEC, labels=MARKED)
    assert services(events.until("checkout", "Delivered")) == []


# --- A selector


def test_a_selector_names_what_it_selects_and_waits_for_what_is_not_there_yet(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    events.apply("checkout", SELECTING)
    held = events.until("checkout", "Held")
    assert held["status"]["conditions"][0]["reason"] == "NoServicesMatch"
    assert events.sent() == []

    apply(cluster, events.namespace, workload("other"), workload("web", labels=IN_SHOP))
    found = events.until("checkout", "Delivered")
    assert services(found) == ["web"]
    assert source(found) == "spec.scope.serviceSelector"


def test_a_selector_looks_into_the_namespace_that_is_named(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    requirement = {"key": "app.kubernetes.io/part-of", "operator": "NotIn", "values": ["shop"]}
    selector = {"matchExpressions": [requirement]}
    apply(cluster, events.namespace, workload("web", labels=IN_SHOP), workload("other"))
    scope = {"serviceSelector": selector, "namespaces": [events.namespace]}
    events.apply("checkout", {**SPEC, "scope": scope})
    assert services(events.until("checkout", "Delivered")) == ["other"]


def test_a_burst_shares_the_lists(
    cluster: Cluster,
    events: Events,
    start_operator: StartOperator,
    figure: Callable[[str], None],
) -> None:
    apply(cluster, events.namespace, *(workload(name, labels=IN_SHOP) for name in ("web", "api")))
    with crowd.administrator(cluster.kubeconfig) as administrator:
        crowd.create(administrator, [events.namespace], BURST, spec=lambda _: SELECTING)
        since = len(cluster.audit_log.read_text())
        begin = time.monotonic()
        start_operator(delivery_rate="0")
        found = crowd.until_terminal(administrator, events.namespace, within=120)
        seconds = time.monotonic() - begin
    assert crowd.states(found) == {"Delivered": BURST}
    assert {tuple(services(event)) for event in found} == {("api", "web")}
    made = [
        (request["verb"], request.get("objectRef", {}).get("resource"))
        for request in requests(cluster, since)
    ]
    lists = [made.count(("list", kind)) for kind in KINDS]
    figure(
        f"a burst of {BURST} events with a selector in {seconds:.1f} s: {lists} lists of {KINDS}"
    )
    assert min(lists) >= 1, "else they were not counted"
    assert max(lists) <= 1 + math.ceil(seconds / 30), "on a fast machine 2"


# --- Argo Rollouts


@pytest.fixture
def rollouts(cluster: Cluster) -> Iterator[Callable[[], None]]:
    """Installs the CRD when it is called; it is gone again when the test is over."""

    def install_crd() -> None:
        cluster.kubectl("apply", "-f", "-", input=json.dumps(ROLLOUT_CRD))
        eventually(
            "rollouts are served",
            lambda: cluster.kubectl("get", "rollouts", "-A", check=False).returncode == 0 or None,
        )

    yield install_crd
    cluster.kubectl("delete", "crd", "rollouts.argoproj.io", "--ignore-not-found")


def test_rollouts_are_services_once_their_crd_is_installed(
    cluster: Cluster, events: Events, start_operator: StartOperator, rollouts: Callable[[], None]
) -> None:
    start_operator()
    apply(cluster, events.namespace, workload("web", labels=IN_SHOP))
    events.apply("before", SELECTING)
    assert services(events.until("before", "Delivered")) == ["web"]

    rollouts()
    apply(cluster, events.namespace, rollout("canary", labels={INSTANCE: "canary"}))
    events.apply("after", SPEC, labels={INSTANCE: "canary"})
    assert services(events.until("after", "Delivered")) == ["canary"]


# --- Names, and who may reach wide


def test_a_misspelt_name_is_said_and_sent(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator()
    apply(cluster, events.namespace, workload("checkout"))
    events.apply("typo", {**SPEC, "scope": {"serviceNames": ["chekcout", "checkout"]}})
    found = events.until("typo", "Delivered")
    assert message(found) == (
        "Delivered at the first attempt. No workload here is named chekcout; misspelt?"
    )
    assert found["status"]["resolved"]["matchingServices"] == 1
    assert sent_services(events) == [["chekcout", "checkout"]]
    warned = ("get", "events", "--field-selector=reason=NoServicesMatch", "-o", "name")
    eventually("it is told beside it", lambda: events.kubectl(*warned))

    events.apply("right", {**SPEC, "scope": {"serviceNames": ["checkout"]}})
    assert message(events.until("right", "Delivered")) == "Delivered at the first attempt."


def test_where_events_must_not_reach_beyond_their_namespace_those_that_ask_fail(
    events: Events, start_operator: StartOperator
) -> None:
    start_operator(scope_wide_from="-")
    for name, scope in {
        "account": {"level": "Account"},
        "foreign": {"namespaces": ["kube-system"]},
        "elsewhere": {"clusters": ["prod-us-1"]},
    }.items():
        events.apply(name, {**SPEC, "scope": scope})
        found = events.until(name, "Failed")
        assert found["status"]["conditions"][0]["reason"] == "ScopeNotAllowed"
        assert "CUSTOMEVENTS_SCOPE_WIDE_FROM" in message(found)
    own = {"clusters": ["prod-eu-1"], "namespaces": [events.namespace]}
    events.apply("own", {**SPEC, "scope": own})
    events.until("own", "Delivered")
    assert len(events.sent()) == 1


def test_a_namespace_that_is_listed_may_reach_beyond_itself(
    events: Events, start_operator: StartOperator
) -> None:
    start_operator(scope_wide_from=f"platform,{events.namespace}")
    events.apply("wide", {**SPEC, "scope": {"level": "Account"}})
    events.until("wide", "Delivered")
