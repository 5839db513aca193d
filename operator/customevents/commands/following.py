"""Create events, wait for them, find the undelivered, ask for a resend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from customevents.commands.listing import Row, read_row
from customevents.kube import Cluster
from customevents.resource.event import RESEND_ANNOTATION, CustomEvent, read_event
from customevents.resource.status import State

#: Seconds between two looks at an event.
POLL = 0.5


class Ending(IntEnum):
    """How waiting for an event ended: the exit codes of `customevents wait`."""

    DELIVERED = 0
    NOT_DELIVERED = 1
    TIMEOUT = 3


async def wait(
    cluster: Cluster, namespace: str, name: str, patience: float, say: Callable[[str], None]
) -> Ending:
    """Wait until an event is delivered, or cannot be without a person; `patience` in seconds.

    Raises ClusterError, also if there is no such event, and UnreadableEvent.
    """
    end = time.monotonic() + patience
    while True:
        event = read_event(await cluster.get_event(namespace, name))
        if event.settled:
            deleting = " (being deleted, so nothing more of it is sent)" if event.deleting else ""
            say(f"{event.path} is {event.status.delivery.state}{deleting}: {_message(event)}")
            delivered = event.status.delivery.state is State.DELIVERED
            return Ending.DELIVERED if delivered else Ending.NOT_DELIVERED
        if time.monotonic() >= end:
            say(f"{event.path} is still {event.status.delivery.state}: {_message(event)}")
            return Ending.TIMEOUT
        await asyncio.sleep(min(POLL, max(0.0, end - time.monotonic())))


async def send(
    cluster: Cluster,
    namespace: str,
    manifest: dict[str, Any],
    patience: float,
    say: Callable[[str], None],
) -> Ending:
    """Create an event and wait for it, `patience` seconds. The operator sends it.

    Raises ClusterError, also if the cluster refuses it.
    """
    made = read_event(await cluster.create_event(namespace, manifest))
    say(f"{made.path} is created")
    return await wait(cluster, namespace, made.name, patience, say)


async def undelivered(cluster: Cluster, namespace: str) -> list[Row]:
    """What is not delivered in a namespace, or in all of them (""); Failed and Expired as well.

    Raises ClusterError.
    """
    return [read_row(raw) async for raw in cluster.undelivered(namespace)]


async def resend(cluster: Cluster, namespace: str, name: str) -> None:
    """Ask the operator to send an event again, whatever its state. Raises ClusterError."""
    value = datetime.now(UTC).isoformat(timespec="microseconds")
    await cluster.annotate(namespace, name, {RESEND_ANNOTATION: value})


async def failed(cluster: Cluster, namespace: str) -> list[str]:
    """The names of a namespace's events that were refused for good. Raises ClusterError."""
    return [
        raw["metadata"]["name"] async for raw in cluster.events_in_state(namespace, State.FAILED)
    ]


def _message(event: CustomEvent) -> str:
    return event.status.delivered.message
