"""An operator behind a proxy, and how soon it tells what happens after its watch was in trouble."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from customevents import sandbox
from customevents.watch import LONGEST_PAUSE
from operator_process import (
    PATIENCE,
    RunningOperator,
    eventually,
    operator,
    probe,
    probed,
    starting,
)
from promises import crowd
from promises.crowd import Api
from proxy import Action, ApiProxy, EndAtOnce, InsertEvent, Rule
from proxy.answers import GONE

#: Seconds within which an operator tells what happens, whatever its watch was answered before.
DEAF = 60.0

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Heard:
    """Seconds until each kind of change was told; infinite for what was not told in time."""

    new: float
    edit: float
    resend: float

    def __str__(self) -> str:
        each = {"new": self.new, "edit": self.edit, "resend": self.resend}
        return ", ".join(f"{kind} {_seconds(value)}" for kind, value in each.items())

    @property
    def slowest(self) -> float:
        """The longest of the three."""
        return max(self.new, self.edit, self.resend)


def _seconds(value: float) -> str:
    return "never" if value == float("inf") else f"{value:.1f} s"


@dataclass(frozen=True)
class Cost:
    """What an operator spent from one moment to another."""

    seconds: float
    requests: int
    lines: int
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.requests / self.seconds:.1f} requests/s, {self.lines} log lines, "
            f"{100 * self.cpu / self.seconds:.0f} % CPU in {self.seconds:.0f} s"
        )


@dataclass(frozen=True)
class Known:
    """Events that are delivered, one to edit and one to resend in each namespace."""

    number: int
    namespaces: tuple[str, ...]

    def name(self, kind: str) -> str:
        """What the event is called in each namespace."""
        return f"{kind}-{self.number}"


@dataclass
class Ear:
    """One operator for many tests; one that a test has left in trouble is replaced."""

    api: Api
    proxy: ApiProxy
    timeline: sandbox.Running
    folder: Path
    settings: dict[str, str]
    namespaces: tuple[str, ...]
    stack: ExitStack = field(default_factory=ExitStack)
    operator: RunningOperator | None = None

    @property
    def running(self) -> RunningOperator:
        """The operator, which must have been started."""
        assert self.operator
        return self.operator

    def start(self, *, until_ready: bool = True) -> None:
        """Start an operator in the place of the one before."""
        self.stop()
        begin = operator if until_ready else starting
        self.operator = self.stack.enter_context(
            begin(self.folder, self.proxy.kubeconfig, **self.settings)
        )

    def stop(self) -> None:
        """End the operator in good order."""
        self.operator = None
        self.stack.close()

    @contextmanager
    def listening(self) -> Iterator[Known]:
        """An operator that hears, and what it has delivered; after a failed block it is ended."""
        if self.operator is None:
            self.start()
            eventually("it watches", self._watches)
        known = self.deliver()
        try:
            yield known
            self._is_well()
        except BaseException:
            self.stop()
            raise
        finally:
            self.proxy.clear()

    def deliver(self, within: float = PATIENCE) -> Known:
        """Create what is to be edited and resent, and see it delivered."""
        known = Known(next(_numbers), self.namespaces)
        for namespace, kind in itertools.product(self.namespaces, ("edited", "resent")):
            crowd.create_one(self.api, namespace, known.name(kind), "as it was at first")
        told = self._until(known, {"edited": 1, "resent": 1}, within)
        assert max(told.values()) <= within, f"not told: {told}\n{self.running.log[-4000:]}"
        for namespace in self.namespaces:
            crowd.until_terminal(self.api, namespace, within=PATIENCE)
        return known

    def hears(self, known: Known, within: float = DEAF) -> Heard:
        """Create, edit and resend in each namespace, and see how long each takes to be told."""
        for namespace in known.namespaces:
            crowd.create_one(self.api, namespace, known.name("new"), "a new one")
            crowd.edit(self.api, namespace, known.name("edited"), "as it is now")
            crowd.resend(self.api, namespace, known.name("resent"), "again")
        told = self._until(known, {"new": 1, "edited": 2, "resent": 2}, within)
        return Heard(told["new"], told["edited"], told["resent"])

    def hears_and_says(self, known: Known, what: str, figure: Callable[[str], None]) -> None:
        """What happens now is told in time; the figures say how soon, and at what price."""
        with self.spending() as spent:
            heard = self.hears(known)
            figure(f"never deaf {self.mode}, {what}: {heard}; {spent()}")
        self.check(known, heard)

    def _until(self, known: Known, wanted: dict[str, int], within: float) -> dict[str, float]:
        """Seconds until each kind was told so often in each namespace."""
        begun = time.monotonic()
        told = dict.fromkeys(wanted, float("inf"))
        while (passed := time.monotonic() - begun) < within and float("inf") in told.values():
            counts = self.told(known)
            for kind, count in wanted.items():
                if told[kind] == float("inf") and counts[kind] >= count:
                    told[kind] = passed
            time.sleep(0.05)
        return told

    def told(self, known: Known) -> dict[str, int]:
        """How often each kind was accepted, in the namespace where that is the least."""
        posts = crowd.by_source([p for p in crowd.posts(self.timeline) if p.accepted])
        return {
            kind: min(
                len(posts.get(f"{namespace}/{known.name(kind)}", ()))
                for namespace in known.namespaces
            )
            for kind in ("new", "edited", "resent")
        }

    def check(self, known: Known, heard: Heard, within: float = DEAF) -> None:
        """All three were told in time, and once."""
        assert heard.slowest <= within, f"{heard}\n{self.running.log[-4000:]}"
        assert self.told(known) == {"new": 1, "edited": 2, "resent": 2}
        deliveries = crowd.by_delivery(crowd.posts(self.timeline))
        assert [id_ for id_, posts in deliveries.items() if len(posts) > 1] == []

    def _is_well(self) -> None:
        assert self.running.process.poll() is None, self.running.log[-4000:]
        for path in ("/healthz", "/readyz"):
            well = partial(self._says_200, path)
            # After troubles in a row the next kopf may be a pause away.
            eventually(f"{path} says 200", well, within=LONGEST_PAUSE + PATIENCE)

    def _watches(self) -> bool:
        """Whether changes are seen everywhere: what is there at the start, a list finds before."""
        shown = [
            line.endswith(" 1.0")
            for line in probed(self.running, "/metrics")[1].splitlines()
            if line.startswith("customevents_watching{")
        ]
        return bool(shown) and all(shown)

    def _says_200(self, path: str) -> bool:
        return probe(self.running, path) == 200

    @contextmanager
    def spending(self) -> Iterator[Callable[[], Cost]]:
        """What is spent from the begin of the block until it is asked."""
        begun, requests = time.monotonic(), len(self.proxy.requests)
        lines, cpu = self.running.log.count("\n"), cpu_seconds(self.running.process.pid)

        def spent() -> Cost:
            return Cost(
                time.monotonic() - begun,
                len(self.proxy.requests) - requests,
                self.running.log.count("\n") - lines,
                cpu_seconds(self.running.process.pid) - cpu,
            )

        yield spent

    @property
    def mode(self) -> str:
        """How it watches."""
        return "namespaced" if "watch_namespaces" in self.settings else "cluster"

    @property
    def watches(self) -> str:
        """The pattern of kopf's watches of CustomEvents: of all, or of the first namespace's."""
        return self._collection + r"\?.*watch=true"

    @property
    def lists(self) -> str:
        """The pattern of kopf's lists of the same: our own look for states."""
        return self._collection + r"(\?(?!.*(watch=|fieldSelector=)).*)?$"

    @property
    def _collection(self) -> str:
        within = f"/namespaces/{self.namespaces[0]}" if self.mode == "namespaced" else ""
        return f"/v1alpha1{within}/customevents"

    def spoil_watch(self, action: Action) -> None:
        """Answer the next watch so, which is asked for at once as the one before ends."""
        self._spoil(Rule("GET", self.watches, action), EndAtOnce())

    def spoil_list(self, action: Action) -> None:
        """Answer the next list so, which is asked for at once as the watch has lost its place."""
        self._spoil(Rule("GET", self.lists, action), InsertEvent(GONE, then_end=True))

    def _spoil(self, rule: Rule, ending: EndAtOnce | InsertEvent) -> None:
        eventually("a watch is open", lambda: self.proxy.open_streams(self.watches))
        spoilt = self.proxy.add(rule)
        self.proxy.add(Rule("GET", self.watches, ending))
        # Troubles in a row make the pauses between two watches longer, up to 30 s.
        assert spoilt.reached.wait(DEAF), "nothing was asked for anew"

    def insert(self, event: dict[str, object]) -> None:
        """Let an event come in the watch that is open."""
        inserted = self.proxy.add(Rule("GET", self.watches, InsertEvent(event)))
        assert inserted.reached.wait(DEAF), "no watch was open"


def cpu_seconds(process: int) -> float:
    """What a process has used of the processors."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
