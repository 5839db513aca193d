"""Runs plan after plan on all cores: fresh ones, and variations of those that were new."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from random import Random

from simulation.branches import Arc, Branches
from simulation.plan import Plan
from simulation.runs import Outcome, run
from simulation.swarm import draw, vary

#: Plans that are handed to a worker at once.
BATCH = 40

#: Of so many plans, one is looked at by branch: to look takes as long as to run.
LOOKED_AT = 10

#: Of the plans, the share that varies one that was kept.
VARIED = 0.5

#: Plans that are kept; of more, the oldest are given up.
MOST_KEPT = 2000

Pair = tuple[tuple[str, str], tuple[str, str]]


@dataclass
class Found:
    """What some plans have shown."""

    schedules: int = 0
    seconds: float = 0.0
    steps: int = 0
    requests: int = 0
    states: set[int] = field(default_factory=set)
    pairs: set[Pair] = field(default_factory=set)
    arcs: set[Arc] = field(default_factory=set)
    sentences: set[str] = field(default_factory=set)
    #: Plans that reached something new, and those that broke a rule.
    kept: list[Plan] = field(default_factory=list)
    broken: list[Outcome] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """These as well."""
        for name in ("schedules", "seconds", "steps", "requests"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("states", "pairs", "arcs", "sentences"):
            getattr(self, name).update(getattr(other, name))
        self.kept = (self.kept + other.kept)[-MOST_KEPT:]
        self.broken += other.broken


#: What this worker has looked at so far.
_branches: Branches | None = None
_pairs: set[Pair] = set()


def work(plans: list[Plan], *, looks: bool) -> Found:
    """Run these plans, in a process of its own."""
    found = Found()
    for number, plan in enumerate(plans):
        _run(plan, found, looks=looks and number % LOOKED_AT == 0)
    return found


def _run(plan: Plan, found: Found, *, looks: bool) -> None:
    new: set[Arc] = set()
    if looks:
        with _looker().looking() as new:
            outcome = run(plan)
    else:
        outcome = run(plan)
    found.schedules += 1
    found.seconds += outcome.seconds
    found.steps += outcome.steps
    found.requests += outcome.requests
    found.states |= outcome.states
    found.sentences |= outcome.sentences
    found.arcs |= new
    if new or not outcome.pairs <= _pairs:
        found.kept.append(plan)
    found.pairs |= outcome.pairs
    _pairs.update(outcome.pairs)
    if outcome.violations:
        found.broken.append(outcome)


def _looker() -> Branches:
    global _branches
    if _branches is None:
        _branches = Branches()
    return _branches


def explore(
    plans: Iterator[Plan] | None = None,
    *,
    first_seed: int = 0,
    schedules: float = float("inf"),
    seconds: float = float("inf"),
    workers: int = 2,
    looks: bool = False,
    told: Callable[[Found], bool] = lambda _: False,
) -> Found:
    """Run plans until so many were run, or for so long, or until `told` of the rest says so."""
    found, until = Found(), time.monotonic() + seconds
    source = plans if plans is not None else _drawn(first_seed, found, varies=looks)
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running: set[Future[Found]] = set()
        given, is_over = 0, False
        while running or not is_over:
            while not is_over and len(running) < workers + 1:
                size = int(min(BATCH, schedules - given))
                batch = list(itertools.islice(source, size))
                given += len(batch)
                is_over = not batch
                if batch:
                    running.add(pool.submit(work, batch, looks=looks))
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for each in ended:
                found.add(each.result())
            is_over |= told(found) or time.monotonic() >= until
    return found


def _drawn(first_seed: int, found: Found, *, varies: bool) -> Iterator[Plan]:
    """One seed after the other; where something was kept, also variations of that."""
    for seed in itertools.count(first_seed):
        chance = Random(seed)
        if varies and found.kept and chance.random() < VARIED:
            yield vary(chance.choice(found.kept), seed)
        else:
            yield draw(seed)
