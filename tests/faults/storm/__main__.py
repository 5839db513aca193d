"""Everything at random, for as long as you like, on a real control plane.

    make storm MINUTES=60 SEED=7

Authors create, edit, resend, suspend and delete events while one fault after the other comes and
goes between the operator and the API server, on its objects, and at the events API. Then all is
calm, and what was told is compared with what should have been. It ends in a table, and exits 0 if
all of it is right; the trace says what was done when.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from localcluster import Cluster, build

from customevents import sandbox
from faults.storm import weather
from faults.storm.authors import Authors
from faults.storm.canaries import Canaries, deaf_for
from faults.storm.meter import EVERY, Meter
from faults.storm.verdict import Judge, Row
from faults.storm.world import AUTHORS, CANARIES, LEASE, ODD, POST_TIMEOUT, Trace, World
from operator_process import operator, probe
from promises import crowd
from proxy import ApiProxy

ROOT = Path(__file__).parents[3]
CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
RIGHTS = ROOT / "tests" / "integration" / "rbac.yaml"

#: Seconds until all is told when all is calm: the longest delay of a retry, and a round.
CALM = 420.0

#: Seconds.
DEAF = 60.0

#: Requests a second over half a minute; each event takes a PATCH and its share of a PUT.
REQUESTS = 40.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Storm, and print the table; 0 if all is right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", default=secrets.token_hex(3))
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "storm")
    given = parser.parse_args(arguments)
    folder = given.folder / f"seed-{given.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {given.seed}, {given.minutes:g} minutes; trace and log: {folder}", flush=True)
    with world(given.seed, folder) as built:
        rows = storm(built, given.minutes * 60)
    for row in rows:
        print(row)
    return 0 if all(row.ok is not False for row in rows) else 1


@contextmanager
def world(seed: str, folder: Path) -> Iterator[World]:
    """A cluster with an operator in it, and whatever else the storm takes."""
    build()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(dir=folder)))
        cluster = stack.enter_context(Cluster(scratch / "cluster", crds=[CRD]))
        cluster.kubectl("apply", "-f", str(RIGHTS))
        for namespace in (*AUTHORS, CANARIES, ODD):
            cluster.kubectl("create", "namespace", namespace)
        account = cluster.service_account_kubeconfig("customevents", "customevents")
        proxy = stack.enter_context(ApiProxy(account, scratch))
        timeline = stack.enter_context(sandbox.running())
        key_file = scratch / "api-key"
        key_file.write_text("test-key\n")
        settings = {
            "api_key_file": str(key_file),
            "endpoint": timeline.url,
            "cluster_name": "prod-eu-1",
            "lease_duration": str(LEASE),
            "delivery_post_timeout": str(POST_TIMEOUT),
        }
        api = stack.enter_context(crowd.administrator(cluster.kubeconfig))
        running = stack.enter_context(operator(folder, proxy.kubeconfig, **settings))
        trace = Trace(folder / "trace.jsonl")
        stack.callback(trace.close)
        yield World(seed, cluster, api, proxy, timeline, running, trace)


def storm(world: World, seconds: float) -> list[Row]:
    """Let it storm, then let it be calm, and judge."""
    authors, canaries, meter = Authors(world), Canaries(world), Meter(world)
    faults: dict[str, int] = {}
    kubernetes, remote = weather.on_kubernetes(), weather.on_the_remote_side()
    parts: list[Callable[[], None]] = [
        authors.work,
        canaries.work,
        lambda: weather.blow(world, "kubernetes", kubernetes, (1, 6), faults),
        lambda: weather.blow(world, "sandbox", remote, (60, 120), faults),
    ]
    threads = [threading.Thread(target=_watched, args=(world, part)) for part in parts]
    for thread in threads:
        thread.start()
    _watch(world, canaries, meter, time.monotonic() + seconds)
    world.over.set()
    for thread in threads:
        thread.join()
    ceased = time.time()
    world.trace("storm", "ceased")
    world.proxy.clear()
    authors.settle()
    judge = _calm(world, canaries, meter)
    return [
        *_promises(world, authors, canaries, judge, ceased),
        *_figures(world, authors, canaries, judge, meter, faults),
    ]


def _watched(world: World, part: Callable[[], None]) -> None:
    try:
        part()
    except BaseException as error:
        world.errors.append(error)
        world.over.set()
        raise


def _watch(world: World, canaries: Canaries, meter: Meter, until: float) -> None:
    """Look on until the time is over, or the operator is."""
    looked = time.monotonic()
    while time.monotonic() < until and world.running.process.poll() is None:
        if world.over.wait(0.5):
            return
        canaries.listen()
        if time.monotonic() - looked >= EVERY:
            looked = time.monotonic()
            meter.look()


def _calm(world: World, canaries: Canaries, meter: Meter) -> Judge:
    """Wait until all is told, or until that has taken too long."""
    until = time.monotonic() + CALM
    judge = _judge(world)
    while judge.unfinished() and time.monotonic() < until:
        if world.running.process.poll() is not None:
            break
        _pause(world, canaries, meter)
        judge = _judge(world)
    # What a silent watch kept back is looked for within a round; nothing shows that it was told.
    rest = time.monotonic() + DEAF
    while time.monotonic() < rest and world.running.process.poll() is None:
        _pause(world, canaries, meter)
    return _judge(world)


def _pause(world: World, canaries: Canaries, meter: Meter) -> None:
    time.sleep(EVERY)
    canaries.listen()
    if world.running.process.poll() is None:
        meter.look()


def _judge(world: World) -> Judge:
    namespaces = (*AUTHORS, CANARIES)
    events = [event for name in namespaces for event in crowd.listed(world.api, name)]
    return Judge(events, crowd.posts(world.timeline))


def _promises(
    world: World, authors: Authors, canaries: Canaries, judge: Judge, ceased: float
) -> list[Row]:
    """What must hold."""
    lost, uncounted, unfinished = judge.lost(authors.stories), judge.uncounted(), judge.unfinished()
    deaf = {kind: _deafest(world, canaries, kind, ceased) for kind in ("new", "edit", "resend")}
    ended = world.running.process.poll()
    well = ended is None and [probe(world.running, path) for path in ("/healthz", "/readyz")]
    for finding in (*lost, *uncounted, *unfinished):
        world.trace("verdict", finding)
    return [
        Row(
            "what went wrong in the storm itself", str(world.errors or "nothing"), not world.errors
        ),
        Row("lost", _some(lost), not lost),
        Row("not finished", _some(unfinished), not unfinished),
        Row("duplicates that are not counted", _some(uncounted), not uncounted),
        *(
            Row(f"deaf for at most, {kind}", f"{seconds:.1f} s", seconds <= DEAF)
            for kind, seconds in deaf.items()
        ),
        Row("the process", "the same" if ended is None else f"exit {ended}", ended is None),
        Row("healthz, readyz", str(well), well == [200, 200]),
    ]


def _figures(
    world: World,
    authors: Authors,
    canaries: Canaries,
    judge: Judge,
    meter: Meter,
    faults: dict[str, int],
) -> list[Row]:
    """What it took."""
    most, memory = meter.most("requests"), [look.memory for look in meter.looks]
    answered = Counter(str(post.answered) for post in crowd.posts(world.timeline))
    return [
        Row("deeds", ", ".join(f"{n} {deed}" for deed, n in authors.deeds.most_common())),
        Row("canaries", str(len(canaries.all))),
        Row("faults, kinds of them", f"{sum(faults.values())}, {len(faults)}"),
        Row("POSTs, by answer", ", ".join(f"{n} {what}" for what, n in answered.most_common())),
        Row("duplicates", str(judge.doubled())),
        Row(
            "requests/s, mean and most",
            f"{meter.mean('requests'):.1f}, {most:.1f}",
            most < REQUESTS,
        ),
        Row("CPU, mean and most", f"{meter.mean('cpu'):.0%}, {meter.most('cpu'):.0%}"),
        Row("log lines/s, mean and most", f"{meter.mean('lines'):.1f}, {meter.most('lines'):.1f}"),
        Row("memory, first, most, last", ", ".join(f"{m:.0f} MB" for m in _ends(memory))),
    ]


def _ends(values: Sequence[float]) -> tuple[float, float, float]:
    return values[0], max(values), values[-1]


def _deafest(world: World, canaries: Canaries, kind: str, ceased: float) -> float:
    found = {c.name: deaf_for(c, world.windows, ceased) for c in canaries.all if c.kind == kind}
    for name, seconds in found.items():
        if seconds > DEAF:
            world.trace("verdict", f"deaf to {kind} of {name}", seconds=str(seconds))
    return max(found.values(), default=0.0)


def _some(findings: Sequence[str]) -> str:
    return f"{len(findings)}: {'; '.join(findings[:5])}" if findings else "0"


if __name__ == "__main__":
    sys.exit(main())
