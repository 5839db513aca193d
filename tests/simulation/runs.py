"""Runs one plan, and says what came of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from simulation.judge import Violation
from simulation.loop import OWNER
from simulation.plan import Plan, Struck
from simulation.replica import Replica
from simulation.world import World

#: What the operator logs, all of it below this name.
OURS = logging.getLogger("customevents")


@dataclass(frozen=True)
class Outcome:
    """What came of a plan."""

    plan: Plan
    violations: tuple[Violation, ...]
    struck: tuple[Struck, ...]
    trace: tuple[tuple[float, str, str], ...]
    states: frozenset[int]
    pairs: frozenset[tuple[tuple[str, str], tuple[str, str]]]
    sentences: frozenset[str]
    #: Virtual seconds, steps of the loop, and requests to the API server.
    seconds: float
    steps: int
    requests: int

    @property
    def rules(self) -> frozenset[str]:
        """All rules that were broken."""
        return frozenset(violation.rule for violation in self.violations)

    @property
    def rule(self) -> str:
        """The first rule that was broken; empty: none was."""
        return self.violations[0].rule if self.violations else ""

    def lines(self) -> Iterator[str]:
        """The story, as lines that a person reads: what repeats itself is told once."""
        for (who, what), same in groupby(self.trace, key=itemgetter(1, 2)):
            first, *others = (at for at, _, _ in same)
            yield f"t={first:9.3f}  {who:6}  {what}"
            if others:
                more = "once more" if len(others) == 1 else f"{len(others)} times more until then"
                yield f"t={others[-1]:9.3f}  {who:6}  ... {more}"
        for violation in self.violations:
            yield f"broken: {violation}"


def run(plan: Plan, *, with_log: bool = False, kind: type[Replica] = Replica) -> Outcome:
    """Run a plan; `with_log` puts what the operator logs into the trace."""
    world = World(plan, kind)
    with _listening(world, with_log=with_log):
        world.run()
    return Outcome(
        plan=plan,
        violations=tuple(world.judge.violations),
        struck=tuple(world.struck),
        trace=tuple(world.trace),
        states=frozenset(world.judge.states),
        pairs=frozenset(world.judge.pairs),
        sentences=frozenset(world.judge.sentences),
        seconds=world.loop.time(),
        steps=world.loop.steps,
        requests=world.judge.requests.total(),
    )


def explicit(outcome: Outcome) -> Plan:
    """The same plan with each of its faults by name."""
    if outcome.plan.struck is not None:
        return outcome.plan
    return replace(outcome.plan, struck=outcome.struck, rates={})


class _Ear(logging.Handler):
    """Hears what the operator logs: a traceback is a defect."""

    def __init__(self, world: World, *, with_log: bool) -> None:
        super().__init__()
        self._world = world
        self._with_log = with_log

    def emit(self, record: logging.LogRecord) -> None:
        if self._with_log:
            owner = OWNER.get()
            who = f"{owner.name} log" if owner else "log"
            self._world.say(who, f"{record.levelname} {record.getMessage()}")
        if record.exc_info:
            error = record.exc_info[1]
            self._world.judge.violated("defect", f"{record.getMessage()}: {error!r}")


@contextmanager
def _listening(world: World, *, with_log: bool) -> Iterator[None]:
    ear, before = _Ear(world, with_log=with_log), (OURS.level, OURS.propagate)
    OURS.addHandler(ear)
    OURS.setLevel(logging.INFO if with_log else logging.ERROR)
    OURS.propagate = False
    try:
        yield
    finally:
        OURS.removeHandler(ear)
        OURS.setLevel(before[0])
        OURS.propagate = before[1]
