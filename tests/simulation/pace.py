"""How a process may send: as the rate says, one first, and not to an endpoint that is down."""

from __future__ import annotations

from customevents.delivery.throttle import FAILURES, OPEN_SECONDS
from customevents.eventsapi.answer import Answer, NoAnswer, Stage

#: Seconds by which two clocks may differ in what they call the same moment.
SLACK = 0.1


class Pace:
    """What one process has sent, and what it may send now."""

    def __init__(self, born: float, rate: float, burst: int, drift: float) -> None:
        """`drift`: the share by which its clock may be faster than the world's."""
        self._rate = rate * (1.0 + drift)
        self._burst = burst
        self._slower = 1.0 - drift
        self._tokens, self._at = 0.0, born
        self._rests_until = self._down_until = float("-inf")
        self._ended = self._outages = 0
        #: POSTs that have not ended.
        self.under_way = 0
        self.sent_last = float("-inf")

    def sends(self, now: float) -> str:
        """A POST leaves; the rule that this breaks, or nothing."""
        wrong = self._wrong(now)
        self.under_way += 1
        self.sent_last = now
        return wrong

    def ended(self, found: Answer | NoAnswer, now: float) -> None:
        """A POST has ended like this."""
        self.under_way -= 1
        self._ended += 1
        if isinstance(found, Answer) and found.status in (429, 503) and found.retry_after:
            rest = float(found.retry_after) * self._slower
            self._rests_until = max(self._rests_until, now + rest)
        if _is_outage(found):
            self._outages += 1
        else:
            self._outages, self._down_until = 0, float("-inf")
        if self._outages >= FAILURES:
            self._down_until = now + OPEN_SECONDS * self._slower

    def probed(self) -> None:
        """A probe says that the endpoint works."""
        self._down_until = float("-inf")

    def _wrong(self, now: float) -> str:
        if self._rate > 0.0 and not self._has_token(now):
            return "the rate is exceeded"
        if now < self._rests_until - SLACK:
            return "the endpoint asked to be left alone"
        if now < self._down_until - SLACK:
            return f"the endpoint was down {self._outages} times in a row"
        if self.under_way and not self._ended:
            return "a new leader lets one event go first"
        return ""

    def _has_token(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1.0
        self._at = now
        return self._tokens > -SLACK


def _is_outage(found: Answer | NoAnswer) -> bool:
    if isinstance(found, Answer):
        return found.status >= 500
    return found.stage is not Stage.CERTIFICATE
