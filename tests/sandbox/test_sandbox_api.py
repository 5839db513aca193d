"""The three paths of the API and the record behind them, over real sockets."""

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from customevents import sandbox
from customevents.sandbox import Running
from customevents.sandbox.contract import STRICT
from sandbox.sandbox_client import (
    EVENT,
    KEYED,
    POST_PATH,
    VALIDATE_PATH,
    answers,
    connect,
    events,
    eventually,
    head,
    post,
    requests,
    send,
)


@pytest.fixture
def api() -> Iterator[Running]:
    with sandbox.running() as running:
        yield running


def test_an_event_is_answered_as_documented(api: Running) -> None:
    reply = post(api)
    assert reply.status == 201
    assert reply.json() == {"message": "Custom event sent successfully"}
    assert "X-Sandbox-Advisory" not in reply.headers


def test_a_long_event_type_is_accepted_with_an_advisory(api: Running) -> None:
    reply = post(api, {**EVENT, "eventType": "x" * 31})
    assert reply.status == 201
    assert "30 characters" in reply.headers["X-Sandbox-Advisory"]


def test_an_accepted_event_is_on_record_as_it_came(api: Running) -> None:
    body = {**EVENT, "summary": "Ünïcode ✓", "scope": {"clusters": ["a"]}, "details": {"k": "v"}}
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    post(api, body, Idempotency_Key="id-1")
    [event] = events(api)
    assert event["body"] == body
    assert event["idempotencyKey"] == event["deliveryId"] == "id-1"
    assert event["services"] is None
    assert before <= datetime.fromisoformat(event["receivedAt"]) <= datetime.now(UTC)


def test_the_delivery_id_stands_in_the_details_when_no_header_has_it(api: Running) -> None:
    post(api, {**EVENT, "details": {"customevents.dev/id": "id-2"}})
    [event] = events(api, deliveryId="id-2")
    assert event["deliveryId"] == "id-2"
    assert event["idempotencyKey"] is None


def test_a_refused_event_is_a_request_but_no_event(api: Running) -> None:
    reply = send(api, "POST", POST_PATH, b'{"eventType": "a"}')
    assert reply.status == 400
    assert reply.json() == {
        "statusCode": 400,
        "message": ["summary is required"],
        "error": "Bad Request",
    }
    assert events(api) == []
    [request] = requests(api)
    assert request["answered"] == 400
    assert request["accepted"] is False
    assert request["problems"] == ["summary is required"]
    assert request["body"] == '{"eventType": "a"}'


def test_a_wrong_key_is_forbidden_and_recorded_without_the_key(api: Running) -> None:
    assert post(api, x_api_key="not-the-key").status == 403
    assert post(api).status == 201
    shown = send(api, "GET", "/sandbox/requests", headers={}).body.decode()
    assert "not-the-key" not in shown
    assert "test-key" not in shown
    assert "x-api-key" in requests(api)[0]["headers"]
    assert answers(api) == [403, 201]


def test_a_body_that_is_too_large_is_refused_and_not_kept(api: Running) -> None:
    assert send(api, "POST", POST_PATH, b" " * (STRICT.longest_body + 1)).status == 413
    [request] = requests(api)
    assert (request["answered"], request["body"]) == (413, "")


def test_bytes_that_are_no_text_can_be_recorded(api: Running) -> None:
    with connect(api) as connection:
        start = head(2).replace(b"\r\n\r\n", b"\r\nIdempotency-Key: \xff\r\n\r\n")
        connection.sendall(start + b"\xff\xff")
        assert b" 400 " in connection.recv(100)
    [request] = requests(api)
    assert request["body"] == request["idempotencyKey"] * 2 == "��"


@pytest.mark.parametrize("body", [gzip.compress(b"{}"), b"not gzip"])
def test_a_compressed_body_is_refused_and_recorded(api: Running, body: bytes) -> None:
    headers = {**KEYED, "Content-Encoding": "gzip"}
    assert send(api, "POST", POST_PATH, body, headers).status == 415
    assert answers(api) == [415]


def test_a_client_that_leaves_in_the_middle_of_its_body_is_on_record(api: Running) -> None:
    with connect(api) as connection:
        connection.sendall(head(100) + b'{"eventType": ')
    eventually(lambda: answers(api) == ["abandoned"])
    assert events(api) == []


def test_sequence_numbers_follow_the_order_of_arrival(api: Running) -> None:
    for number in range(5):
        post(api, {**EVENT, "summary": f"{number}"})
    found = events(api)
    assert [event["body"]["summary"] for event in found] == ["0", "1", "2", "3", "4"]
    sequences = [event["sequence"] for event in found]
    assert sequences == sorted(set(sequences))
    assert sequences == [request["sequence"] for request in requests(api)]


def test_many_clients_at_once_lose_nothing(api: Running) -> None:
    async def post_all() -> None:
        async with aiohttp.ClientSession(headers=KEYED) as session:

            async def one(number: int) -> int:
                body = {**EVENT, "summary": f"{number}"}
                async with session.post(api.url + POST_PATH, json=body) as answer:
                    return answer.status

            assert set(await asyncio.gather(*map(one, range(300)))) == {201}

    asyncio.run(post_all())
    summaries = {event["body"]["summary"] for event in events(api, limit=1000)}
    assert summaries == {f"{number}" for number in range(300)}


def test_a_page_ends_where_the_next_one_starts(api: Running) -> None:
    for number in range(5):
        post(api, {**EVENT, "summary": f"{number}"})
    first = api.call("GET", "/events?limit=3")
    second = api.call("GET", f"/events?limit=3&after={first['next']}")
    read = [event["body"]["summary"] for page in (first, second) for event in page["events"]]
    assert read == ["0", "1", "2", "3", "4"]
    assert second["next"] is None
    assert api.call("GET", "/events?limit=5")["next"] is None
    sequences = [request["sequence"] for request in requests(api)]
    assert api.call("GET", "/sandbox/requests?limit=2")["next"] == sequences[1]
    rest = requests(api, after=sequences[1])
    assert [request["sequence"] for request in rest] == sequences[2:]


