"""The parts of an operator, and what Prometheus reads of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from prometheus_client import generate_latest

from customevents.clocks import ClusterClock
from customevents.delivery.journal import Journal
from customevents.delivery.outcome import Outcome
from customevents.delivery.throttle import Breaker, Throttle, TokenBucket
from customevents.metrics import Exposed, Metrics
from customevents.resource.operator_state import BreakerState
from customevents.upkeep.resync import Resync
from metrics_page import Scrape
from unit.in_memory import World
from unit.throttled import Remote


@dataclass
class Shown:
    """A watch that showed something so many seconds ago."""

    age: float | None = None
    watching: dict[str, bool] = field(default_factory=dict)
    restarts: int = 0


class NothingOpen:
    """A cluster in which nothing is to be delivered."""

    open: tuple[dict[str, Any], ...] = ()

    async def open_work(self, _: str) -> AsyncIterator[dict[str, Any]]:
        for raw in self.open:
            yield raw

    def all_events(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        return self.open_work(namespace)

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
        self.bucket = TokenBucket(rate, burst=20)
        self.throttle = Throttle(
            self.bucket,
            Remote(),
            uptime=lambda: self.now,
            opened=lambda: None,
            warn=lambda *_: None,
            breaker=Breaker(closed=True),
        )
        clock = self.world.clock
        self.resync = Resync(
            self.inbox,
            NothingOpen(),
            (),
            clock=clock,
            uptime=clock.uptime,
            renew=lambda _: None,
        )
        self.watch = Shown()
        self.metrics = Metrics(namespace_label=False)
        self.metrics.read(
            Exposed(
                inbox=self.inbox,
                throttle=self.throttle,
                election=(self.world.journal if journal is None else journal).election,
                journal=self.world.journal if journal is None else journal,
                resync=self.resync,
                watch=self.watch,
                clock=ClusterClock(),
                lines_dropped=lambda: 0,
                paused=paused,
            )
        )

    def scrape(self) -> Scrape:
        return scraped(self.metrics)

    def attempt(self, outcome: Outcome, pause: float = 0.0) -> None:
        """One attempt that ended like this."""
        self.bucket.spend()
        self.throttle._breaker.begin()
        self.throttle.leave(replace(outcome, pause=pause))

    def breaker(self) -> list[str]:
        scrape = self.scrape()
        return [state for state in BreakerState if scrape("breaker_state", state=state)]

    def pauses(self) -> list[str]:
        scrape = self.scrape()
        reasons = ("key", "endpoint", "retry_after", "setting")
        return [reason for reason in reasons if scrape("paused", reason=reason)]


def scraped(metrics: Metrics) -> Scrape:
    return Scrape.of(generate_latest(metrics.registry).decode())
