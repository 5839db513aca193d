"""What a real API server makes of CustomEvents: what it takes, refuses and fills in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from localcluster import Cluster

from contract.cases import ACCEPTED, REFUSED, UNKNOWN_FIELDS, Json, scope, spec
from contract.events_in_cluster import COLLECTION, Events, answer, manifest
from contract.status_cases import ACCEPTED_STATUS, FULL_STATUS, REFUSED_STATUS
from namespaces import temporary_namespace

STATUS_OF_NOBODY = {
    "conditions": [
        {
            "type": "Delivered",
            "status": "Unknown",
            "reason": "Pending",
            "message": "Waiting for the operator; if this stays, is this namespace watched? "
            "Try: customevents check",
        }
    ],
    "delivery": {"state": "Pending"},
}


@pytest.fixture(scope="module")
def shared_events(api: client.ApiClient) -> Iterator[Events]:
    """A namespace for dry runs, which leave nothing behind; in it one object, named `event`."""
    with temporary_namespace(api, "crd-cases") as name:
        events = Events(api, name)
        events.create(spec())
        yield events


# --- what is taken, and what is refused ---


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(shared_events: Events, case: str) -> None:
    shared_events.create(ACCEPTED[case], name="another", dry_run="All")


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_clear_message(shared_events: Events, case: str) -> None:
    wrong, expected = REFUSED[case]

    assert shared_events.refusal(wrong) == expected


@pytest.mark.parametrize("case", UNKNOWN_FIELDS)
def test_an_unknown_field_is_refused_by_its_name(shared_events: Events, case: str) -> None:
    wrong, field = UNKNOWN_FIELDS[case]

    assert f'strict decoding error: unknown field "{field}"' in shared_events.refusal(wrong)


def test_an_object_without_a_spec_is_refused(api: client.ApiClient) -> None:
    with pytest.raises(ApiException) as refused:
        client.CustomObjectsApi(api).create_namespaced_custom_object(
            *COLLECTION,
            "default",
            "customevents",
            {key: part for key, part in manifest("empty", {}).items() if key != "spec"},
        )

    assert answer(refused.value) == "spec: Required value"


def test_a_misspelt_scope_does_not_widen_the_event_where_unknown_fields_are_dropped(
    shared_events: Events,
) -> None:
    misspelt = scope(servicesNames=["checkout"])

    assert "a misspelt field may have been dropped" in shared_events.refusal(
        misspelt, field_validation="Ignore"
    )


def test_all_that_is_wrong_with_a_selector_is_said_at_once(shared_events: Events) -> None:
    wrong = scope(
        serviceSelector={"matchLabels": {"app": "checkout"}},
        serviceNames=["checkout"],
        clusters=["prod"],
        namespaces=["shop", "cart"],
        level="Account",
    )

    assert shared_events.refusal(wrong).count("must not be used together with") == 4


def test_the_user_of_kubectl_reads_what_to_do(cluster: Cluster, namespace: str) -> None:
    wrong = manifest("deploy", scope(namespaces=["*"]))

    told = cluster.kubectl(
        "apply", "--namespace", namespace, "-f", "-", input=json.dumps(wrong), check=False
    )

    assert told.returncode == 1
    assert told.stderr == (
        'The CustomEvent "deploy" is invalid: spec.scope.namespaces[0]: Invalid value: "*": must '
        "be the name of one namespace, there are no wildcards: for all namespaces leave "
        "namespaces out and set level: Cluster or Account\n"
    )


def test_the_user_of_kubectl_reads_which_field_is_misspelt(
    cluster: Cluster, namespace: str
) -> None:
    wrong = manifest("deploy", scope(servicesNames=["checkout"]))

    told = cluster.kubectl(
        "apply", "--namespace", namespace, "-f", "-", input=json.dumps(wrong), check=False
    )

    assert told.returncode == 1
    assert 'unknown field "spec.scope.servicesNames"' in told.stderr


# --- what is filled in ---


def test_a_new_event_says_that_it_waits_for_the_operator(events: Events) -> None:
    assert events.create(spec())["status"] == STATUS_OF_NOBODY
    assert events.get()["status"] == STATUS_OF_NOBODY
    assert [event["status"] for event in events.find()] == [STATUS_OF_NOBODY]
    assert events.first_watched()["status"] == STATUS_OF_NOBODY


def test_a_status_in_the_manifest_is_ignored(cluster: Cluster, namespace: str) -> None:
    faked = manifest("faked", spec()) | {"status": FULL_STATUS}

    cluster.kubectl("create", "--namespace", namespace, "-f", "-", input=json.dumps(faked))

    shown = cluster.kubectl("get", "cev", "faked", "--namespace", namespace, "-o", "json")
    assert json.loads(shown.stdout)["status"] == STATUS_OF_NOBODY


def test_the_severity_is_info_unless_said(events: Events) -> None:
    assert events.create(spec())["spec"] == {**spec(), "severity": "Info"}


def test_events_are_found_by_the_state_of_their_delivery(events: Events) -> None:
    events.create(spec(), name="new")
    events.create(spec(), name="failed")
    events.patch_status({"status": {"delivery": {"state": "Failed"}}}, "failed")

    for state, name in (("Pending", "new"), ("Failed", "failed")):
        found = events.find(field_selector=f"status.delivery.state={state}")
        assert [event["metadata"]["name"] for event in found] == [name]


# --- status ---


@pytest.mark.parametrize("case", ACCEPTED_STATUS)
def test_status_accepted(shared_events: Events, case: str) -> None:
    shared_events.patch_status({"status": ACCEPTED_STATUS[case]}, dry_run="All")


@pytest.mark.parametrize("case", REFUSED_STATUS)
def test_status_refused(shared_events: Events, case: str) -> None:
    wrong, expected = REFUSED_STATUS[case]

    with pytest.raises(ApiException) as refused:
        shared_events.patch_status({"status": wrong}, dry_run="All")

    assert answer(refused.value) == expected


def test_status_keeps_every_field_that_the_design_names(events: Events) -> None:
    events.create(spec())

    assert events.patch_status({"status": FULL_STATUS})["status"] == FULL_STATUS


def test_a_field_of_status_that_the_schema_does_not_know_is_dropped(events: Events) -> None:
    events.create(spec())

    kept = events.patch_status({"status": {"delivery": {"novelty": 1}, "extra": {"a": "b"}}})

    assert kept["status"] == STATUS_OF_NOBODY


def test_an_update_of_status_changes_nothing_else(events: Events) -> None:
    before = events.create(spec())

    after = events.patch_status(
        {
            "metadata": {"labels": {"a": "b"}, "annotations": {"customevents.dev/resend": "1"}},
            "spec": {"summary": "something else", "scope": {"level": "Account"}},
            "status": {"delivery": {"state": "Held"}},
        }
    )

    assert after["status"]["delivery"]["state"] == "Held"
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert {"labels", "annotations"}.isdisjoint(after["metadata"])


# --- two managers of one event ---


def server_side_apply(
    cluster: Cluster, namespace: str, manager: str, spec: Json, *options: str
) -> str:
    """Apply as that manager; return what kubectl complains about."""
    applied = cluster.kubectl(
        "apply",
        "--server-side",
        f"--field-manager={manager}",
        f"--namespace={namespace}",
        *options,
        "-f",
        "-",
        input=json.dumps(manifest("event", spec)),
        check=False,
    )
    return applied.stderr


SHARED = [
    pytest.param("clusters", ["a"], ["b"], id="clusters"),
    pytest.param("namespaces", ["a"], ["b"], id="namespaces"),
    pytest.param("serviceNames", ["a"], ["b"], id="serviceNames"),
    pytest.param(
        "serviceSelector",
        {"matchLabels": {"app": "a"}},
        {"matchLabels": {"tier": "b"}},
        id="serviceSelector",
    ),
]


@pytest.mark.parametrize(("field", "mine", "yours"), SHARED)
def test_two_managers_never_add_up_to_a_wider_event(
    cluster: Cluster, namespace: str, events: Events, field: str, mine: Any, yours: Any
) -> None:
    assert server_side_apply(cluster, namespace, "git", scope(**{field: mine})) == ""

    complaint = server_side_apply(cluster, namespace, "ci", scope(**{field: yours}))
    assert f'conflict with "git": .spec.scope.{field}' in complaint
    assert events.get()["spec"]["scope"] == {field: mine}

    forced = ("--force-conflicts",)
    assert server_side_apply(cluster, namespace, "ci", scope(**{field: yours}), *forced) == ""
    assert events.get()["spec"]["scope"] == {field: yours}
