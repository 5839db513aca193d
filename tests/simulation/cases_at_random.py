"""Requests at random: what nobody thought of when the other cases were written.

Each draws from its own numbers, and what it sends depends on what was answered before; so both
servers are asked the same for as long as they answer the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from simulation.comparing import Asking, Said
from simulation.manifests import OPERATOR, Raw, add, event, events, must_be, one, record, status_of

NAMES = ("a", "b", "a-b", "c.d")
STATES = ("Pending", "Delivered", "Retrying", "Failed", "Held", "Wrong")
VALUES: tuple[str | None, ...] = ("1", "2", None)
REQUESTS = 60


@dataclass
class _Walk:
    """One case under way."""

    asked: Asking
    random: Random
    #: What was last seen of each name, gone or not.
    seen: dict[str, Raw] = field(default_factory=dict)
    #: A token of a page, and how long the pages of its list are.
    more: str = ""

    def step(self) -> None:
        name = self.random.choice(NAMES)
        steps: tuple[Callable[[str], None], ...] = (
            self.create,
            self.edit,
            self.label,
            self.hold,
            self.swap_record,
            self.swap_record,
            self.replace,
            self.delete,
            self.list_some,
        )
        self.random.choice(steps)(name)

    def create(self, name: str) -> None:
        finalizers = self.random.choice(([], [], ["a/b"]))
        self._see(name, self.asked.post(events(self.asked), event(name, finalizers=finalizers)))

    def edit(self, name: str) -> None:
        spec = {"suspend": self.random.choice((True, False, None)), "summary": self._value()}
        self._see(name, self.asked.merge(one(self.asked, name), {"spec": spec}))

    def label(self, name: str) -> None:
        where = self.random.choice(("labels", "annotations"))
        change = {"metadata": {where: {self.random.choice("xy"): self._value()}}}
        writer = self.random.choice(("one", "two"))
        self._see(name, self.asked.merge(one(self.asked, name), change, fieldManager=writer))

    def hold(self, name: str) -> None:
        change = {"metadata": {"finalizers": self.random.choice((None, ["a/b"], ["a/b", "c/d"]))}}
        self._see(name, self.asked.merge(one(self.asked, name), change))

    def swap_record(self, name: str) -> None:
        known = self.seen.get(name, event(name, uid="none"))
        new = record(self.random.choice(STATES), attempts=self.random.randrange(4))
        wanted = must_be("/status/delivery", known.get("status", {}).get("delivery"))
        same = must_be("/metadata/uid", known["metadata"].get("uid"))
        path = status_of(self.asked, name)
        self._see(name, self.asked.patch(path, same, wanted, add("/status", new), **OPERATOR))

    def replace(self, name: str) -> None:
        known = self.seen.get(name, event(name, resourceVersion="1"))
        changed = {
            **known,
            "spec": {**known["spec"], "severity": self.random.choice(("error", "worst"))},
        }
        self._see(name, self.asked.put(one(self.asked, name), changed))

    def delete(self, name: str) -> None:
        meta = self.seen.get(name, event(name, uid="none", resourceVersion="1"))["metadata"]
        wanted = {field: meta[field] for field in ("uid", "resourceVersion")}
        options: Raw = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": wanted}
        self.asked.delete(one(self.asked, name), self.random.choice((options, options, None)))

    def list_some(self, _: str) -> None:
        query: Raw = {"limit": 1}
        if self.more:
            query["continue"] = self.more
        elif self.random.random() < 0.5:
            query["fieldSelector"] = f"status.delivery.state!={self.random.choice(STATES)}"
        self.more = self.asked.get(events(self.asked), **query).more

    def _see(self, name: str, answer: Said) -> None:
        if answer.status < 300:
            self.seen[name] = answer.json
        elif answer.status == 409 and self.random.random() < 0.5:
            found = self.asked.get(one(self.asked, name))
            self.seen[name] = found.json if found.status == 200 else self.seen[name]

    def _value(self) -> str | None:
        return self.random.choice(VALUES)


def requests_at_random(seed: int, asked: Asking) -> None:
    """Some dozen requests, and then all that a watch has seen of them."""
    walk = _Walk(asked, Random(seed))
    since = asked.post(events(asked), event("first")).version
    for _ in range(REQUESTS):
        walk.step()
    asked.watch(events(asked), since)
    asked.watch(events(asked), since, fieldSelector="status.delivery.state!=Held")
