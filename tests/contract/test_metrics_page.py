"""The page of metrics names what is exposed, all of it, in the same words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from prometheus_client import Metric

from customevents.metrics import Exposed, Metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()

#: Where a sample's name differs from its family's.
SUFFIXES = {"counter": "_total", "gauge": "", "histogram": ""}


class AnyPart:
    """A part of which every value is there."""

    writes = committed = times_lost = missed = 0
    valid = True
    tokens = age = skew = 0.0
    restarts = 0
    watching: ClassVar[dict[str, bool]] = {"": True}
    breaker = "closed"

    def __len__(self) -> int:
        return 0

    def places(self) -> dict[str, int]:
        return {"ready": 0}

    def oldest_age(self) -> float:
        return 0.0

    @property
    def pauses(self) -> dict[str, bool]:
        return {"key": False}


def families(*, namespace_label: bool) -> list[Metric]:
    """Every family, in the order in which they are exposed, with a sample of each."""
    metrics = Metrics(namespace_label=namespace_label)
    part: Any = AnyPart()
    metrics.read(
        Exposed(part, part, part, part, part, part, part, lines_dropped=lambda: 0, paused=False)
    )
    metrics.attempted("shop", "Success", 0.1)
    for count in (metrics.unusual_success, metrics.unknown_outcome, metrics.cancelled):
        count("shop")
    return list(metrics.registry.collect())


def labels(family: Metric) -> list[str]:
    """The labels of its samples; those of a histogram's buckets go without saying."""
    found = dict.fromkeys(label for sample in family.samples for label in sample.labels)
    return [label for label in found if label != "le"]


def row(family: Metric, with_namespace: Metric) -> str:
    by_setting = [f"(`{name}`)" for name in labels(with_namespace) if name not in labels(family)]
    names = ", ".join([*(f"`{name}`" for name in labels(family)), *by_setting])
    name = family.name + SUFFIXES[family.type]
    return f"| `{name}` | {family.type} | {names} | {family.documentation} |".replace("|  |", "| |")


def test_the_table_is_what_is_exposed() -> None:
    table = PAGE.partition("| --- | --- | --- | --- |\n")[2].partition("\n\n")[0].splitlines()
    pairs = zip(families(namespace_label=False), families(namespace_label=True), strict=True)
    assert table == [row(plain, namespaced) for plain, namespaced in pairs]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b(?:customevents|process)_\w+", PAGE))))
def test_every_name_on_the_page_is_a_sample_that_is_exposed(name: str) -> None:
    samples = {s.name for family in families(namespace_label=False) for s in family.samples}
    histograms = {f.name for f in families(namespace_label=False) if f.type == "histogram"}
    assert name in samples | histograms


def test_every_metric_is_named_as_prometheus_would_have_it() -> None:
    for family in families(namespace_label=False):
        assert re.fullmatch(r"(customevents|process)_[a-z_]+", family.name)
        assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert family.documentation.endswith(".")
