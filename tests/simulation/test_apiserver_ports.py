"""What the simulated world needs of its API server beside answers that are Kubernetes' own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from simulation.apiserver import ApiServer, Forgotten
from simulation.comparing import JSON_PATCH
from simulation.manifests import Raw, add, event, record
from simulation.two_servers import CRD

SHOP = "/apis/customevents.dev/v1alpha1/namespaces/shop/customevents"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"


@pytest.fixture
def server() -> ApiServer:
    made = ApiServer(lambda: datetime(2026, 1, 31, 12, tzinfo=UTC), yaml.safe_load(CRD.read_text()))
    made.create_namespace("shop")
    return made


def set_status(server: ApiServer, name: str, status: Raw) -> None:
    operations = [add("/status", status)]
    path = f"{SHOP}/{name}/status"
    assert server.handle("PATCH", path, operations, content_type=JSON_PATCH).status == 200


def test_what_is_sent_may_be_changed_afterwards(server: ApiServer) -> None:
    sent: Raw = event(labels={"a": "b"}, spec={"details": {"k": "v"}, "scope": {"clusters": ["c"]}})
    server.handle("POST", SHOP, sent)
    status = record(lastOutcome={"fields": ["f"]})
    set_status(server, "e", status)
    lease: Raw = {"metadata": {"name": "l", "annotations": {"a": "b"}}, "spec": {}}
    server.handle("POST", LEASES, lease)
    before = json.dumps([*server.stored(), server.lease()])
    for each in (sent, status, lease):
        _spoil(each)
    assert json.dumps([*server.stored(), server.lease()]) == before


def _spoil(found: Any) -> None:
    for each in list(found.values() if isinstance(found, dict) else found):
        if isinstance(each, dict | list):
            _spoil(each)
    found.clear()


def test_the_same_requests_get_the_same_bytes() -> None:
    assert _a_day() == _a_day()


def _a_day() -> list[bytes]:
    server = ApiServer(lambda: datetime(2026, 1, 31, tzinfo=UTC), yaml.safe_load(CRD.read_text()))
    server.create_namespace("shop")
    generated = {**event(), "metadata": {"generateName": "made-"}}
    answers = [server.handle("POST", SHOP, generated) for _ in range(3)]
    answers.append(server.handle("GET", f"{SHOP}?limit=2"))
    return [answer.body for answer in answers]


def test_who_subscribes_is_told_of_each_change_and_of_nothing_else(server: ApiServer) -> None:
    told = list[int]()
    server.subscribe(told.append)
    server.handle("POST", f"{SHOP}?dryRun=All", event())
    server.handle("POST", LEASES, {"metadata": {"name": "l"}})
    assert told == []
    server.handle("POST", SHOP, event())
    set_status(server, "e", record())
    set_status(server, "e", record())
    server.handle("DELETE", f"{SHOP}/e")
    assert told == [change.version for change in server.changes("", 1)]
    assert told[-1] == server.version


def test_the_change_is_there_when_it_is_told_of(server: ApiServer) -> None:
    seen = list[str]()
    server.subscribe(lambda version: seen.append(server.changes("", version - 1)[0].type))
    server.handle("POST", SHOP, event())
    server.handle("DELETE", f"{SHOP}/e")
    assert seen == ["ADDED", "DELETED"]


def test_what_is_forgotten_is_only_what_was_before(server: ApiServer) -> None:
    server.handle("POST", SHOP, event("a"))
    middle = server.version
    server.handle("POST", SHOP, event("b"))
    server.compact(middle)
    assert [change.object["metadata"]["name"] for change in server.changes("shop", middle)] == ["b"]
    with pytest.raises(Forgotten):
        server.changes("shop", middle - 1)


def test_a_token_goes_on_until_its_version_is_forgotten(server: ApiServer) -> None:
    for name in ("a", "b"):
        server.handle("POST", SHOP, event(name))
    page = json.loads(server.handle("GET", f"{SHOP}?limit=1").body)["metadata"]
    path = f"{SHOP}?limit=1&continue={page['continue']}"
    server.compact(int(page["resourceVersion"]))
    assert server.handle("GET", path).status == 200
    server.handle("DELETE", f"{SHOP}/a")
    server.compact()
    assert server.handle("GET", path).status == 410


def test_a_namespace_is_removed_with_all_that_is_in_it(server: ApiServer) -> None:
    server.handle("POST", SHOP, event(finalizers=["a/b"]))
    server.handle("POST", LEASES, {"metadata": {"name": "l"}})
    server.terminate_namespace("shop")
    assert server.handle("POST", SHOP, event("late")).status == 403
    assert len(list(server.stored())) == 1
    server.remove_namespace("shop")
    assert (list(server.stored()), server.lease()) == ([], None)
    assert server.handle("POST", SHOP, event("late")).status == 404
    server.create_namespace("shop")
    assert server.handle("POST", SHOP, event("late")).status == 201


def test_a_crd_that_is_removed_deletes_what_was_there(server: ApiServer) -> None:
    server.handle("POST", SHOP, event())
    since = server.version
    server.remove_crd()
    assert [change.type for change in server.changes("", since)] == ["DELETED"]
    assert not server.has_crd
    server.restore_crd()
    assert list(server.stored()) == []
    with pytest.raises(Forgotten):
        server.changes("", since)
