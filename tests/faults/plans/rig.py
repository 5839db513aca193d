"""What a plan is played on: operators between two proxies, and the steps that a plan consists of.

Each step returns when what it says is so; none waits for luck. The operators reach the API server
and the sandbox through a proxy each, which holds a request for as long as a plan likes, and keeps a
record of what was written and sent.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from localcluster import Cluster

from customevents import sandbox
from faults.oracles import Evidence, Fate, faults_found, is_told_aloud, is_write, not_as_fated
from operator_process import RunningOperator, eventually
from promises import crowd
from promises.crowd import Api, Post
from promises.fleet import Fleet
from proxy import (
    Action,
    ApiProxy,
    DropFrames,
    Handle,
    HangAfter,
    HangBefore,
    Hold,
    PlainProxy,
    Rule,
)

#: Short, so that a plan is: seconds of the Lease, and of an attempt.
LEASE, POST_TIMEOUT = 2, 3

#: Seconds within which all must have ended once the fault has, and then nothing may happen.
SETTLED, QUIET = 30.0, 5.0

SETTINGS = {
    "lease_duration": str(LEASE),
    "delivery_post_timeout": str(POST_TIMEOUT),
    "discovery_settle_seconds": "0",
    "log_level": "DEBUG",
}


class Leg(Enum):
    """The three requests that an attempt consists of, each with the event's name in it."""

    LEASE = "PUT", "/leases/customevents", r"\W{name}\W"
    POST = "POST", "/mgmt/v1/events$", r"\W{name}\W"
    STATUS = "PATCH", "/customevents/{name}/status", ""

    def rule(self, name: str, action: Action, count: int | None) -> Rule:
        """Let this happen to it, for the event of this name."""
        method, path, body = (text.format(name=name) for text in self.value)
        return Rule(method, path, action, body=body, count=count)


