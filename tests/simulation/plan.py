"""A schedule as data: who does what, when, and what goes wrong. All else follows from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from customevents import answers

#: What a number of a schedule's own settings is where nothing else was drawn.
SETTINGS: dict[str, Any] = {"lease_duration": 15.0, "delivery_post_timeout": 30.0}


#: The replica that is at a deed's point, whichever that is.
WHOEVER = "*"


@dataclass(frozen=True)
class Deed:
    """Something that somebody does at a moment, in seconds from the start.

    `point`: instead, when a replica is at this point of its way for the `count`th time from then
    on. That is the one that `whom` names; where it names none, or an event, whichever it is.
    """

    at: float
    #: What, as `deeds.py` has it.
    do: str
    #: Which event, replica or namespace; or the replica that is at the point.
    whom: str = ""
    #: For how long, or which of several.
    much: float = 0.0
    point: str = ""
    count: int = 1


@dataclass(frozen=True)
class Struck:
    """A fault that meets one request: that of this replica, by kind and number."""

    who: str
    what: str
    number: int
    fate: str


@dataclass(frozen=True)
class Plan:
    """What makes a schedule."""

    seed: int
    replicas: int = 1
    deeds: tuple[Deed, ...] = ()
    #: The share of requests that meet each fault; without `struck`.
    rates: dict[str, float] = field(default_factory=dict)
    #: The faults one by one; None: they are drawn by their rates.
    struck: tuple[Struck, ...] | None = None
    #: Whether what is ready is run in an order that is drawn.
    shuffles: bool = True
    #: Seconds that a request takes at most, each way.
    slowest: float = 0.05
    #: Seconds that the watch lags behind at most.
    lag: float = 0.2
    #: Objects in a page of a list at most: a schedule's events would never fill one.
    page: int = answers.PAGE
    #: By how much the clocks of replicas differ: seconds, and parts of a second a second.
    offset: float = 0.0
    drift: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    #: From when on nothing goes wrong any more.
    calm: float = 60.0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing goes wrong: then events are only created, once the operator watches.

        Those of before it may be looked at: its watch's first list confirms them a moment later.
        """
        calm = not self.rates and not self.struck and self.lag <= 0.5 and self.slowest <= 0.5
        return calm and all(deed.do == "create" and deed.at > 5.0 for deed in self.deeds)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it again."""
        raw = json.loads(text)
        struck = raw["struck"]
        raw["deeds"] = tuple(Deed(**deed) for deed in raw["deeds"])
        raw["struck"] = None if struck is None else tuple(Struck(**one) for one in struck)
        return cls(**raw)

    def without(self, deeds: set[int]) -> Plan:
        """The same without some of its deeds, by their places."""
        left = tuple(deed for place, deed in enumerate(self.deeds) if place not in deeds)
        return replace(self, deeds=left)
