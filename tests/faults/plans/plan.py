"""What a fault plan is: a name, what is done in words and in steps, and how each event must end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faults.oracles import Fate
from faults.plans.rig import Rig

#: Takes a plan's steps up to the end of the fault; the fates of its events, by name.
Steps = Callable[[Rig], Mapping[str, Fate]]


@dataclass(frozen=True)
class Plan:
    """One fault at one place. What must hold of every plan stands in `faults.oracles`."""

    name: str
    done: str
    #: What must hold beside the oracles.
    holds: str
    steps: Steps
    #: Whether it is one of those that gate each change.
    gates: bool = False
