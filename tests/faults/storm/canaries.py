"""Events that nothing is done to but to see how soon they are told."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass

from faults.storm.world import CANARIES, Window, World
from promises import crowd

#: Seconds between two.
EVERY = 10.0


@dataclass
class Canary:
    """One change that is to be told, and when, by `time.time()`."""

    kind: str
    name: str
    begin: float
    heard: float = float("inf")

    @property
    def source(self) -> str:
        """As the details name it."""
        return f"{CANARIES}/{self.name}"


class Canaries:
    """Every few seconds one is created, one that was told is edited, and another one resent."""

    def __init__(self, world: World) -> None:
        self.all: list[Canary] = []
        self._world = world
        self._first_posts: dict[str, dict[str, float]] = defaultdict(dict)
        self._last = 0

    def work(self) -> None:
        """Go on until the storm is over."""
        number = 0
        while not self._world.over.wait(EVERY):
            with self._world.served:
                self._send(number)
            number += 1

    def _send(self, number: int) -> None:
        api, names = self._world.api, [f"canary-{i}" for i in range(number + 1)]
        self._begin("new", names[-1])
        crowd.create_one(api, CANARIES, names[-1], "a new one")
        # Two changes that follow each other too soon are told as one.
        open_ones = {canary.name for canary in self.all if canary.heard == float("inf")}
        heard = [name for name in names if name not in open_ones]
        if len(heard) >= 6:
            self._begin("edit", heard[-3])
            crowd.edit(api, CANARIES, heard[-3], f"as of {number}")
            self._begin("resend", heard[-6])
            crowd.resend(api, CANARIES, heard[-6], f"r{number}")

    def _begin(self, kind: str, name: str) -> None:
        self._world.trace("canaries", kind, name=name)
        self.all.append(Canary(kind, name, time.time()))

    def listen(self) -> None:
        """Take in what was posted since; a first attempt is enough: it was heard."""
        for post in crowd.posts(self._world.timeline, after=self._last):
            self._last = post.sequence
            known = self._first_posts[post.source]
            if post.delivery_id and post.delivery_id not in known:
                known[post.delivery_id] = time.time()
                self._heard(post.source, known[post.delivery_id])

    def _heard(self, source: str, now: float) -> None:
        for canary in self.all:
            if canary.source == source and canary.heard == float("inf"):
                canary.heard = now
                return


def deaf_for(canary: Canary, windows: list[Window], end: float) -> float:
    """The longest time in which it could have been told and was not.

    Infinite if it never was, although the storm was over.
    """
    if canary.heard == float("inf"):
        return float("inf")
    longest, since = 0.0, canary.begin
    for window in sorted(windows, key=lambda window: window.begin):
        if window.end <= since or window.begin >= min(canary.heard, end):
            continue
        longest = max(longest, window.begin - since)
        since = max(since, window.end)
    return max(longest, canary.heard - since)
