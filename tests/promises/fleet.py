"""Replicas of the operator, which of them leads, and what must hold however they ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customevents import sandbox
from operator_process import RunningOperator, eventually, operator
from promises import crowd
from promises.crowd import Api, Post

LEASE = "/apis/coordination.k8s.io/v1/namespaces/customevents/leases/customevents"
IN_FLIGHT = "customevents.dev/in-flight"


@dataclass
class Fleet:
    """Operators over one cluster; the first to hold the Lease leads, the others stand by."""

    api: Api
    folder: Path
    kubeconfig: Path
    settings: dict[str, str]
    stack: ExitStack
    replicas: dict[str, RunningOperator] = field(default_factory=dict)
    started: int = 0

    def start(self, kubeconfig: Path | None = None, **settings: str) -> RunningOperator:
        """Start one more replica; returns when it answers its probes."""
        self.started += 1
        name = f"replica-{self.started}"
        running = self.stack.enter_context(
            operator(
                self.folder,
                kubeconfig or self.kubeconfig,
                pod_name=name,
                **{**self.settings, **settings},
            )
        )
        self.replicas[name] = running
        return running

    def leader(self, but: RunningOperator | None = None) -> RunningOperator:
        """The replica that holds the Lease, as soon as a living one other than `but` does."""

        def look() -> RunningOperator | None:
            found = self.replicas.get(self.holder().rpartition("_")[0])
            alive = found is not None and found.process.poll() is None
            return found if alive and found is not but else None

        return eventually("a replica leads", look, within=60)

    def holder(self) -> str:
        """What the Lease names as its holder; empty while nobody holds it."""
        spec: dict[str, Any] = self.lease().get("spec", {})
        return str(spec.get("holderIdentity", ""))

    def lease(self) -> dict[str, Any]:
        """The Lease as it is; empty if there is none."""
        listed = json.loads(self.api.call("GET", LEASE.rpartition("/")[0]))
        found = [item for item in listed["items"] if item["metadata"]["name"] == "customevents"]
        return found[0] if found else {}

    def in_flight(self, namespace: str) -> list[str]:
        """The delivery ids of the attempts that the Lease lists for this namespace."""
        listed = json.loads(self.lease()["metadata"]["annotations"][IN_FLIGHT])
        assert listed["format"] == 1
        return [entry[1] for entry in listed["entries"] if entry[2] == namespace]

    def until_none_is_in_flight(self, namespace: str) -> None:
        """Wait until the Lease lists none of them: it is stated anew with each renewal."""
        eventually("the journal has nothing left", lambda: not self.in_flight(namespace))

    def stop(self) -> list[int]:
        """SIGTERM to all that still run; their exit codes."""
        alive = [r for r in self.replicas.values() if r.process.poll() is None]
        return [replica.terminate() for replica in alive]


@contextmanager
def fleet(
    api: Api, folder: Path, kubeconfig: Path, key_file: Path, endpoint: str, **settings: str
) -> Iterator[Fleet]:
    """An empty fleet; without a rate limit and with a short Lease, unless told otherwise."""
    given = {
        "api_key_file": str(key_file),
        "endpoint": endpoint,
        "cluster_name": "prod-eu-1",
        "delivery_rate": "0",
        "delivery_in_flight": "16",
        "lease_duration": "3",
        **settings,
    }
    with ExitStack() as stack:
        yield Fleet(api, folder, kubeconfig, given, stack)


def told(timeline: sandbox.Running, posts: float) -> bool:
    """Whether the sandbox has got at least so many POSTs."""
    return len(crowd.posts(timeline)) >= posts


@dataclass(frozen=True)
class Tally:
    """What was told, and what the objects say of it."""

    events: int
    lost: int
    stuck: int
    duplicates: int
    uncounted: list[str]
    false_receipts: list[str]

    def __str__(self) -> str:
        return (
            f"{self.events} events, {self.lost} lost, {self.stuck} stuck, "
            f"{self.duplicates} duplicates, {len(self.uncounted)} of them not counted"
        )

    def check(self, *, duplicates: int) -> None:
        """Nothing lost or stuck, no Delivered without a 2xx, every duplicate counted."""
        wrong = (self.lost, self.stuck, self.uncounted, self.false_receipts)
        assert wrong == (0, 0, [], []), f"{self}; without a 2xx: {self.false_receipts}"
        assert self.duplicates <= duplicates, str(self)


def _maybe_applied(post: Post) -> bool:
    """Whether the other side may have taken it: all but a refusal."""
    return post.accepted or not isinstance(post.answered, int) or post.answered >= 500


def tally(events: list[dict[str, Any]], timeline: sandbox.Running) -> Tally:
    """Compare the objects with every POST that the sandbox got."""
    by_source = crowd.by_source(crowd.posts(timeline))
    lost, duplicates, stuck, uncounted, false_receipts = 0, 0, 0, [], []
    for event in events:
        source = f"{event['metadata']['namespace']}/{event['metadata']['name']}"
        record = event["status"]["delivery"]
        posts = [post for post in by_source.get(source, []) if _maybe_applied(post)]
        duplicates += max(0, len(posts) - 1)
        lost += not any(post.accepted for post in posts)
        stuck += record["state"] not in crowd.TERMINAL
        if len(posts) - 1 > record["unknownOutcomes"]:
            uncounted.append(source)
        answered = any(post.answered == 201 for post in posts)
        if record["state"] == "Delivered" and not answered:
            false_receipts.append(source)
    return Tally(len(events), lost, stuck, duplicates, uncounted, false_receipts)
