"""What Prometheus reads at `/metrics`.

Counted is only what no part's state tells: attempts, and what became of them. All else is read
from the parts when somebody asks. Nothing here is of a tenant but, by a setting, the namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.aiohttp import make_aiohttp_handler
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from customevents.clocks import ClusterClock
from customevents.delivery.election import Election
from customevents.delivery.inbox import Inbox
from customevents.delivery.journal import Journal
from customevents.delivery.throttle import Throttle
from customevents.resource.operator_state import BreakerState
from customevents.resource.status import OutcomeClass
from customevents.upkeep.resync import Resync

# Each counter and histogram would have a second series for the time at which it began.
disable_created_metrics()

#: All that an attempt can end in: the series are there, at 0, before the first one does.
CLASSES = [kind for kind in OutcomeClass if kind is not OutcomeClass.NOT_SENT]

#: Seconds: from a quick answer to the attempt's timeout.
POST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: Seconds: from at once to the deadline's default of a day. Kubernetes tells whole seconds.
DELIVERY_BUCKETS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)


class Metrics:
    """The counters, and the registry of all that is exposed."""

    def __init__(self, *, namespace_label: bool) -> None:
        """With `namespace_label`, what is counted of attempts and events has a series for each."""
        self.registry = CollectorRegistry(auto_describe=True)
        self._namespaced = ("namespace",) if namespace_label else ()
        self._attempts = self._counter(
            "attempts", "Attempts to deliver, by the class of their outcome.", "class"
        )
        self._unknown = self._counter(
            "unknown_outcomes",
            "Attempts that may or may not have arrived, also those of a leader that died.",
        )
        self._unusual = self._counter(
            "unusual_successes", "Deliveries that were answered with another 2xx than 201."
        )
        self._cancelled = self._counter(
            "events_cancelled", "Events that were deleted or edited before they were delivered."
        )
        self._post_seconds = Histogram(
            "customevents_post_duration_seconds",
            "Seconds from an attempt's request to its answer, or to its failure.",
            buckets=POST_BUCKETS,
            registry=self.registry,
        )
        self._delivery_seconds = Histogram(
            "customevents_delivery_duration_seconds",
            "Seconds from an event's last change, known to the second, to its delivery.",
            buckets=DELIVERY_BUCKETS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        if not namespace_label:
            for name in CLASSES:
                self._attempts.labels(name)
        #: Answers a scrape.
        self.handler = make_aiohttp_handler(self.registry)

    def read(self, exposed: Exposed) -> None:
        """Expose the state of the parts as well."""
        self.registry.register(exposed)

    def attempted(self, namespace: str, outcome_class: str, took: float) -> None:
        """An attempt ended in this class, so many seconds after its request began."""
        self._of(self._attempts, namespace, outcome_class).inc()
        self._post_seconds.observe(took)

    def delivered(self, age: float) -> None:
        """A 2xx was read, so many seconds after the event's last change."""
        self._delivery_seconds.observe(max(0.0, age))  # the API server's clock may be ahead

    def unusual_success(self, namespace: str) -> None:
        """It was another 2xx than the documented one."""
        self._of(self._unusual, namespace).inc()

    def unknown_outcome(self, namespace: str) -> None:
        """Nobody can say whether an attempt arrived."""
        self._of(self._unknown, namespace).inc()

    def cancelled(self, namespace: str) -> None:
        """An event was deleted or edited before it was delivered."""
        self._of(self._cancelled, namespace).inc()

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(
            f"customevents_{name}", says, (*labels, *self._namespaced), registry=self.registry
        )

    def _of(self, counter: Counter, namespace: str, *labels: str) -> Counter:
        values = (*labels, namespace) if self._namespaced else labels
        return counter.labels(*values) if values else counter


class Showing(Protocol):
    """The trigger; kopf stays out of here."""

    @property
    def age(self) -> float | None:
        """Seconds since it last showed anything; None: it has not begun."""

    @property
    def watching(self) -> Mapping[str, bool]:
        """Whether changes are seen, by namespace ("": all of them)."""

    @property
    def restarts(self) -> int:
        """How often it was begun anew."""


