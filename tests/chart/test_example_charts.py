"""The charts of examples/ tell of the version that was written, or say why they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from chart.helm_cli import ROOT, Helm, Json, objects

CHARTS = [ROOT / "examples" / "helm" / name for name in ("checkout", "checkout-hook")]


def summary(rendered: str) -> str:
    """What the chart's event says."""
    (event,) = [found for found in objects(rendered) if found["kind"] == "CustomEvent"]
    spec: Json = event["spec"]
    text: str = spec["summary"]
    return text


@pytest.fixture(params=CHARTS, ids=lambda path: path.name)
def chart(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.mark.parametrize("version", ["20161216", "1.10", "72225e2", "0123456", "1.4.2: live #2"])
def test_a_version_in_quotes_is_told_as_it_was_written(
    helm: Helm, chart: Path, tmp_path: Path, version: str
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(f"version: '{version}'\n")
    told = summary(helm.succeed("template", "shop", chart, "-f", values))
    assert told == f"shop {version} is live"


@pytest.mark.parametrize("version", ["20161216", "1.10", "72225e2", "0123456"])
def test_a_version_that_yaml_takes_for_a_number_is_refused_in_words(
    helm: Helm, chart: Path, tmp_path: Path, version: str
) -> None:
    """It is another one by the time that a chart sees it."""
    values = tmp_path / "values.yaml"
    values.write_text(f"version: {version}\n")
    told = helm.refusal("template", "shop", chart, "-f", values)
    assert "version must be in quotes: to YAML it is a number" in told
    assert "e+" not in told


def test_as_they_stand_they_tell_of_their_version(helm: Helm, chart: Path) -> None:
    assert summary(helm.succeed("template", "shop", chart)) == "shop 1.4.2 is live"
