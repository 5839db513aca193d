"""Makes a plan that breaks a rule as small as it can be while it still breaks that rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from customevents import answers
from simulation.plan import Plan
from simulation.runs import Outcome, explicit, run

T = TypeVar("T")

#: Runs that are spent on it at most.
MOST_RUNS = 600

#: Seeds of the rest of chance that are tried for each smaller plan.
OTHER_CHANCES = 3


class _Spent(Exception):
    """No more runs."""


class Shrinker:
    """Tries smaller plans, and keeps those that break the same rule."""

    def __init__(
        self, outcome: Outcome, runs: Callable[[Plan], Outcome] = run, *, rule: str = ""
    ) -> None:
        """Without a `rule`, the first that is broken."""
        self.best = outcome
        self._rule = rule or outcome.rule
        self._run = runs
        self._left = MOST_RUNS

    def shrink(self) -> Outcome:
        """The smallest that was found."""
        try:
            self._try(explicit(self.best))
            while self._pass():
                pass
        except _Spent:
            pass
        return self.best

    def _pass(self) -> bool:
        """Try all that may be left out, once; whether any was."""
        before = self.best.plan
        self._leave_out("deeds")
        self._leave_out("struck")
        for simpler in self._simpler():
            self._try(simpler)
        return self.best.plan != before

    def _simpler(self) -> Iterator[Plan]:
        for name, value in _SIMPLEST.items():
            if getattr(self.best.plan, name) != value:
                yield replace(self.best.plan, **{name: value})
        for fewer in range(1, self.best.plan.replicas):
            yield replace(self.best.plan, replicas=fewer)
        for name in list(self.best.plan.settings):
            settings = {k: v for k, v in self.best.plan.settings.items() if k != name}
            yield replace(self.best.plan, settings=settings)

    def _leave_out(self, name: str) -> None:
        """Halves first, then quarters, down to one by one."""
        size = max(1, len(self._parts(name)) // 2)
        while True:
            place = 0
            while place < len(parts := self._parts(name)):
                left = (*parts[:place], *parts[place + size :])
                changed: dict[str, Any] = {name: left}
                if not self._try(replace(self.best.plan, **changed)):
                    place += size
            if size == 1:
                return
            size //= 2

    def _parts(self, name: str) -> Sequence[Any]:
        parts: Sequence[Any] = getattr(self.best.plan, name) or ()
        return parts

    def _try(self, plan: Plan) -> bool:
        for other in range(OTHER_CHANCES):
            if self._left <= 0:
                raise _Spent
            self._left -= 1
            found = self._run(plan if not other else replace(plan, seed=plan.seed + other))
            if self._rule in found.rules:
                self.best = found
                return True
        return False


_SIMPLEST: dict[str, Any] = {
    "shuffles": False,
    "slowest": 0.01,
    "lag": 0.05,
    "page": answers.PAGE,
    "offset": 0.0,
    "drift": 0.0,
}
