"""What a person sees of CustomEvents, and what holds for the schema as a whole."""

import json
from typing import cast

import pytest
from localcluster import Cluster

from contract.cases import Json, spec
from contract.events_in_cluster import Events
from contract.status_cases import FULL_STATUS

WIDE = [
    *("NAME", "TYPE", "SEVERITY", "STATE", "REASON", "AGE"),
    *("REACH", "ATTEMPTS", "SERVICES", "DELIVERED", "MESSAGE"),
]


@pytest.fixture(scope="module")
def schema(cluster: Cluster) -> Json:
    """The CRD's schema, as the API server has it."""
    crd = cluster.kubectl("get", "crd", "customevents.customevents.dev", "-o", "json").stdout
    (version,) = json.loads(crd)["spec"]["versions"]
    return cast(Json, version["schema"]["openAPIV3Schema"])


# --- what a person sees ---


def test_kubectl_get_shows_where_the_delivery_stands(
    cluster: Cluster, namespace: str, events: Events
) -> None:
    events.create(spec())

    header, row = rows(cluster, namespace)

    assert header == ["NAME", "TYPE", "SEVERITY", "STATE", "REASON", "AGE"]
    assert row[:-1] == ["event", "release", "Info", "Pending", "Pending"]


def test_the_wide_table_shows_whom_it_reached_and_when(
    cluster: Cluster, namespace: str, events: Events
) -> None:
    events.create(spec())
    events.patch_status({"status": FULL_STATUS})

    header, row = rows(cluster, namespace, "-o", "wide")

    assert header == WIDE
    shown = dict(zip(header, row, strict=True))
    assert shown["STATE"] == "Delivered"
    assert shown["REACH"] == "service checkout, namespace shop, cluster prod-eu-1"
    assert (shown["ATTEMPTS"], shown["SERVICES"]) == ("1", "1")
    assert shown["DELIVERED"].endswith(("d", "y"))
    assert shown["MESSAGE"] == "Delivered at the first attempt."


def test_the_wide_table_shows_no_time_of_delivery_for_what_was_not_delivered(
    events: Events,
) -> None:
    failed = {"status": "False", "lastTransitionTime": "2026-01-31T12:00:00Z"}
    events.create(spec())
    events.patch_status(
        {
            "status": {
                "conditions": [{"type": "Delivered", **failed}],
                "delivery": {"state": "Failed", "finishedTime": "2026-01-31T12:00:00Z"},
            }
        }
    )

    table = events.table()

    column = [column["name"] for column in table["columnDefinitions"]].index("Delivered")
    assert table["rows"][0]["cells"][column] is None


def rows(cluster: Cluster, namespace: str, *options: str) -> list[list[str]]:
    """What `kubectl get cev` prints, cut into its columns."""
    printed = cluster.kubectl("get", "cev", "--namespace", namespace, *options).stdout
    return [
        [cell.strip() for cell in line.split("   ") if cell.strip()]
        for line in printed.splitlines()
    ]


def test_kubectl_explain_describes_the_scope(cluster: Cluster) -> None:
    explained = cluster.kubectl("explain", "cev.spec.scope").stdout

    for words in (
        "Which services the event is about.",
        "level\t<string>",
        "enum: Namespace, Cluster, Account",
        "clusters\t<[]string>",
        "serviceSelector\t<Object>",
    ):
        assert words in explained


# --- the schema as a whole ---


def properties(schema: Json, path: str = "") -> list[tuple[str, Json]]:
    """Every part of a schema that holds a value, with its path."""
    found: list[tuple[str, Json]] = [(path, schema)]
    for name, part in schema.get("properties", {}).items():
        found += properties(part, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if name in schema:
            found += properties(schema[name], f"{path}[]")
    return found


def test_everything_that_kubectl_can_explain_is_described(cluster: Cluster) -> None:
    published = cluster.kubectl("get", "--raw", "/openapi/v3/apis/customevents.dev/v1alpha1").stdout
    document = json.loads(published)
    event = document["components"]["schemas"]["dev.customevents.v1alpha1.CustomEvent"]

    bare = [
        path
        for path, part in properties(event)
        if len(part.get("description", "")) < 10 and not is_plain_item(path, part)
    ]

    assert bare == []


def is_plain_item(path: str, part: Json) -> bool:
    """An item of a list of strings is described by its list."""
    return path.endswith("[]") and part.get("type") == "string"


def test_everything_is_bounded(schema: Json) -> None:
    bounds = {"string": {"maxLength"}, "array": {"maxItems"}, "integer": {"maximum", "format"}}
    unbounded = [
        path
        for path, part in properties(schema)
        if path.startswith((".spec", ".status"))
        and "enum" not in part
        and not bounds.get(part.get("type", ""), {"type"}) & part.keys()
    ]
    maps = [part for _, part in properties(schema) if "additionalProperties" in part]

    assert unbounded == []
    assert all("maxProperties" in part for part in maps)
    assert "x-kubernetes-preserve-unknown-fields" not in json.dumps(schema)


def test_every_list_is_replaced_as_a_whole_but_the_conditions(schema: Json) -> None:
    kinds = {
        path: part.get("x-kubernetes-list-type")
        for path, part in properties(schema)
        if part.get("type") == "array"
    }

    assert kinds.pop(".status.conditions") == "map"
    assert set(kinds.values()) == {"atomic"}


def test_every_rule_says_what_must_be(schema: Json) -> None:
    rules = [
        rule for _, part in properties(schema) for rule in part.get("x-kubernetes-validations", [])
    ]

    assert len(rules) > 20
    assert [rule["message"] for rule in rules if not rule["message"].startswith("must ")] == []


def test_no_condition_could_hold_up_a_rollout(schema: Json) -> None:
    status = schema["properties"]["status"]

    assert "observedGeneration" not in status["properties"]
    assert [condition["type"] for condition in status["default"]["conditions"]] == ["Delivered"]
