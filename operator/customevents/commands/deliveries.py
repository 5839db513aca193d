"""Create events, wait for them, find the undelivered, ask for a resend."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from customevents.answers import one_line
from customevents.commands import arguments
from customevents.commands.patient import TAKEN, PatientCluster, pause
from customevents.commands.table import Line, read_line
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Conflict, Gone
from customevents.resource.event import RESEND_ANNOTATION, CustomEvent, read_event
from customevents.resource.status import State

#: Seconds between two looks at an event.
POLL = 0.5

#: Characters of an event's message that are shown.
LONGEST_MESSAGE = 2000


class ExitCode(IntEnum):
    """How waiting for an event ended: the exit codes of `customevents wait`."""

    DELIVERED = 0
    NOT_DELIVERED = 1
    TIMEOUT = 3


async def wait(
    cluster: PatientCluster,
    namespace: str,
    name: str,
    say: Callable[[str], None],
    see: Callable[[CustomEvent, float], None] = lambda *_: None,
    seen: CustomEvent | None = None,
) -> ExitCode:
    """Wait until an event is delivered, or cannot be without a person, or the time is over.

    `see` is shown the event at each look, with the seconds left. `seen`: as it was last seen.
    Raises ClusterError, also if there is no such event, and UnreadableEvent.
    """
    while True:
        try:
            seen = _same(seen, read_event(await cluster.get_event(namespace, name)))
        except ClusterError as error:
            if seen is None:
                raise
            was = f"{seen.path} was {seen.status.delivery.state}"
            if isinstance(error, Gone):
                raise Gone(f"{was} when it was last seen, and is deleted by now", 404) from error
            if pause(error, 1) is None:
                raise
            say(f"{was}, and cannot be seen: {error}")
            return ExitCode.TIMEOUT
        see(seen, cluster.left)
        if seen.needs_nothing:
            deleting = " (being deleted, so nothing more of it is sent)" if seen.deleting else ""
            say(f"{seen.path} is {seen.status.delivery.state}{deleting}{_message(seen)}")
            delivered = seen.status.delivery.state is State.DELIVERED
            return ExitCode.DELIVERED if delivered else ExitCode.NOT_DELIVERED
        if not cluster.left:
            say(f"{seen.path} is still {seen.status.delivery.state}{_message(seen)}")
            return ExitCode.TIMEOUT
        await asyncio.sleep(min(POLL, cluster.left))


def _same(before: CustomEvent | None, now: CustomEvent) -> CustomEvent:
    """The event as it is now. Raises Gone if it is another one, made anew under its name."""
    if before is not None and before.uid != now.uid:
        raise Gone(f"there is another {now.path} now", 404)
    return now


async def send(
    cluster: PatientCluster,
    namespace: str,
    manifest: dict[str, Any],
    say: Callable[[str], None],
    see: Callable[[CustomEvent, float], None] = lambda *_: None,
) -> ExitCode:
    """Create an event and wait for it. The operator sends it.

    Raises ClusterError, also if the cluster refuses it.
    """
    made = read_event(await _create(cluster, namespace, manifest))
    say(f"{made.path} is created")
    return await wait(cluster, namespace, made.name, say, see, seen=made)


async def _create(
    cluster: PatientCluster, namespace: str, manifest: dict[str, Any]
) -> dict[str, Any]:
    """Under the name that was given, or one that is made up and not taken."""
    given = manifest["metadata"].get("name")
    while True:
        event = _named(manifest)
        name = event["metadata"]["name"]
        try:
            return await cluster.create_event(namespace, event)
        except Conflict as error:
            if error.reason != TAKEN:
                raise
            if given or cluster.in_doubt:
                raise Conflict(_taken(namespace, name), error.status) from error
        except ClusterError as error:
            if not cluster.in_doubt:
                raise
            look = f"look before you send it again: customevents wait {name} -n {namespace}"
            words = f"{error}; {namespace}/{name} may have been created all the same: {look}"
            raise ClusterError(words, error.status) from error


def _taken(namespace: str, name: str) -> str:
    return (
        f"there is another {namespace}/{name} already: give another --name, or none; "
        "to have that one sent again, use resend"
    )


def _named(manifest: dict[str, Any]) -> dict[str, Any]:
    """With a name that is made up here: a second try then meets the first, and makes no other."""
    metadata = dict(manifest["metadata"])
    stem = metadata.pop("generateName", "")
    return {**manifest, "metadata": {"name": f"{stem}{arguments.letters()}", **metadata}}


async def undelivered(cluster: Cluster, namespace: str) -> list[Line]:
    """What is not delivered in a namespace, or in all of them (""); Failed and Expired as well.

    Raises ClusterError.
    """
    return [read_line(raw) async for raw in cluster.undelivered(namespace)]


async def all_clear(cluster: Cluster, namespace: str) -> str:
    """What to say where nothing is undelivered. Raises Gone if there is no such namespace."""
    if not namespace:
        return "Everything in all namespaces is delivered."
    if await arguments.is_there(cluster, namespace):
        return f"Everything in {namespace} is delivered."
    return f"No CustomEvent in {namespace} is undelivered{_UNSEEN}."


async def none_failed(cluster: Cluster, namespace: str) -> str:
    """What to say where nothing is Failed. Raises Gone if there is no such namespace."""
    seen = "" if await arguments.is_there(cluster, namespace) else _UNSEEN
    return f"No CustomEvent in {namespace} is Failed{seen}."


_UNSEEN = " (you may not look whether it is there)"


async def resend(
    cluster: Cluster, namespace: str, names: Sequence[str], say: Callable[[str], None]
) -> list[dict[str, str]]:
    """Ask the operator to send events again, whatever their state; what was asked for, as data.

    Raises ClusterError; Gone, when all others were asked for, if some are not there.
    """
    missing, asked = [], []
    for name in names:
        # Another one each time, also where the clock goes back.
        value = f"{datetime.now(UTC).isoformat(timespec='seconds')}/{secrets.token_hex(4)}"
        try:
            await cluster.annotate(namespace, name, {RESEND_ANNOTATION: value})
        except Gone:
            missing.append(name)
            if len(missing) == len(names):  # or the namespace is not there, which it says
                raise
        else:
            asked.append({"namespace": namespace, "name": name, "resend": value})
            say(f"{namespace}/{name} will be sent again")
    if missing:
        raise Gone(f"not there in {namespace}, so not sent again: {', '.join(missing)}", 404)
    return asked


async def failed(cluster: Cluster, namespace: str) -> list[str]:
    """The names of a namespace's events that were refused for good. Raises ClusterError."""
    return [
        raw["metadata"]["name"] async for raw in cluster.events_in_state(namespace, State.FAILED)
    ]


def _message(event: CustomEvent) -> str:
    """What its status says, behind a colon, without the state once more; empty if it is."""
    said = one_line(event.status.delivered.message, longest=LONGEST_MESSAGE)
    words = said.removeprefix(f"{event.status.delivery.state}: ")
    return f": {words}" if words else ""
