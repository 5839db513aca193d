"""What was found: a table for people, and everything for whoever computes with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from drain import Drain
from latency import Latency
from rounds import Spread, percentile, ratios
from scale import Burst, Lying

HERE = Path(__file__).resolve().parent
RESULTS, RAW = HERE / "RESULTS.md", HERE / "results.json"


@dataclass(frozen=True)
class Found:
    """All rounds."""

    machine: dict[str, str]
    #: What each contestant is, by its name.
    names: dict[str, str]
    drains: list[list[Drain]] = field(default_factory=list)
    latencies: list[list[Latency]] = field(default_factory=list)
    #: An operator over more and more that lies there finished.
    lying: list[Lying] = field(default_factory=list)
    #: Drains beside all of that, and a burst.
    beside: list[list[Drain]] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)

    def rates(self, name: str) -> list[float]:
        """Events a second from the first POST, a figure a round."""
        return self._of(name, lambda drain: drain.from_first_post)

    def _of(self, name: str, figure: Callable[[Drain], float]) -> list[float]:
        return [
            figure(each) for round_ in self.drains for each in round_ if each.contestant == name
        ]

    def spread(self, name: str, figure: Callable[[Drain], float]) -> Spread:
        """One figure of the drains."""
        return Spread.of(self._of(name, figure))

    @property
    def drained(self) -> list[str]:
        """Who took part in the drains, the operator first."""
        found = {each.contestant for round_ in self.drains for each in round_}
        return [name for name in self.names if name in found]

    def late(self, name: str, share: float) -> list[float]:
        """A percentile of the latency in milliseconds, a figure a round."""
        return [
            percentile(each.milliseconds, share)
            for round_ in self.latencies
            for each in round_
            if each.contestant == name
        ]


def table(found: Found) -> str:
    """Markdown."""
    parts = (_drains, _latencies, _lying, _beside)
    return "\n\n".join(text for part in parts if (text := "\n".join(part(found))))


def _drains(found: Found) -> Iterator[str]:
    if not found.drains:
        return
    yield (
        "| | events/s from the first POST | operator over it | CPU an event: own, API server + etcd"
        " (ms) | cores busy: theirs, own | API writes an event | memory (MiB) | first POST (s) |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name in found.drained:
        ours = ratios(found.rates("operator"), found.rates(name)).shown(2)
        cpu = found.spread(name, lambda drain: drain.own_cpu).shown(2)
        api = found.spread(name, lambda drain: drain.api_server_cpu + drain.etcd_cpu).shown(2)
        busy = found.spread(name, lambda drain: 100 * drain.their_core).shown()
        own = found.spread(name, lambda drain: 100 * drain.own_core).shown()
        yield (
            f"| {found.names[name]} | {found.spread(name, lambda d: d.from_first_post).shown()} | "
            f"{'' if name == 'operator' else ours} | {cpu}, {api} | {busy} %, {own} % | "
            f"{found.spread(name, lambda d: d.writes).shown(3)} | "
            f"{found.spread(name, lambda d: d.memory).shown()} | "
            f"{found.spread(name, lambda d: d.first_post).shown(2)} |"
        )


def _latencies(found: Found) -> Iterator[str]:
    if not found.latencies:
        return
    yield "| created → POST at 20/s | p50 (ms) | p90 | p99 | p99.9 | the longest |"
    yield "| --- | --- | --- | --- | --- | --- |"
    shares = (0.5, 0.9, 0.99, 0.999, 1.0)
    for name in ("operator", "bare"):
        cells = (Spread.of(found.late(name, share)).shown(1) for share in shares)
        yield f"| {found.names[name]} | {' | '.join(cells)} |"
    cells = (
        ratios(found.late("operator", share), found.late("bare", share)).shown(2)
        for share in shares
    )
    yield f"| the first over the second | {' | '.join(cells)} |"


def _lying(found: Found) -> Iterator[str]:
    if not found.lying:
        return
    yield (
        "| finished events that lie there | first POST (s) | at rest after (s) | CPU until then: "
        "own, the API server's (s) | memory, the most (MiB) | idle: share of a core, "
        "API requests/s |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for each in found.lying:
        requests = sum(each.idle.requests.values())
        yield (
            f"| {each.events:,} | {each.first_post:.2f} | {each.rested:.1f} | "
            f"{each.start_cpu:.1f}, {each.api_server_cpu:.1f} | {each.memory:.0f}, {each.peak:.0f} "
            f"| {each.idle.cpu:.2%}, {requests:.2f} |"
        )


def _beside(found: Found) -> Iterator[str]:
    if not found.beside:
        return
    there = found.lying[-1].events
    by_name = {
        name: [d.from_first_post for round_ in found.beside for d in round_ if d.contestant == name]
        for name in {d.contestant for d in found.beside[0]}
    }
    ours = by_name.pop("operator")
    (theirs,) = by_name.values()
    yield (
        f"Beside {there:,} finished events a drain runs at {Spread.of(ours).shown()} events/s, "
        f"{ratios(ours, theirs).shown(2)} of the possible."
    )
    for each in found.bursts:
        took, peak = each.milliseconds, each.peak
        yield (
            f"200 events a second for {each.seconds:.0f} s: p50 {percentile(took, 0.5):.0f} ms, "
            f"p99 {percentile(took, 0.99):.0f} ms, {each.own_cpu:.2f} ms of CPU an event, "
            f"{peak:.0f} MiB at most."
        )


def write(found: Found, *, quick: bool) -> None:
    """Keep it: RESULTS.md and results.json."""
    RAW.write_text(json.dumps(asdict(found), indent=1) + "\n")
    lines = [f"{key}: {value}" for key, value in found.machine.items()]
    how = "`make bench QUICK=1`: a first look" if quick else "`make bench`"
    RESULTS.write_text(f"# Results of {how}\n\n" + "  \n".join(lines) + f"\n\n{table(found)}\n")
