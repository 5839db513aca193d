"""What we know before the watch shows it: our own writes, and the end of objects that we read.

Until then the watch is behind: what it shows of the object is older than what we know. And a watch
that never shows a write has gone silent.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

from customevents.resource.event import CustomEvent

#: Seconds within which the watch must have shown a write.
PATIENCE = 30.0

#: Seconds for which no watch lags: what is shown of an ended object after them is there after all.
LONGEST_LAG = 300.0


class _Write(NamedTuple):
    version: int
    namespace: str
    at: float


class Echoes:
    """What the watch still has to show, by uid."""

    def __init__(self, uptime: Callable[[], float]) -> None:
        """`uptime` counts seconds."""
        self._uptime = uptime
        #: The oldest comes first.
        self._expected: dict[str, _Write] = {}
        #: When the end of an object was read; the oldest comes first.
        self._ended: dict[str, float] = {}
        #: Since when changes in a namespace ("" = in all) are shown: a first list may take long.
        self._shown_since: dict[str, float] = {}

    def __contains__(self, uid: object) -> bool:
        return uid in self._expected or self._has_ended(str(uid))

    def expect(self, written: CustomEvent) -> None:
        """Our write has returned an object like this."""
        self.drop(written.uid)  # to the end of the line
        write = _Write(written.resource_version, written.namespace, self._uptime())
        self._expected[written.uid] = write

    def expect_end(self, uid: str) -> None:
        """The object was read, and is gone or being deleted: no object comes back from that."""
        self.drop(uid)
        self._ended[uid] = self._uptime()
        for each in list(itertools.takewhile(lambda each: not self._has_ended(each), self._ended)):
            del self._ended[each]

    def drop(self, uid: str) -> None:
        """Nothing is expected any more."""
        self._expected.pop(uid, None)
        self._ended.pop(uid, None)

    def is_stale(self, event: CustomEvent) -> bool:
        """Whether what we know is not older than what the watch shows; the echo itself counts."""
        if self._has_ended(event.uid):
            return True
        write = self._expected.get(event.uid)
        if write is None:
            return False
        if event.resource_version >= write.version:
            del self._expected[event.uid]
        return event.resource_version <= write.version

    def lost_sight(self, namespace: str) -> None:
        """Nothing is shown until `sees`."""
        self._shown_since.pop(namespace, None)

    def sees(self, namespace: str) -> None:
        """Changes are shown."""
        self._shown_since.setdefault(namespace, self._uptime())

    def pop_missing(self) -> set[str]:
        """The namespaces in which a write was not shown in time; each write is told once."""
        late = self._uptime() - PATIENCE
        missing = {}
        for uid, write in self._expected.items():
            if write.at > late:
                break
            since = self._shown_since.get("", self._shown_since.get(write.namespace))
            if since is not None and since <= late:
                missing[uid] = write.namespace
        for uid in missing:
            del self._expected[uid]
        return set(missing.values())

    def _has_ended(self, uid: str) -> bool:
        at = self._ended.get(uid)
        return at is not None and at > self._uptime() - LONGEST_LAG
