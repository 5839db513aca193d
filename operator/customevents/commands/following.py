"""Create events, wait for them, find the undelivered, ask for a resend."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from customevents.commands import naming
from customevents.commands.listing import Row, read_row
from customevents.commands.patience import pause
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Gone
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
    cluster: Cluster,
    namespace: str,
    name: str,
    patience: float,
    say: Callable[[str], None],
    seen: CustomEvent | None = None,
) -> Ending:
    """Wait until an event is delivered, or cannot be without a person; `patience` in seconds.

    `seen`: the event as it was last seen. Raises ClusterError, also if there is no such event, and
    UnreadableEvent.
    """
    end = time.monotonic() + patience
    while True:
        try:
            seen = await _look(cluster, namespace, name)
        except ClusterError as error:
            if seen is None or pause(error, 1) is None:
                raise
            say(f"{seen.path} was {seen.status.delivery.state}, and cannot be seen: {error}")
            return Ending.TIMEOUT
        if seen.settled:
            deleting = " (being deleted, so nothing more of it is sent)" if seen.deleting else ""
            say(f"{seen.path} is {seen.status.delivery.state}{deleting}: {_message(seen)}")
            delivered = seen.status.delivery.state is State.DELIVERED
            return Ending.DELIVERED if delivered else Ending.NOT_DELIVERED
        if time.monotonic() >= end:
            say(f"{seen.path} is still {seen.status.delivery.state}: {_message(seen)}")
            return Ending.TIMEOUT
        await asyncio.sleep(min(POLL, max(0.0, end - time.monotonic())))


async def _look(cluster: Cluster, namespace: str, name: str) -> CustomEvent:
    try:
        return read_event(await cluster.get_event(namespace, name))
    except Gone:
        await naming.is_there(cluster, namespace)  # a namespace that is misspelt is said first
        raise


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
    made = read_event(await cluster.create_event(namespace, _named(manifest)))
    say(f"{made.path} is created")
    return await wait(cluster, namespace, made.name, patience, say, seen=made)


def _named(manifest: dict[str, Any]) -> dict[str, Any]:
    """With a name that is made up here: a second try then meets the first, and makes no other."""
    metadata = dict(manifest["metadata"])
    stem = metadata.pop("generateName", "")
    return {**manifest, "metadata": {"name": f"{stem}{naming.letters()}", **metadata}}


async def undelivered(cluster: Cluster, namespace: str) -> list[Row]:
    """What is not delivered in a namespace, or in all of them (""); Failed and Expired as well.

    Raises ClusterError.
    """
    return [read_row(raw) async for raw in cluster.undelivered(namespace)]


async def all_clear(cluster: Cluster, namespace: str) -> str:
    """What to say where nothing is undelivered. Raises Gone if there is no such namespace."""
    if not namespace:
        return "Everything in all namespaces is delivered."
    if await naming.is_there(cluster, namespace):
        return f"Everything in {namespace} is delivered."
    return f"No CustomEvent in {namespace} is undelivered (you may not look whether it is there)."


async def resend(cluster: Cluster, namespace: str, name: str) -> None:
    """Ask the operator to send an event again, whatever its state. Raises ClusterError."""
    # Another one each time, also where the clock goes back.
    value = f"{datetime.now(UTC).isoformat(timespec='seconds')}/{secrets.token_hex(4)}"
    await cluster.annotate(namespace, name, {RESEND_ANNOTATION: value})


async def failed(cluster: Cluster, namespace: str) -> list[str]:
    """The names of a namespace's events that were refused for good. Raises ClusterError."""
    return [
        raw["metadata"]["name"] async for raw in cluster.events_in_state(namespace, State.FAILED)
    ]


def _message(event: CustomEvent) -> str:
    """What its status says, without the state once more."""
    return event.status.delivered.message.removeprefix(f"{event.status.delivery.state}: ")
