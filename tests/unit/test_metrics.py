"""What is counted shows in what Prometheus reads, in both of its formats."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterable

import pytest
from prometheus_client import REGISTRY, Metric, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser

from customevents.metrics import CLASSES, Metrics
from customevents.resource.status import OutcomeClass
from unit.exposed import Scene, scraped


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(namespace_label=False)


def test_an_attempt_moves_the_counter_of_its_class_alone(metrics: Metrics) -> None:
    metrics.attempted("shop", OutcomeClass.REFUSED, 0.2)
    counted = {name: scraped(metrics)("attempts_total", class_=name) for name in CLASSES}
    assert counted == {name: float(name is OutcomeClass.REFUSED) for name in CLASSES}


def test_the_classes_are_those_that_an_attempt_can_end_in() -> None:
    assert set(CLASSES) == set(OutcomeClass) - {OutcomeClass.NOT_SENT}


def test_a_post_is_in_the_bucket_of_its_seconds(metrics: Metrics) -> None:
    metrics.attempted("shop", OutcomeClass.SUCCESS, 0.2)
    scrape = scraped(metrics)
    assert scrape("post_duration_seconds_bucket", le="0.1") == 0
    assert scrape("post_duration_seconds_bucket", le="0.25") == 1
    assert scrape("post_duration_seconds_sum") == 0.2


def test_a_delivery_is_in_the_bucket_of_its_seconds(metrics: Metrics) -> None:
    metrics.delivered(1000.0)
    metrics.delivered(-0.4)  # the API server's clock is ahead
    scrape = scraped(metrics)
    assert scrape("delivery_duration_seconds_bucket", le="1.0") == 1
    assert scrape("delivery_duration_seconds_bucket", le="900.0") == 1
    assert scrape("delivery_duration_seconds_bucket", le="3600.0") == 2
    assert scrape("delivery_duration_seconds_sum") == 1000.0


def test_the_other_counters_move_one_each(metrics: Metrics) -> None:
    names = ("unusual_successes_total", "unknown_outcomes_total", "events_cancelled_total")
    counts = (metrics.unusual_success, metrics.unknown_outcome, metrics.cancelled)
    for moved, count in zip(names, counts, strict=True):
        before = scraped(metrics)
        count("shop")
        after = scraped(metrics)
        assert [name for name in names if after(name) != before(name)] == [moved]


def test_no_namespace_is_named_unless_that_is_asked_for(metrics: Metrics) -> None:
    by_namespace = Metrics(namespace_label=True)
    for one in (metrics, by_namespace):
        one.attempted("tenant-a", OutcomeClass.UNKNOWN, 0.1)
        one.unknown_outcome("tenant-a")
        one.cancelled("tenant-a")
    assert b"tenant-a" not in generate_latest(metrics.registry)
    scrape = scraped(by_namespace)
    assert scrape("attempts_total", class_="Unknown", namespace="tenant-a") == 1
    assert scrape("unknown_outcomes_total", namespace="tenant-a") == 1
    assert scrape("events_cancelled_total", namespace="tenant-a") == 1


def test_an_attempt_pays_a_few_microseconds(metrics: Metrics) -> None:
    def count() -> None:
        metrics.attempted("shop", OutcomeClass.SUCCESS, 0.2)
        metrics.delivered(1.0)

    best = min(timeit.repeat(count, number=1000, repeat=20)) / 1000
    assert best < 50e-6


def test_nothing_is_put_into_the_registry_that_all_of_a_process_shares(scene: Scene) -> None:
    assert scene.scrape().has("leader")
    assert b"customevents_" not in generate_latest(REGISTRY)


def test_it_can_be_read_in_the_newer_format_too(scene: Scene) -> None:
    """Prometheus asks for OpenMetrics first, which is stricter."""
    scene.metrics.attempted("shop", OutcomeClass.SUCCESS, 0.2)
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    text = encode(scene.metrics.registry).decode()
    read: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families
    assert [family.name for family in read(text)] == [
        family.name for family in scene.metrics.registry.collect()
    ]


def test_the_process_itself_is_measured(metrics: Metrics) -> None:
    samples = {name: value for (name, _), value in scraped(metrics).samples.items()}
    assert samples["process_resident_memory_bytes"] > 1e6
    assert samples["process_cpu_seconds_total"] > 0
    assert samples["process_open_fds"] > 0
