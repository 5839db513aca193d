"""Those who create, edit, resend, suspend and delete events, and what they expect of it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from faults.storm.world import AUTHORS, World
from promises import crowd

#: Seconds between two deeds.
PACE = (0.2, 0.8)


@dataclass
class Telling:
    """What is to be told of an event from `begin` on, by `time.time()`."""

    summary: str
    resend: str
    begin: float
    end: float = float("inf")
    #: Whether it was suspended at some time.
    suspended: bool = False


@dataclass
class Story:
    """One event, and all that was to be told of it."""

    namespace: str
    name: str
    tellings: list[Telling] = field(default_factory=list)
    suspended: bool = False
    deleted: bool = False

    @property
    def source(self) -> str:
        """As the details name it."""
        return f"{self.namespace}/{self.name}"

    @property
    def now(self) -> Telling:
        """What is to be told of it now."""
        return self.tellings[-1]

    def tell(self, summary: str, resend: str) -> None:
        """From now on this is to be told."""
        now = time.time()
        if self.tellings:
            self.now.end = now
        self.tellings.append(Telling(summary, resend, now, suspended=self.suspended))

    def suspend(self, suspended: bool) -> None:
        """Nothing is told, or it is again."""
        self.suspended = suspended
        self.now.suspended = True


class Authors:
    """They act one after the other, each time on an event that they draw."""

    def __init__(self, world: World) -> None:
        self.stories: list[Story] = []
        self.deeds: Counter[str] = Counter()
        self._world = world
        self._choices = world.choices("authors")

    def work(self) -> None:
        """Do something every now and then until the storm is over."""
        while not self._world.over.wait(self._choices.uniform(*PACE)):
            with self._world.served:
                self._act(self._choices)

    def settle(self) -> None:
        """Let all be told that was suspended."""
        for story in self.stories:
            if story.suspended and not story.deleted:
                self._suspend(story)

    def _act(self, choices: Random) -> None:
        deed = choices.choices(
            ("create", "edit", "back", "resend", "suspend", "delete"), (50, 12, 8, 10, 8, 12)
        )[0]
        living = [story for story in self.stories if not story.deleted]
        # Mostly one of the last, which may be under way.
        recent = living[-10:] if choices.random() < 0.7 else living
        if deed == "create" or not recent:
            return self._create(choices)
        story = choices.choice(recent)
        self.deeds[deed] += 1
        self._world.trace("authors", deed, event=story.source)
        match deed:
            case "edit":
                self._edit(story, f"{story.name} as of {len(story.tellings)}")
            case "back":
                self._edit(story, story.tellings[0].summary)
            case "resend":
                self._resend(story)
            case "suspend":
                self._suspend(story)
            case _:
                self._delete(story)
        return None

    def _create(self, choices: Random) -> None:
        story = Story(choices.choice(AUTHORS), f"event-{len(self.stories):05}")
        self.deeds["create"] += 1
        self._world.trace("authors", "create", event=story.source)
        story.tell(f"{story.name} as of 0", "")
        crowd.create_one(self._world.api, story.namespace, story.name, story.now.summary)
        self.stories.append(story)

    def _edit(self, story: Story, summary: str) -> None:
        if summary != story.now.summary:
            story.tell(summary, story.now.resend)
            crowd.edit(self._world.api, story.namespace, story.name, summary)

    def _resend(self, story: Story) -> None:
        story.tell(story.now.summary, f"r{len(story.tellings)}")
        crowd.resend(self._world.api, story.namespace, story.name, story.now.resend)

    def _suspend(self, story: Story) -> None:
        story.suspend(not story.suspended)
        patch = {"spec": {"suspend": story.suspended}}
        crowd.change(self._world.api, story.namespace, story.name, patch)

    def _delete(self, story: Story) -> None:
        crowd.delete(self._world.api, story.namespace, story.name)
        story.deleted, story.now.end = True, time.time()
