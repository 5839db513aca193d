"""Events that wait in an inbox, and what it gives out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from customevents.delivery.inbox import Inbox
from customevents.resource.event import CustomEvent
from customevents.resource.status import State
from unit.builders import event, later, raw_spec, record, recorded
from unit.instant import at_once

LONG = 3600.0


def waiting(name: str, namespace: str = "shop", *, version: int = 100) -> CustomEvent:
    """An undelivered event; its uid is its name."""
    return event(uid=name, name=name, namespace=namespace, resourceVersion=str(version))


def finished(name: str, *, version: int) -> CustomEvent:
    delivered = record(state=State.DELIVERED)
    return recorded(delivered, uid=name, name=name, resourceVersion=str(version))


def edited(of: CustomEvent, *, version: int) -> CustomEvent:
    """The next generation of it."""
    return replace(
        of,
        resource_version=version,
        generation=of.generation + 1,
        spec=raw_spec(summary=f"edited at {version}"),
    )


def written(of: CustomEvent, *, version: int) -> CustomEvent:
    """It after a write of our own: another version, the same generation."""
    return replace(of, resource_version=version)


async def soon(inbox: Inbox) -> CustomEvent | None:
    """What the inbox gives out now; None if there is nothing (or it is closed)."""
    taking = asyncio.ensure_future(inbox.take())
    for _ in range(3):  # it never does anything but wait for a future of its own
        await asyncio.sleep(0)
    if taking.done():
        return taking.result()
    taking.cancel()
    return None


def out(inbox: Inbox, event: CustomEvent) -> CustomEvent:
    """The event, taken in and given out to a courier."""

    async def take() -> CustomEvent | None:
        inbox.offer(event)
        return await soon(inbox)

    taken = at_once(take())
    assert taken is not None
    return taken


async def drained(inbox: Inbox) -> list[str]:
    """The names of all that it gives out now."""
    names = []
    while (taken := await soon(inbox)) is not None:
        names.append(taken.name)
    return names


def offer_all(inbox: Inbox, events: Iterable[CustomEvent]) -> None:
    for one in events:
        inbox.offer(one)


async def after_our_own_write(inbox: Inbox, *, version: int = 105) -> CustomEvent:
    """An event whose result was just recorded, at this version, and waits for a long time."""
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    fresh = written(first, version=version)
    inbox.done(first, fresh, later(LONG))
    return fresh
