"""What is counted shows in what Prometheus reads, in both of its formats."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterable

import pytest
from prometheus_client import REGISTRY, Metric, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser

from customevents.delivery.journal import Journal
from customevents.delivery.throttle import FAILURES
from customevents.metrics import CLASSES, Metrics
from customevents.resource.status import OutcomeClass
from unit.builders import later
from unit.exposed import Scene, scraped
from unit.leases import Scene as LeaseScene
from unit.leases import held_by, intent, lead
from unit.queued import LONG, out, waiting
from unit.throttled import BAD_CERTIFICATE, BAD_GATEWAY, CREATED, KEY_REFUSED, SLOW_DOWN


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


# --- Of the parts


def test_the_inbox_tells_where_events_wait(scene: Scene) -> None:
    assert scene.scrape()("inbox_events", place="ready") == 0
    first = out(scene.inbox, waiting("a"))
    scene.inbox.done(first, first, later(LONG))
    out(scene.inbox, waiting("b"))
    scene.inbox.block("locked")
    for event in (waiting("c"), waiting("d"), waiting("e", "locked")):
        scene.inbox.offer(event)
    scrape = scene.scrape()
    places = ("ready", "postponed", "blocked", "busy")
    assert [scrape("inbox_events", place=place) for place in places] == [2, 1, 1, 1]


def test_the_inbox_tells_how_long_the_oldest_event_has_waited(scene: Scene) -> None:
    assert scene.scrape()("inbox_oldest_age_seconds") == 0
    scene.inbox.offer(waiting("a"))
    scene.world.clock.advance(1000.0)
    assert scene.scrape()("inbox_oldest_age_seconds") == 1000.0


def test_the_breaker_is_in_one_state(scene: Scene) -> None:
    assert scene.breaker() == ["closed"]
    for _ in range(FAILURES):
        scene.attempt(BAD_GATEWAY)
    assert scene.breaker() == ["open"]
    scene.now += 60
    assert scene.breaker() == ["half-open"]


def test_the_rate_limit_tells_its_tokens_and_a_scrape_does_not_begin_to_fill_it(
    scene: Scene,
) -> None:
    """A standby that was scraped for hours must not begin with a full bucket."""
    scene.scrape()
    scene.now += 3600
    assert scene.scrape()("rate_limit_tokens") == 0
    assert scene.bucket.wait(scene.now) == pytest.approx(0.1)
    scene.now += 1.5
    assert scene.scrape()("rate_limit_tokens") == 15
    scene.attempt(CREATED)
    assert scene.scrape()("rate_limit_tokens") == 14


def test_without_a_rate_limit_there_are_no_tokens_to_tell() -> None:
    assert not Scene(rate=0).scrape().has("rate_limit_tokens")


def test_a_pause_tells_what_it_waits_for(scene: Scene) -> None:
    assert scene.pauses() == []
    scene.attempt(SLOW_DOWN, pause=60.0)
    assert scene.pauses() == ["retry_after"]
    scene.now += 61
    assert scene.pauses() == []
    scene.attempt(KEY_REFUSED)
    assert scene.pauses() == ["key"]


def test_an_endpoint_in_trouble_is_not_the_keys_fault(scene: Scene) -> None:
    scene.attempt(BAD_CERTIFICATE)
    assert scene.pauses() == ["endpoint"]


def test_the_setting_pauses_too() -> None:
    assert Scene(paused=True).pauses() == ["setting"]


def test_the_journal_tells_who_leads_and_what_it_wrote() -> None:
    leases = LeaseScene()
    leases.leases.change(held_by(""))

    async def story(journal: Journal) -> None:
        scene = Scene(journal=journal)
        assert scene.scrape()("leader") == 1
        assert scene.scrape()("journal_writes_total") == 1
        await journal.commit(intent("a"))
        scrape = scene.scrape()
        assert scrape("journal_writes_total") == 2
        assert scrape("journal_intents_total") == 1
        assert scrape("journal_entries") == 1
        journal.drop("a")
        leases.slept += 60  # as long as that, nobody can say who leads
        scrape = scene.scrape()
        assert scrape("journal_entries") == 0
        assert scrape("leader") == 0

    lead(leases, story)


def test_a_lost_journal_is_counted(scene: Scene) -> None:
    assert scene.scrape()("journal_lost_total") == 0
    scene.world.journal.election.times_lost += 1
    assert scene.scrape()("journal_lost_total") == 1


def test_a_standby_leads_nothing_and_watches_nothing(scene: Scene) -> None:
    scene.world.journal.memory.is_valid = False
    scrape = scene.scrape()
    assert scrape("leader") == 0
    assert not scrape.has("watch_age_seconds")


def test_the_watch_tells_how_long_it_has_been_silent(scene: Scene) -> None:
    scene.watch.age = 12.5
    assert scene.scrape()("watch_age_seconds") == 12.5


def test_each_namespace_is_said_to_be_watched_or_not(scene: Scene) -> None:
    scene.watch.watching = {"shop": True, "gone": False}
    scene.watch.restarts = 3
    scrape = scene.scrape()
    assert scrape("watching", namespace="shop") == 1
    assert scrape("watching", namespace="gone") == 0
    assert scrape("watch_restarts_total") == 3


def test_what_the_watch_missed_is_counted(scene: Scene) -> None:
    assert scene.scrape()("events_missed_total") == 0
    scene.resync.missed = 2
    assert scene.scrape()("events_missed_total") == 2