@dataclass(frozen=True)
class Rig:
    """The operators, and all that is around them."""

    cluster: Cluster
    api: Api
    namespace: str
    other: str
    operators: Fleet
    kubernetes: ApiProxy
    remote: PlainProxy
    timeline: sandbox.Running
    key_file: Path

    def lead(self) -> RunningOperator:
        """Start one operator, which leads."""
        self.operators.start()
        return self.operators.leader()

    def lead_with_a_standby(self) -> RunningOperator:
        """Start two, of which the first leads; that one."""
        leader = self.lead()
        self.operators.start()
        return leader

    def place(self, leg: Leg, action: Action, name: str, count: int | None = 1) -> Handle:
        """Let this happen to the next such requests of an event; None: until it is removed."""
        proxy = self.remote if leg is Leg.POST else self.kubernetes
        return proxy.add(leg.rule(name, action, count))

    def hold(self, leg: Leg, name: str, answered: bool) -> Handle:
        """Hold the next one before it arrives, or its answer, until it is released."""
        return self.place(leg, Hold(after=answered), name)

    def lose(self, leg: Leg, name: str, answered: bool) -> Handle:
        """Keep the next one back for ever, or its answer; its client waits meanwhile."""
        return self.place(leg, HangAfter() if answered else HangBefore(), name)

    def apply(self, *names: str, namespace: str = "") -> None:
        """Create ordinary events."""
        for name in names:
            crowd.create_one(self.api, namespace or self.namespace, name, name)

    def apply_until_held(self, name: str, held: Handle) -> None:
        """Create an event, and wait until its request is held."""
        self.apply(name)
        self.until_reached(held)

    def until_reached(self, placed: Handle) -> None:
        """Wait until the fault bites."""
        assert placed.reached.wait(SETTLED), f"nothing met {placed.rule}"

    def until_renewed(self) -> None:
        """Wait until the Lease was written by who begins to write it from now on."""
        known = len(self.kubernetes.requests)

        def renewed() -> bool:
            since = self.kubernetes.requests[known:]
            return any("/leases" in seen.path and is_write(seen) for seen in since)

        eventually("the Lease is renewed", renewed)

    def swallow(self, name: str) -> Handle:
        """Let no watch show this event from now on."""
        frames = DropFrames(f'"name":"{name}"')
        return self.kubernetes.add(Rule("GET", "/customevents.*watch=true", frames, count=None))

    def until_told(self, posts: int) -> None:
        """Wait until the sandbox has got so many POSTs."""
        eventually(f"{posts} are told", lambda: len(crowd.posts(self.timeline)) >= posts)

    def until_ended(self, *namespaces: str) -> None:
        """Wait until all deliveries there have ended; nowhere: in both namespaces."""
        end = time.monotonic() + SETTLED
        for each in namespaces or (self.namespace, self.other):
            crowd.until_terminal(self.api, each, within=end - time.monotonic())

    def rotate_key(self, key: str) -> None:
        """Mount another key, in one step as the kubelet does it."""
        new = self.key_file.with_name("new-key")
        new.write_text(key)
        new.replace(self.key_file)

    def next_answer(self, name: str) -> int | str:
        """Create an event, and see what the sandbox answers to its POST."""
        self.apply(name)
        posts = eventually(f"{name} is told", lambda: self._answered(name))
        return posts[0].answered

    def _answered(self, name: str) -> list[Post]:
        posts = crowd.posts_of(self.timeline, self.namespace, name)
        return [post for post in posts if post.answered != "waiting"]

    def ask_to_stop(self, operator: RunningOperator) -> None:
        """SIGTERM; it has understood."""
        operator.process.send_signal(signal.SIGTERM)
        operator.says("draining")

    def ends_with(self, operator: RunningOperator, code: int) -> None:
        """It ends by itself, with this exit code."""
        assert operator.process.wait(timeout=SETTLED) == code, operator.log[-4000:]

    def stop(self, operator: RunningOperator) -> None:
        """SIGSTOP: it neither runs nor ends."""
        operator.process.send_signal(signal.SIGSTOP)

    def resume(self, operator: RunningOperator) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        operator.process.send_signal(signal.SIGCONT)

    def judge(self, fates: Mapping[str, Fate]) -> None:
        """The fault is over: all ends in time, then nothing happens, and the oracles are content.

        The fates are of events in the rig's namespace, or of namespace/name.
        """
        end = time.monotonic() + SETTLED
        self.until_ended()
        eventually("the journal is empty", lambda: not self._in_flight(), end - time.monotonic())
        eventually("nothing happens", self._is_quiet, end + QUIET - time.monotonic())
        codes = self.operators.stop()
        evidence = self._evidence()
        wrong = faults_found(evidence)
        wrong += not_as_fated(evidence, {self._source(name): fate for name, fate in fates.items()})
        assert (wrong, set(codes)) == ([], {0}), "\n".join([*wrong, evidence.logs[-6000:]])

    def _in_flight(self) -> list[str]:
        return [
            id_ for each in (self.namespace, self.other) for id_ in self.operators.in_flight(each)
        ]

    def _is_quiet(self) -> bool:
        told = [seen.at for seen in self.kubernetes.requests if is_told_aloud(seen)]
        told += [seen.at for seen in self.remote.requests]
        return time.monotonic() - max(told, default=0.0) > QUIET

    def _source(self, name: str) -> str:
        return name if "/" in name else f"{self.namespace}/{name}"

    def _evidence(self) -> Evidence:
        return Evidence(
            {_source(event): event for event in self._objects()},
            crowd.posts(self.timeline),
            list(self.kubernetes.requests),
            [seen for seen in self.remote.requests if seen.method == "POST" and seen.request],
            "\n".join(each.log for each in self.operators.replicas.values()),
        )

    def _objects(self) -> list[dict[str, Any]]:
        return [
            event
            for namespace in (self.namespace, self.other)
            for event in crowd.listed(self.api, namespace)
        ]


def _source(event: dict[str, Any]) -> str:
    return f"{event['metadata']['namespace']}/{event['metadata']['name']}"
