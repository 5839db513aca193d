"""The alerts fire when they should and stay silent otherwise, by Prometheus' own judgement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.helm_cli import MINIMAL, Helm, Json
from chart.promtool import promtool

CASES = Path(__file__).with_name("alerts.test.yaml")


@pytest.fixture
def rules(helm4: Helm) -> Json:
    """The groups of the PrometheusRule as the chart renders it."""
    found = helm4.template(*MINIMAL, "--set", "metrics.prometheusRule.enabled=true")
    (rule,) = [each for each in found if each["kind"] == "PrometheusRule"]
    spec: Json = rule["spec"]
    return spec


@pytest.fixture
def rules_file(rules: Json, tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rules))
    return path


def alerts(rules: Json) -> dict[str, Any]:
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]}


def cases(rules: Json, rules_file: Path) -> Json:
    """The cases; the words of an alert are those of its rule."""
    read: Json = yaml.safe_load(CASES.read_text())
    read["rule_files"] = [str(rules_file)]
    for case in read["tests"]:
        for check in case["alert_rule_test"]:
            for expected in check["exp_alerts"]:
                expected["exp_annotations"] = alerts(rules)[check["alertname"]]["annotations"]
    return read


def test_prometheus_takes_the_rules(rules_file: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", rules_file)


def test_each_alert_fires_in_its_case_and_stays_silent_where_all_is_well(
    rules: Json, rules_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cases.yaml"
    file.write_text(yaml.safe_dump(cases(rules, rules_file)))
    assert "SUCCESS" in promtool("test", "rules", file)


def test_every_alert_has_a_case_in_which_it_fires(rules: Json, rules_file: Path) -> None:
    fired = {
        check["alertname"]
        for case in cases(rules, rules_file)["tests"]
        for check in case["alert_rule_test"]
        if check["exp_alerts"]
    }
    assert fired == set(alerts(rules))
