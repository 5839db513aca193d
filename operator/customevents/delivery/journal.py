"""Attempts in flight, written down before they are made.

Nothing is sent without an entry here first; an entry leaves when its result is on the object. Today
the entries are this process's own: they say which events are under way when it drains.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Intent:
    """One attempt that is about to be made."""

    uid: str
    delivery_id: str
    namespace: str
    name: str
    attempt: int


class Journal:
    """The attempts in flight."""

    def __init__(self) -> None:
        self._entries: dict[str, Intent] = {}

    async def commit(self, intent: Intent) -> None:
        """Write down that this attempt is about to be made."""
        self._entries[intent.uid] = intent

    def drop(self, uid: str) -> None:
        """The attempt's result is on the object, or nothing was sent, or the object is gone."""
        self._entries.pop(uid, None)

    def __len__(self) -> int:
        return len(self._entries)
