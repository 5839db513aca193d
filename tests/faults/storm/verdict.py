"""What became of it all: oracles that share no code with the operator, and one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from faults.storm.authors import Story, Telling
from promises import crowd
from promises.crowd import TERMINAL, Post

#: Seconds: what has stood for so long was told, whatever else happened.
LONG = 600.0


@dataclass(frozen=True)
class Row:
    """One line of the table; without a limit it is for the reader alone."""

    name: str
    value: str
    ok: bool | None = None

    def __str__(self) -> str:
        mark = {None: "", True: "ok", False: "WRONG"}[self.ok]
        return f"{self.name:<52} {self.value:<40} {mark}".rstrip()


class Judge:
    """Compares what the authors expect with what was posted and what the objects say."""

    def __init__(self, events: Sequence[dict[str, Any]], posts: Sequence[Post]) -> None:
        self._objects = {_source(event): event for event in events}
        self._posts = crowd.by_source([post for post in posts if post.accepted])

    def lost(self, stories: Sequence[Story]) -> list[str]:
        """What stood at the end, or for long, and was not told as the last of its object."""
        return [
            f"{story.source}: {telling.summary!r}, resend {telling.resend!r}"
            for story in stories
            for telling in story.tellings
            if self._had_to_be_told(story, telling) and not self._was_told(story, telling)
        ]

    def uncounted(self) -> list[str]:
        """The objects that were told once more than their deliveries and their counter say."""
        return [
            f"{source}: {self._doubled(source)} more, {_record(event)['unknownOutcomes']} counted"
            for source, event in self._objects.items()
            if self._doubled(source) > _record(event)["unknownOutcomes"]
        ]

    def unfinished(self) -> list[str]:
        """The objects whose delivery has not ended."""
        return [
            f"{source}: {_record(event)['state']}"
            for source, event in self._objects.items()
            if _record(event)["state"] not in TERMINAL
        ]

    def doubled(self) -> int:
        """How many accepted posts are more than one for their delivery."""
        return sum(map(self._doubled, self._posts))

    def _doubled(self, source: str) -> int:
        posts = self._posts.get(source, [])
        return len(posts) - len({post.delivery_id for post in posts})

    def _had_to_be_told(self, story: Story, telling: Telling) -> bool:
        if telling is story.now and not story.deleted:
            return True
        return telling.end - telling.begin > LONG and not telling.suspended

    def _was_told(self, story: Story, telling: Telling) -> bool:
        before = [p for p in self._posts.get(story.source, ()) if _time(p) <= telling.end]
        firsts = list({post.delivery_id: post for post in reversed(before)}.values())
        last = max(firsts, key=_time, default=None)
        if last is None or last.body["summary"] != telling.summary:
            return False
        asked = next(each.begin for each in story.tellings if each.resend == telling.resend)
        return not telling.resend or _time(last) >= asked


def _time(post: Post) -> float:
    return datetime.fromisoformat(post.received_at).timestamp()


def _source(event: dict[str, Any]) -> str:
    return f"{event['metadata']['namespace']}/{event['metadata']['name']}"


def _record(event: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = event["status"]["delivery"]
    return record