ANYWHERE = {**EVENT, "summary": "anywhere"}
SHOP = {
    "eventType": "config",
    "summary": "Straße 50%",
    "severity": "warning",
    "scope": {"clusters": ["prod", "dev"], "namespaces": ["shop"], "servicesNames": ["cart"]},
    "details": {"author": "Ada"},
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["anywhere", "Straße 50%"]),
        ({"eventType": "config"}, ["Straße 50%"]),
        ({"eventType": "conf"}, []),
        ({"severity": "information"}, ["anywhere"]),
        ({"cluster": "dev"}, ["Straße 50%"]),
        ({"cluster": "shop"}, []),
        ({"namespace": "shop"}, ["Straße 50%"]),
        ({"service": "cart"}, ["Straße 50%"]),
        ({"service": "cart", "cluster": "test"}, []),
        ({"q": "STRASSE"}, ["Straße 50%"]),
        ({"q": "50%"}, ["Straße 50%"]),
        ({"q": "%"}, ["Straße 50%"]),
        ({"q": "ada"}, ["Straße 50%"]),
        ({"q": "e"}, ["anywhere", "Straße 50%"]),
        ({"q": "summary"}, []),
        ({"deliveryId": "id-a"}, ["anywhere"]),
    ],
)
def test_a_filter_finds_what_fits_all_of_it(
    api: Running, query: dict[str, str], found: list[str]
) -> None:
    post(api, ANYWHERE, Idempotency_Key="id-a")
    post(api, SHOP)
    assert [event["body"]["summary"] for event in events(api, **query)] == found


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("severty=error", "severty is not a known key"),
        ("limit=0", "limit must be "),
        ("limit=many", "limit must be "),
        ("after=-1", "after must be "),
        ("q=a&q=b", "a filter can be given once"),
    ],
)
def test_a_filter_that_does_not_exist_is_an_error_and_not_ignored(
    api: Running, query: str, problem: str
) -> None:
    reply = send(api, "GET", f"/events?{query}")
    assert reply.status == 400
    assert reply.json()["message"][0].startswith(problem)


def test_clearing_events_leaves_requests_and_numbers_go_on(api: Running) -> None:
    post(api)
    last = events(api)[0]["sequence"]
    api.call("DELETE", "/events")
    assert events(api) == []
    assert len(requests(api)) == 1
    post(api)
    api.call("DELETE", "/sandbox/requests")
    assert requests(api) == []
    assert events(api)[0]["sequence"] > last
    post(api)
    assert [event["sequence"] for event in events(api)] == [last + 1, last + 2]


def test_the_key_check_answers_as_documented(api: Running) -> None:
    reply = send(api, "GET", VALIDATE_PATH)
    assert (reply.status, reply.json()) == (200, {"valid": True})
    reply = send(api, "GET", VALIDATE_PATH, headers={"x-api-key": "not-the-key"})
    assert (reply.status, reply.json()["error"]) == (403, "Forbidden")
    assert send(api, "GET", VALIDATE_PATH, headers={}).status == 403


def test_key_checks_are_on_record_apart_from_the_posts(api: Running) -> None:
    send(api, "GET", VALIDATE_PATH)
    assert requests(api) == []
    assert [request["answered"] for request in requests(api, target="validate")] == [200]


def test_the_clusters_are_those_of_the_inventory(api: Running) -> None:
    def clusters(query: str) -> list[str]:
        reply = send(api, "GET", f"/api/v2/clusters{query}")
        assert reply.status == 200
        return [cluster["name"] for cluster in reply.json()["data"]["clusters"]]

    assert clusters("") == []
    api.call("PUT", "/sandbox/inventory", {"prod": {}, "dev": {"shop": ["cart"]}})
    assert clusters("") == ["dev", "prod"]
    assert clusters("?clusterName=prod") == ["prod"]
    assert clusters("?clusterName=prod&clusterName=dev") == ["dev", "prod"]
    assert clusters("?clusterName=pro") == []
    assert send(api, "GET", "/api/v2/clusters", headers={}).status == 403


def test_the_front_page_names_the_paths(api: Running) -> None:
    reply = send(api, "GET", "/", headers={})
    assert reply.status == 200
    for path in (POST_PATH, VALIDATE_PATH, "/sandbox/faults", "/events"):
        assert path in reply.body.decode()


def test_a_path_that_does_not_exist_says_so_in_the_shape_of_an_error(api: Running) -> None:
    reply = send(api, "GET", "/mgmt/v2/events")
    assert reply.status == reply.json()["statusCode"] == 404
    assert reply.json()["message"] == ["there is no GET /mgmt/v2/events; GET / names the paths"]
    reply = send(api, "GET", POST_PATH)
    assert reply.status == 405
    assert reply.headers["Allow"] == "POST"


def test_a_file_keeps_its_events_from_one_run_to_the_next(tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    with sandbox.running(database=database) as api:
        post(api)
        first = events(api)
    with sandbox.running(database=database) as api:
        assert events(api) == first
        post(api)
        assert len(events(api)) == 2


def test_a_database_that_cannot_be_used_is_named_in_the_error(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("these are notes, and no database " * 100)
    for database in (str(text), str(tmp_path / "missing" / "events.db")):
        with (
            pytest.raises(sandbox.StoreError, match=f"the database {database}: "),
            sandbox.running(database=database),
        ):
            pass
