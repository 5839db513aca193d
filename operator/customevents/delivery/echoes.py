"""Our own writes, until the watch has shown them.

Until then the watch is behind: what it shows of the object is older than what we know. And a watch
that never shows them has gone silent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from customevents.resource.event import CustomEvent

#: Seconds within which the watch must have shown a write.
PATIENCE = 30.0


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
        #: Since when changes in a namespace ("" = in all) are shown: a first list may take long.
        self._shown_since: dict[str, float] = {}

    def __contains__(self, uid: object) -> bool:
        return uid in self._expected

    def expect(self, written: CustomEvent) -> None:
        """Our write has returned an object like this."""
        self.drop(written.uid)  # to the end of the line
        write = _Write(written.resource_version, written.namespace, self._uptime())
        self._expected[written.uid] = write

    def drop(self, uid: str) -> None:
        """Nothing is expected any more."""
        self._expected.pop(uid, None)

    def is_stale(self, event: CustomEvent) -> bool:
        """Whether our last write is not older than what the watch shows; the echo itself counts."""
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
