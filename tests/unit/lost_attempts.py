"""Attempts that a leader left in flight, and a new leader that settles them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from customevents.resource.event import CustomEvent
from customevents.resource.identity import content_hash, delivery_id
from customevents.resource.lease import Intent
from customevents.resource.spec import parse_spec
from customevents.resource.status import DeliveryRecord
from unit.in_memory import World

POST_TIMEOUT = 30.0


def entry(of: CustomEvent, *, sequence: int = 1, attempt: int = 1) -> Intent:
    """An attempt of its content as it is now, as the last leader wrote it down."""
    content = content_hash(parse_spec(of.spec))
    sent_as = delivery_id(of.uid, content, of.resend, sequence)
    return Intent(of.uid, sent_as, of.namespace, of.name, sequence, attempt)


async def settle_all(world: World, entries: Iterable[Intent]) -> None:
    for one in entries:
        await world.journal.commit(one)
    await world.recovery().settle(entries, world.clock() + timedelta(seconds=POST_TIMEOUT))


def stands(world: World, event: CustomEvent) -> DeliveryRecord:
    return world.cluster.now(event).status.delivery
