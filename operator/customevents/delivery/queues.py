"""The events whose turn it is, a queue for each namespace, and the round between these.

Within a namespace first in is first out; between namespaces it goes round, so that one namespace
cannot delay another by more than its share.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator

from customevents.resource.event import CustomEvent

#: uid → event, in the order in which they came.
_Queue = OrderedDict[str, CustomEvent]


class Queues:
    """Fair over namespaces; those that are blocked keep their place and get no turn."""

    def __init__(self) -> None:
        self._ready: OrderedDict[str, _Queue] = OrderedDict()
        self._blocked: dict[str, _Queue] = {}
        #: The namespace of each event that is here, by uid.
        self._where: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._where)

    def __iter__(self) -> Iterator[CustomEvent]:
        queues = itertools.chain(self._ready.values(), self._blocked.values())
        return itertools.chain.from_iterable(queue.values() for queue in queues)

    @property
    def ready(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._ready.values()))

    @property
    def blocked(self) -> int:
        """How many wait for their namespace."""
        return sum(map(len, self._blocked.values()))

    @property
    def any_ready(self) -> bool:
        """Whether one may be taken."""
        return bool(self._ready)

    @property
    def any_blocked(self) -> bool:
        """Whether any namespace is blocked, also one in which nothing waits."""
        return bool(self._blocked)

    def get(self, uid: str) -> CustomEvent | None:
        """The version of an event that is here."""
        namespace = self._where.get(uid)
        if namespace is None:
            return None
        queues = self._blocked if namespace in self._blocked else self._ready
        return queues[namespace][uid]

    def put(self, event: CustomEvent) -> None:
        """Add an event at its namespace's end; an edited one replaces itself in its place."""
        self._where[event.uid] = event.namespace
        if event.namespace in self._blocked:
            self._blocked[event.namespace][event.uid] = event
            return
        self._ready.setdefault(event.namespace, OrderedDict())[event.uid] = event

    def remove(self, event: CustomEvent) -> None:
        """Take an event out, if it is here."""
        namespace = self._where.pop(event.uid, None)
        if namespace is None:
            return
        if namespace in self._blocked:
            del self._blocked[namespace][event.uid]
            return
        del self._ready[namespace][event.uid]
        if not self._ready[namespace]:
            del self._ready[namespace]

    def take(self) -> CustomEvent:
        """The next event. Raises KeyError if none is ready."""
        namespace, queue = self._ready.popitem(last=False)
        uid, event = queue.popitem(last=False)
        del self._where[uid]
        if queue:
            self._ready[namespace] = queue  # to the end: the next namespace's turn
        return event

    def block(self, namespace: str) -> None:
        """Give a namespace no turn, until `unblock`."""
        if namespace not in self._blocked:
            self._blocked[namespace] = self._ready.pop(namespace, OrderedDict())

    def unblock(self, namespace: str) -> None:
        """Let a namespace take part again; what came meanwhile is in it."""
        for event in self._blocked.pop(namespace, {}).values():
            self.put(event)
