"""Who led before: their results may still come in, and are no second operator's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from customevents.resource.lease import Intent
from customevents.resource.times import FIRST


@dataclass
class Predecessors:
    """What a leader knows of those before it."""

    #: Until when their attempts may still arrive, by the uids of the objects.
    in_flight: dict[str, datetime] = field(default_factory=dict)
    _until: datetime = FIRST

    def end(self, now: datetime, left: Iterable[Intent], open_until: datetime) -> None:
        """From now on somebody else leads; what they left in flight may arrive until then."""
        self._until = now
        self.in_flight.update((intent.uid, open_until) for intent in left)

    def led_until(self, now: datetime) -> datetime:
        """When the last of them ended: what was attempted before that may be theirs."""
        # A clock that was ahead then knows nothing of when that was.
        return self._until if self._until <= now else FIRST
