"""What the watch and the lists show, read once for all who take it in.

Most of what lies in a cluster is finished, and nothing to anybody: that is not even read. One odd
object among many is its own trouble: it is named once, and the others are taken in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from customevents.resource.errors import UnreadableEvent
from customevents.resource.event import (
    CustomEvent,
    looks_finished,
    path_of,
    read_event,
    read_without_status,
)
from customevents.trouble import tell

#: Of more odd objects than this, some are named again.
MOST_NAMED = 1000


class Reader(Protocol):
    """Who takes in what is shown."""

    def offer(self, event: CustomEvent) -> None:
        """An object is there, in this version."""

    def forget(self, event: CustomEvent) -> None:
        """An object is deleted, or is being deleted."""

    def wants(self, raw: dict[str, Any]) -> bool:
        """Whether it is anything to it that an object is there, and finished."""


class Intake:
    """Shows objects to all readers; an object that is being deleted counts as deleted."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers
        #: What was said of odd objects, by their path.
        self._said: dict[str, str] = {}

    def show(self, change: str | None, raw: dict[str, Any]) -> None:
        """Take in an object, as the watch (with the kind of its change) or a list shows it."""
        try:
            if change != "DELETED" and _lies_there(raw) and not self._is_wanted(raw):
                return
            self._show(change, self._read(raw))
        except Exception as error:
            self._tell_once(path_of(raw), error)

    def _is_wanted(self, raw: dict[str, Any]) -> bool:
        return any(reader.wants(raw) for reader in self._readers)

    def _read(self, raw: dict[str, Any]) -> CustomEvent:
        try:
            return read_event(raw)
        except UnreadableEvent as error:
            event = read_without_status(raw)  # who waits with an older version must not send it
            if not event.deleting:
                self._tell_once(event.path, error)
            return event

    def _show(self, change: str | None, event: CustomEvent) -> None:
        for reader in self._readers:
            if change == "DELETED" or event.deleting:
                reader.forget(event)
            else:
                reader.offer(event)

    def _tell_once(self, path: str, error: Exception) -> None:
        words = f"{type(error).__name__}: {error}"
        if self._said.get(path) == words:
            return
        if len(self._said) >= MOST_NAMED:
            self._said.clear()
        self._said[path] = words
        tell(path, "it is passed over until it changes", error)


def _lies_there(raw: dict[str, Any]) -> bool:
    return looks_finished(raw) and "deletionTimestamp" not in raw["metadata"]
