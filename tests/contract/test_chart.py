"""What the chart repeats is what it repeats: versions, the CRD, the settings, its own README."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from customevents import __version__
from customevents.settings import Settings

ROOT = Path(__file__).parents[2]
CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
CHART = ROOT / "helm" / "customevents-operator"
RENDER = runpy.run_path(str(ROOT / "docs" / "render_chart.py"))

Json = dict[str, Any]


def values() -> Json:
    read: Json = yaml.safe_load((CHART / "values.yaml").read_text())
    return read


def schema() -> Json:
    read: Json = json.loads((CHART / "values.schema.json").read_text())
    return read


def described(found: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Each key that the schema allows, with its rules."""
    for name, rules in found.get("properties", {}).items():
        if "$ref" in rules:
            rules = schema()["definitions"][rules["$ref"].rpartition("/")[2]]
        yield (*path, name), rules
        yield from described(rules, (*path, name))


def test_the_chart_has_the_version_of_the_operator() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_the_charts_crd_is_a_copy() -> None:
    assert (CHART / "files" / CRD.name).read_bytes() == CRD.read_bytes(), "run `make chart`"


def test_the_charts_readme_lists_the_values() -> None:
    assert (CHART / "README.md").read_text() == RENDER["render"](), "run `make chart`"


def test_every_value_has_a_comment() -> None:
    documented = {value.path for value in RENDER["documented"]((CHART / "values.yaml").read_text())}

    def undocumented(found: Json, path: str) -> Iterator[str]:
        for key, value in found.items():
            here = f"{path}{key}"
            if here not in documented:
                yield from undocumented(value, f"{here}.") if isinstance(value, dict) else (here,)

    assert list(undocumented(values(), "")) == []


def test_the_schema_allows_the_values_and_no_others() -> None:
    def paths(found: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        for key, value in found.items():
            yield (*path, key)
            if isinstance(value, dict) and rules[(*path, key)].get("additionalProperties") is False:
                yield from paths(value, (*path, key))

    rules = dict(described(schema()))
    helms = {("global",), ("enabled",)}  # what a parent chart hands down
    switches = {path for path in rules if path[:-1] == ("sandbox", "behaviour")}  # none is set
    renamed = {("userRoles", "leaseReaders")}  # the templates refuse it, with its new name
    assert set(paths(values())) == set(rules) - helms - switches - renamed
    assert schema()["additionalProperties"] is False


def column(table: str, number: int) -> list[str]:
    """A column of the first table behind a heading of the page of metrics."""
    page = (ROOT / "docs" / "metrics.md").read_text().partition(table)[2]
    rows = page.partition("\n\n|")[2].partition("\n\n")[0].splitlines()[2:]
    return [re.split(r" *\| *", row)[number].strip("`") for row in rows]


def test_the_alerts_are_those_of_the_page() -> None:
    (group,) = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
    alerts = [(rule["expr"], rule.get("for", "0m")) for rule in group["rules"]]
    heading = "## What to alert on"
    assert alerts == list(zip(column(heading, 2), column(heading, 3), strict=True))


def test_the_dashboard_shows_what_is_exposed() -> None:
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text())
    asked = {
        name.removesuffix("_bucket")
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"(?:customevents|process)_\w+", target["expr"])
    }
    assert len(asked) > 10
    assert asked <= set(column("# Metrics", 1))


def setting(path: tuple[str, ...]) -> str:
    """The setting of a value: `delivery.inFlight` is `delivery_in_flight`."""
    return re.sub(r"([A-Z])", r"_\1", "_".join(path)).lower()


OF_SETTINGS = [
    (path, rules) for path, rules in described(schema()) if setting(path) in Settings.model_fields
]


@pytest.mark.parametrize(("path", "rules"), OF_SETTINGS, ids=[".".join(p) for p, _ in OF_SETTINGS])
def test_the_schema_bounds_a_value_as_the_operator_does(path: tuple[str, ...], rules: Json) -> None:
    operators = Settings.model_json_schema()
    found = operators["properties"][setting(path)]
    if "$ref" in found:
        found = operators["$defs"][found["$ref"].rpartition("/")[2]]
    for bound in ("minimum", "maximum", "maxLength", "enum"):
        assert rules.get(bound) == found.get(bound), bound
