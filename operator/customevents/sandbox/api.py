"""The three paths of the real API: post an event, check the key, list the clusters.

Each request is judged by the contract, meets the fault that is in force for it, and is recorded
before its answer can be seen: what a client was told, the record always knows.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from aiohttp import web

from customevents.sandbox import contract
from customevents.sandbox.answering import Reply, Spoiler
from customevents.sandbox.behaviour import Behaviour, ErrorShape
from customevents.sandbox.faults import Fault, Faults, Target
from customevents.sandbox.inventory import Inventory
from customevents.sandbox.store import Arrival, Store

EVENTS = "/mgmt/v1/events"
VALIDATE = "/api/v2/apikey/validate"
CLUSTERS = "/api/v2/clusters"


class Changes:
    """Wakes those who follow the sandbox."""

    def __init__(self) -> None:
        #: Set at the next change; each change begins another.
        self.coming = asyncio.Event()

    def announce(self) -> None:
        """Something has changed."""
        self.coming.set()
        self.coming = asyncio.Event()


@dataclass
class Sandbox:
    """What the routes share: the record, and what the tests and the page can set."""

    store: Store
    key: str
    changes: Changes
    behaviour: Behaviour = field(default_factory=Behaviour)
    faults: Faults = field(default_factory=Faults)
    faults_since: int = 0
    """The last request before the faults were set as they are."""
    inventory: Inventory | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)


SANDBOX = web.AppKey("sandbox", Sandbox)


@dataclass(frozen=True)
class Decision:
    """What the contract says of one request."""

    answer: Reply
    event: contract.Event | None = None
    problems: tuple[str, ...] = ()


_UNREAD = Decision(Reply(status=400))
"""No decision: the answer never goes out, as the connection is reset before the body is read."""


def refused(refusal: contract.Rejection, shape: ErrorShape) -> Decision:
    """Return the decision that a refusal stands for."""
    return Decision(Reply.refusing(refusal, shape), problems=refusal.messages)


def routes() -> list[web.RouteDef]:
    """Return the API's routes."""
    return [
        web.post(EVENTS, post_event),
        web.get(VALIDATE, validate_key, allow_head=False),
        web.get(CLUSTERS, list_clusters, allow_head=False),
    ]


async def post_event(request: web.Request) -> web.StreamResponse:
    """Take an event."""
    return await _exchange(request, "events", _judge_event)


async def validate_key(request: web.Request) -> web.StreamResponse:
    """Say whether the key is a valid one."""
    return await _exchange(request, "validate", _with_key(lambda _: {"valid": True}))


async def list_clusters(request: web.Request) -> web.StreamResponse:
    """List the inventory's clusters, those named by `clusterName` if any is."""
    return await _exchange(request, "clusters", _with_key(_clusters_document))


def _judge_event(request: web.Request, body: bytes) -> Decision:
    sandbox = request.app[SANDBOX]
    verdict = contract.judge(
        request.headers,
        body,
        key=sandbox.key,
        behaviour=sandbox.behaviour,
        inventory=sandbox.inventory,
    )
    if isinstance(verdict, contract.Rejection):
        return refused(verdict, sandbox.behaviour.error_shape)
    answer = Reply.of({"message": "Custom event sent successfully"}, 201)
    if advice := contract.advisory(verdict):
        answer = replace(answer, headers={**answer.headers, "X-Sandbox-Advisory": advice})
    return Decision(answer, event=verdict)


def _with_key(document: Callable[[web.Request], object]) -> Callable[..., Decision]:
    def decide(request: web.Request, _: bytes) -> Decision:
        sandbox = request.app[SANDBOX]
        if refusal := contract.check_key(request.headers, sandbox.key):
            return refused(refusal, sandbox.behaviour.error_shape)
        return Decision(Reply.of(document(request)))

    return decide


def _clusters_document(request: web.Request) -> object:
    wanted = request.query.getall("clusterName", [])
    inventory = request.app[SANDBOX].inventory
    # Where nobody has stated what exists, whatever is asked for does: a trial has any name.
    names = sorted(inventory if inventory is not None else wanted)
    listed = [{"name": name} for name in names if not wanted or name in wanted]
    return {"data": {"clusters": listed}}


async def _exchange(
    request: web.Request, target: Target, decide: Callable[[web.Request, bytes], Decision]
) -> web.StreamResponse:
    sandbox = request.app[SANDBOX]
    arrival = _arrival(request, target)
    fault = sandbox.faults.match(target)
    if fault and fault.drop == "beforeReading":
        return await _spoil(request, fault, arrival, _UNREAD)
    body = await _read(request, arrival)
    decision = decide(request, body)
    if len(body) <= sandbox.behaviour.longest_body:
        arrival = replace(arrival, body=body.decode(errors="replace"))
    if fault is None and decision.event:
        fault = sandbox.faults.match(target, decision.event.summary)
    if fault:
        return await _spoil(request, fault, arrival, decision)
    sandbox.store.record(
        arrival,
        answered=decision.answer.status,
        event=decision.event,
        problems=decision.problems,
    )
    return decision.answer.response()


async def _spoil(
    request: web.Request, fault: Fault, arrival: Arrival, decision: Decision
) -> web.StreamResponse:
    sandbox = request.app[SANDBOX]
    sequence = sandbox.store.record(
        arrival,
        answered="waiting",
        event=decision.event if fault.accepts else None,
        problems=decision.problems,
    )
    spoiler = Spoiler(
        request,
        fault,
        sandbox.closing,
        lambda outcome: sandbox.store.answered(sequence, outcome),
        sandbox.behaviour.error_shape,
    )
    return await spoiler.answer(decision.answer)


def _arrival(request: web.Request, target: Target) -> Arrival:
    key = request.headers.get("Idempotency-Key")
    return Arrival(
        target=target,
        received_ms=time.time_ns() // 1_000_000,
        header_names=tuple(request.headers),
        # Headers may hold any bytes; what is no UTF-8 could not be stored.
        idempotency_key=key and key.encode(errors="surrogateescape").decode(errors="replace"),
        body="",
    )


async def _read(request: web.Request, arrival: Arrival) -> bytes:
    """Read the body, up to the chunk that makes it too large."""
    body = bytearray()
    try:
        longest = request.app[SANDBOX].behaviour.longest_body
        while len(body) <= longest and (chunk := await request.content.readany()):
            body += chunk
    except (asyncio.CancelledError, ConnectionError):
        request.app[SANDBOX].store.record(arrival, answered="abandoned")
        raise
    return bytes(body)
