"""What we know before the watch shows it: our own writes, and objects that we read past it.

Until then the watch is behind: what it shows of the object is older than what we know. And a watch
that never shows a write has gone silent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from customevents.resource.event import CustomEvent

#: Seconds within which the watch must have shown a write.
PATIENCE = 30.0

#: Seconds for which a watch may lag: what is shown after them is believed, whatever was read.
LONGEST_LAG = 300.0

#: The version of an object that is gone: no other is newer, as none comes back from that.
ENDED = math.inf


class _Write(NamedTuple):
    version: int
    namespace: str
    at: float


class _Read(NamedTuple):
    version: float
    at: float


class Echoes:
    """What the watch still has to show, by uid."""

    def __init__(self, uptime: Callable[[], float]) -> None:
        """`uptime` counts seconds."""
        self._uptime = uptime
        #: The oldest comes first.
        self._expected: dict[str, _Write] = {}
        #: What was read past the watch, which may have shown it before; the oldest comes first.
        self._read: dict[str, _Read] = {}
        #: Since when changes in a namespace ("" = in all) are shown: a first list may take long.
        self._shown_since: dict[str, float] = {}

    def __contains__(self, uid: object) -> bool:
        return uid in self._expected or self.has_ended(str(uid))

    def expect(self, written: CustomEvent) -> None:
        """Our write has returned an object like this."""
        self._expected.pop(written.uid, None)  # to the end of the line
        write = _Write(written.resource_version, written.namespace, self._uptime())
        self._expected[written.uid] = write

    def was_read(self, uid: str, version: float) -> None:
        """The object was read in this version; ENDED: it is gone or being deleted."""
        newest = max(version, self._read_version(uid))  # an answer may have been long on its way
        self._read.pop(uid, None)  # to the end of the line
        self._read[uid] = _Read(newest, self._uptime())
        if version == ENDED:
            self._expected.pop(uid, None)
        self._tidy()

    def drop(self, uid: str) -> None:
        """Nothing is expected any more: the watch shows the end."""
        self._expected.pop(uid, None)
        self._read.pop(uid, None)

    def has_ended(self, uid: str) -> bool:
        """Whether its end was read, and not shown since."""
        return self._read_version(uid) == ENDED

    def is_stale(self, event: CustomEvent) -> bool:
        """Whether what the watch shows is no newer than our last write, or older than we read."""
        if event.resource_version < self._read_version(event.uid):
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
        """Changes are shown, behind a list: a write of before that is not in it was deleted."""
        if namespace in self._shown_since:
            return
        self._shown_since[namespace] = self._uptime()
        of_it = [uid for uid, one in self._expected.items() if namespace in ("", one.namespace)]
        self._miss(of_it)

    def pop_missing(self) -> set[str]:
        """The namespaces in which a write was not shown in time; each write is told once.

        The watch is behind that write still.
        """
        self._tidy()
        late = self._uptime() - PATIENCE
        old = itertools.takewhile(lambda uid: self._expected[uid].at <= late, self._expected)
        missed = {uid: self._expected[uid].namespace for uid in old}
        self._miss(missed)
        # Where nothing is shown, nothing is missing.
        return {namespace for namespace in missed.values() if self._is_shown(namespace)}

    def _miss(self, uids: Iterable[str]) -> None:
        """Expect these writes no more; what is older than they are is still not believed."""
        for uid in uids:
            self.was_read(uid, self._expected.pop(uid).version)

    def _is_shown(self, namespace: str) -> bool:
        return not self._shown_since.keys().isdisjoint(("", namespace))

    def _read_version(self, uid: str) -> float:
        read = self._read.get(uid)
        return -math.inf if read is None or self._is_long_ago(read) else read.version

    def _is_long_ago(self, read: _Read) -> bool:
        return read.at <= self._uptime() - LONGEST_LAG

    def _tidy(self) -> None:
        old = itertools.takewhile(lambda uid: self._is_long_ago(self._read[uid]), self._read)
        for uid in list(old):
            del self._read[uid]
