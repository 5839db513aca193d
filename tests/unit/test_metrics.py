"""Each value that Prometheus reads moves when its part does."""

from __future__ import annotations

import timeit
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from customevents.delivery.gate import Gate
from customevents.delivery.journal import Journal
from customevents.delivery.outcome import Outcome
from customevents.delivery.pacing import FAILURES, Breaker, BreakerState, Pace, TokenBucket
from customevents.delivery.rounds import Rounds
from customevents.metrics import BREAKER_STATES, CLASSES, Exposed, Metrics
from customevents.resource.status import OutcomeClass
from scraping import Scrape
from unit.builders import later
from unit.gating import BAD_CERTIFICATE, BAD_GATEWAY, CREATED, KEY_REFUSED, SLOW_DOWN, Remote
from unit.in_memory import World
from unit.leasing import Scene as LeaseScene
from unit.leasing import held_by, intent, lead
from unit.queueing import LONG, out, waiting


@dataclass
class Shown:
    """A watch that showed something so many seconds ago."""

    age: float | None = None


class NothingOpen:
    """A cluster in which nothing is to be delivered."""

    open: tuple[dict[str, Any], ...] = ()

    async def open_work(self, _: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
        for raw in self.open:
            yield raw

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        raise AssertionError((namespace, name))


class Scene:
    """The parts of an operator, and what is exposed of them."""

    def __init__(
        self, *, rate: float = 10.0, paused: bool = False, journal: Journal | None = None
    ) -> None:
        self.now = 1000.0
        self.world = World()
        self.inbox = self.world.inbox
        pace = Pace(TokenBucket(rate, burst=20), Breaker(closed=True))
        self.gate = Gate(
            pace,
            Remote(),
            uptime=lambda: self.now,
            opened=lambda: None,
            warn=lambda *_: None,
        )
        self.rounds = Rounds(self.inbox, NothingOpen(), (), clock=self.world.clock)
        self.watch = Shown()
        self.metrics = Metrics(namespace_label=False)
        self.metrics.read(
            Exposed(
                inbox=self.inbox,
                gate=self.gate,
                journal=self.world.journal if journal is None else journal,
                rounds=self.rounds,
                watch=self.watch,
                paused=paused,
            )
        )

    def scrape(self) -> Scrape:
        return scraped(self.metrics)

    def attempt(self, outcome: Outcome, pause: float = 0.0) -> None:
        """One attempt at the gate that ended like this."""
        self.gate._pace.begin()
        self.gate.leave(outcome, pause)

    def breaker(self) -> list[str]:
        scrape = self.scrape()
        return [state for state in BREAKER_STATES if scrape("breaker_state", state=state)]

    def pauses(self) -> list[str]:
        scrape = self.scrape()
        reasons = ("key", "endpoint", "retry_after", "setting")
        return [reason for reason in reasons if scrape("paused", reason=reason)]


def scraped(metrics: Metrics) -> Scrape:
    return Scrape.of(generate_latest(metrics.registry).decode())


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- What is counted


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(namespace_label=False)


def test_an_attempt_moves_the_counter_of_its_class_alone(metrics: Metrics) -> None:
    metrics.attempted("shop", OutcomeClass.REFUSED, 0.2)
    counted = {name: scraped(metrics)("attempts_total", class_=name) for name in CLASSES}
    assert counted == {name: float(name == "Refused") for name in CLASSES}


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


def test_the_process_itself_is_measured(metrics: Metrics) -> None:
    samples = {name: value for (name, _), value in scraped(metrics).samples.items()}
    assert samples["process_resident_memory_bytes"] > 1e6
    assert samples["process_cpu_seconds_total"] > 0
    assert samples["process_open_fds"] > 0


# --- The inbox


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


# --- The gate


def test_the_breaker_is_in_one_state(scene: Scene) -> None:
    assert scene.breaker() == ["closed"]
    for _ in range(FAILURES):
        scene.attempt(BAD_GATEWAY)
    assert scene.breaker() == ["open"]
    scene.now += 60
    assert scene.breaker() == ["half-open"]
    assert set(BREAKER_STATES) == set(BreakerState)


def test_the_rate_limit_tells_its_tokens_and_a_scrape_does_not_begin_to_fill_it(
    scene: Scene,
) -> None:
    """A standby that was scraped for hours must not begin with a full bucket."""
    scene.scrape()
    scene.now += 3600
    assert scene.scrape()("rate_limit_tokens") == 0
    assert scene.gate._pace.wait(scene.now) == pytest.approx(0.1)
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


# --- The journal and the watch


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
    scene.world.journal.times_lost += 1
    assert scene.scrape()("journal_lost_total") == 1


def test_a_standby_leads_nothing_and_watches_nothing(scene: Scene) -> None:
    scrape = scene.scrape()
    assert scrape("leader") == 0
    assert not scrape.has("watch_age_seconds")


def test_the_watch_tells_how_long_it_has_been_silent(scene: Scene) -> None:
    scene.watch.age = 12.5
    assert scene.scrape()("watch_age_seconds") == 12.5


def test_what_the_watch_missed_is_counted(scene: Scene) -> None:
    assert scene.scrape()("events_missed_total") == 0
    scene.rounds.missed = 2
    assert scene.scrape()("events_missed_total") == 2
