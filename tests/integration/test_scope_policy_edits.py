"""Who may say what about whom, of events that are there: edits, resends, labels and deletes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from integration.tenants import (
    ACCEPTED,
    HOME,
    OTHER,
    OTHER_TAKES_CREATE,
    Tenants,
    clusters_refused,
    event,
    level_refused,
)

Edit = dict[str, Any]
Way = Callable[[Tenants, str, str, Edit], str]

RESEND = "customevents.dev/resend"


@pytest.fixture
def own_event(tenants: Tenants) -> str:
    """An event about nothing but the namespace, by the user `own`."""
    return created(tenants, "own", None)


@pytest.fixture
def wide_event(tenants: Tenants) -> str:
    """An event about the whole account, by the user `wide`."""
    return created(tenants, "wide", {"level": "Account"})


def created(tenants: Tenants, user: str, scope: Edit | None) -> str:
    name = f"event-{secrets.token_hex(4)}"
    assert tenants.refusal(user, "apply", "-f", "-", stdin=event(name, scope)) == ACCEPTED
    return name


# --- the ways of editing an object that kubectl has ---


def apply(tenants: Tenants, user: str, name: str, edit: Edit) -> str:
    return tenants.refusal(user, "apply", "-f", "-", stdin=edited(name, edit))


def server_side_apply(tenants: Tenants, user: str, name: str, edit: Edit) -> str:
    forced = ("apply", "--server-side", "--force-conflicts", "--field-manager=thief")
    return tenants.refusal(user, *forced, "-f", "-", stdin=edited(name, edit))


def replace(tenants: Tenants, user: str, name: str, edit: Edit) -> str:
    manifest = edited(name, tenants.spec(name) | edit)
    return tenants.refusal(user, "replace", "-f", "-", stdin=manifest)


def merge_patch(tenants: Tenants, user: str, name: str, edit: Edit) -> str:
    patch = json.dumps({"spec": edit})
    return tenants.refusal(user, "patch", "cev", name, "--type=merge", "-p", patch)


def json_patch(tenants: Tenants, user: str, name: str, edit: Edit) -> str:
    operations = [
        {"op": "add", "path": f"/spec/{field}", "value": value} for field, value in edit.items()
    ]
    return tenants.refusal(user, "patch", "cev", name, "--type=json", "-p", json.dumps(operations))


def edited(name: str, edit: Edit) -> str:
    fields = dict(edit)
    return event(name, fields.pop("scope", None), **fields)


WAYS: list[Way] = [apply, server_side_apply, replace, merge_patch, json_patch]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)

WIDENED: dict[str, tuple[Edit, str]] = {
    "another namespace": ({"namespaces": [HOME, OTHER]}, OTHER_TAKES_CREATE),
    "another cluster": ({"clusters": ["staging"]}, clusters_refused("staging")),
    "the cluster": ({"level": "Cluster"}, level_refused("Cluster")),
    "the account": ({"level": "Account"}, level_refused("Account")),
}


@ways
@pytest.mark.parametrize("reach", WIDENED)
def test_an_event_of_ones_own_cannot_be_widened(
    tenants: Tenants, own_event: str, way: Way, reach: str
) -> None:
    scope, expected = WIDENED[reach]
    before = tenants.spec(own_event)
    assert way(tenants, "own", own_event, {"scope": scope}) == expected
    assert tenants.spec(own_event) == before


@ways
def test_an_event_of_ones_own_can_be_edited(tenants: Tenants, own_event: str, way: Way) -> None:
    assert way(tenants, "own", own_event, {"summary": "checkout 1.4.3 is live"}) == ACCEPTED
    assert tenants.spec(own_event)["summary"] == "checkout 1.4.3 is live"


@ways
def test_a_wide_event_of_somebody_else_cannot_be_reworded(
    tenants: Tenants, wide_event: str, way: Way
) -> None:
    before = tenants.spec(wide_event)
    reworded = {"summary": "buy my tokens", "scope": {"level": "Account"}}
    assert way(tenants, "own", wide_event, reworded) == level_refused("Account")
    assert tenants.spec(wide_event) == before


@pytest.mark.parametrize(
    "edit",
    [
        {"summary": "buy my tokens"},
        {"eventType": "advertisement"},
        {"severity": "Error"},
        {"details": {"link": "https://example.com"}},
        {"occurredAt": "2026-01-31T12:00:00Z"},
        {"suspend": False},
        {"onUnknownOutcome": "Retry"},
        {"deliveryDeadlineSeconds": 60},
        {"ttlSecondsAfterFinished": 0},
        {"scope": {"serviceNames": ["checkout"]}},
        {"scope": {"level": "Cluster"}},
    ],
    ids=lambda edit: "".join(edit),
)
def test_no_field_of_a_wide_event_is_somebody_elses_to_set(
    tenants: Tenants, wide_event: str, edit: Edit
) -> None:
    assert "takes the verb broadcast" in merge_patch(tenants, "own", wide_event, edit)


@ways
def test_who_may_broadcast_may_reword_a_wide_event(
    tenants: Tenants, wide_event: str, way: Way
) -> None:
    reworded = {"summary": "all is well", "scope": {"level": "Account"}}
    assert way(tenants, "wide", wide_event, reworded) == ACCEPTED
    assert tenants.spec(wide_event)["summary"] == "all is well"


def test_anybody_who_may_edit_it_may_narrow_a_wide_event(tenants: Tenants, wide_event: str) -> None:
    narrowed = {"scope": {"level": "Namespace"}}
    assert merge_patch(tenants, "own", wide_event, narrowed) == ACCEPTED


def test_a_namespace_named_by_one_user_takes_the_right_of_the_next_one(tenants: Tenants) -> None:
    manifest = event("for-two", {"namespaces": [HOME, OTHER]})
    assert tenants.refusal("two", "apply", "-f", "-", stdin=manifest) == ACCEPTED
    reworded = {"summary": "buy my tokens"}
    assert merge_patch(tenants, "own", "for-two", reworded) == OTHER_TAKES_CREATE
    assert merge_patch(tenants, "two", "for-two", reworded) == ACCEPTED


def test_replacing_by_force_is_creating(tenants: Tenants, wide_event: str) -> None:
    manifest = event(wide_event, {"level": "Account"}, summary="buy my tokens")
    told = tenants.refusal("own", "replace", "--force", "-f", "-", stdin=manifest)
    assert told == level_refused("Account")
    assert "not found" in tenants.kubectl("own", "get", "cev", wide_event)


# --- resends ---


@pytest.mark.parametrize("before", [(), (f"{RESEND}=1",)], ids=["never resent", "resent before"])
def test_a_wide_event_of_somebody_else_cannot_be_resent(
    tenants: Tenants, wide_event: str, before: tuple[str, ...]
) -> None:
    if before:
        assert annotated(tenants, "wide", wide_event, *before) == ACCEPTED
    assert annotated(tenants, "own", wide_event, f"{RESEND}=2") == level_refused("Account")


def test_who_may_broadcast_may_resend_it(tenants: Tenants, wide_event: str) -> None:
    assert annotated(tenants, "wide", wide_event, f"{RESEND}=1") == ACCEPTED
    assert annotated(tenants, "wide", wide_event, f"{RESEND}=2") == ACCEPTED


def test_an_event_of_ones_own_can_be_resent(tenants: Tenants, own_event: str) -> None:
    assert annotated(tenants, "own", own_event, f"{RESEND}=1") == ACCEPTED


def annotated(tenants: Tenants, user: str, name: str, *annotations: str) -> str:
    return tenants.refusal(user, "annotate", "--overwrite", "cev", name, *annotations)


# --- what says nothing to anybody ---


def test_anybody_who_may_edit_it_may_label_a_wide_event(tenants: Tenants, wide_event: str) -> None:
    assert annotated(tenants, "wide", wide_event, f"{RESEND}=1") == ACCEPTED
    assert tenants.refusal("own", "label", "cev", wide_event, "team=shop") == ACCEPTED
    assert annotated(tenants, "own", wide_event, "example.com/seen=yes") == ACCEPTED


@pytest.mark.parametrize("user", ["wide", "admin", "own"])
@pytest.mark.parametrize("cascade", ["foreground", "background", "orphan"])
def test_a_wide_event_can_be_deleted(
    tenants: Tenants, wide_event: str, user: str, cascade: str
) -> None:
    """In the foreground the garbage collector edits it: refused, the delete would never end."""
    delete = ("delete", "cev", wide_event, f"--cascade={cascade}", "--timeout=20s")
    assert "deleted" in tenants.kubectl(user, *delete)
    assert "not found" in tenants.kubectl(user, "get", "cev", wide_event)