@dataclass(frozen=True, eq=False)
class Exposed(Collector):
    """What is read when somebody asks; on the event loop, where all of it lives."""

    inbox: Inbox
    throttle: Throttle
    election: Election
    journal: Journal
    resync: Resync
    watch: Showing
    clock: ClusterClock
    #: How many lines of the log were dropped.
    lines_dropped: Callable[[], int]
    #: Whether the operator is paused by its setting.
    paused: bool

    def collect(self) -> Iterator[Metric]:
        """Every family, also one that has no value now."""
        yield _gauge("leader", "Whether this process holds the Lease.", self.election.valid)
        yield from self._waiting()
        yield from self._pace()
        yield from self._journal()
        yield from self._watch()
        yield from self._process()

    def _waiting(self) -> Iterator[Metric]:
        yield _gauges(
            "inbox_events",
            "Events that are not delivered, by place: ready, postponed, blocked (their namespace's "
            "statuses cannot be written) or busy.",
            "place",
            self.inbox.places(),
        )
        yield _gauge(
            "inbox_oldest_age_seconds",
            "Seconds since the last change of the oldest event that is not delivered nor "
            "suspended; 0 if there is none.",
            self.inbox.oldest_age(),
        )

    def _pace(self) -> Iterator[Metric]:
        state = self.throttle.breaker
        yield _gauges(
            "breaker_state",
            "1 for the state that the breaker is in, 0 for the others.",
            "state",
            {name.value: name == state for name in BreakerState},
        )
        yield _gauge(
            "rate_limit_tokens",
            "Attempts that the rate limit lets go at once; absent where there is no limit.",
            self.throttle.tokens,
        )
        yield _gauges(
            "paused",
            "Whether nothing is sent because of the key, the endpoint, its Retry-After, or the "
            "setting.",
            "reason",
            {**self.throttle.pauses, "setting": self.paused},
        )

    def _journal(self) -> Iterator[Metric]:
        yield _gauge(
            "journal_entries",
            "Attempts that are under way, or whose result is not written yet.",
            len(self.journal),
        )
        yield _counter("journal_writes", "Writes of the Lease.", self.election.writes)
        yield _counter(
            "journal_intents",
            "Attempts that these writes committed; divided by them, the entries per commit.",
            self.journal.committed,
        )
        yield _counter(
            "journal_lost",
            "Times that the Lease or its list was gone, and nothing was sent for a while.",
            self.election.times_lost,
        )

    def _watch(self) -> Iterator[Metric]:
        yield _gauge(
            "watch_age_seconds",
            "Seconds since the watch last showed anything; absent where it has not begun.",
            self.watch.age,
        )
        yield _gauges(
            "watching",
            "Whether changes of CustomEvents are seen, by namespace, which is empty where all are "
            "watched together; absent where the watch has not begun.",
            "namespace",
            self.watch.watching,
        )
        yield _counter(
            "watch_restarts", "Times that the watch ended and was begun anew.", self.watch.restarts
        )
        yield _counter(
            "events_missed",
            "Events, or changes of them, that the watch never showed and a list did.",
            self.resync.missed,
        )

    def _process(self) -> Iterator[Metric]:
        yield _gauge(
            "clock_skew_seconds",
            "Seconds by which this machine's clock is ahead of the API server's; absent until that "
            "was heard.",
            self.clock.skew,
        )
        yield _counter(
            "log_lines_dropped",
            "Lines of the log that were not written, as nobody read it.",
            self.lines_dropped(),
        )


def _gauge(name: str, says: str, value: float | None) -> Metric:
    return GaugeMetricFamily(f"customevents_{name}", says, value=value)


def _gauges(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"customevents_{name}", says, labels=[label])
    for which, value in values.items():
        family.add_metric([which], value)
    return family


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(f"customevents_{name}", says, value=value)
