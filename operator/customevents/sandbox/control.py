"""The paths that the real API does not have: read what arrived, and set what happens next.

They ask for no key. What they are given is checked as strictly as an event: a misspelt fault that
was silently ignored would make a test pass for the wrong reason.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from customevents.resource.matching import describe
from customevents.sandbox.answering import Reply
from customevents.sandbox.api import SANDBOX, Sandbox
from customevents.sandbox.behaviour import Behaviour, switches
from customevents.sandbox.contract import Rejection, explain
from customevents.sandbox.faults import Fault
from customevents.sandbox.inventory import Inventory, landing, reach_of
from customevents.sandbox.store import EventQuery, RequestQuery

T = TypeVar("T")
Query = TypeVar("Query", bound=BaseModel)


class NewKey(BaseModel):
    """The key accepted from now on."""

    model_config = ConfigDict(strict=True, extra="forbid")

    key: Annotated[str, StringConstraints(pattern=r"^[!-~]+$")]


_BEHAVIOUR = TypeAdapter(Behaviour)
_FAULT = TypeAdapter(Fault)
_FAULTS = TypeAdapter(list[Fault])
_INVENTORY = TypeAdapter(Inventory, config=ConfigDict(strict=True))
_NEW_KEY = TypeAdapter(NewKey)


def routes() -> list[web.RouteDef]:
    """Return the sandbox's own routes."""
    return [
        web.get("/events", list_events),
        web.get(r"/events/{sequence:\d{1,18}}", show_event),
        web.delete("/events", clear_events),
        web.get("/sandbox/requests", list_requests),
        web.delete("/sandbox/requests", clear_requests),
        web.get("/sandbox/faults", show_faults),
        web.put("/sandbox/faults", set_faults),
        web.delete("/sandbox/faults", clear_faults),
        web.get("/sandbox/behaviour", show_behaviour),
        web.put("/sandbox/behaviour", set_behaviour),
        web.get("/sandbox/inventory", show_inventory),
        web.put("/sandbox/inventory", set_inventory),
        web.put("/sandbox/key", set_key),
    ]


async def list_events(request: web.Request) -> web.Response:
    """Return a page of the accepted events; unless it is brief, with what each reaches."""
    sandbox = request.app[SANDBOX]
    query = _query(request, EventQuery)
    page = sandbox.store.events(query)
    if not query.brief:
        page["events"] = [_with_reach(sandbox, event) for event in page["events"]]
    return Reply.of({**page, "epoch": sandbox.store.epoch}).response()


async def show_event(request: web.Request) -> web.Response:
    """Return one accepted event, with what it reaches."""
    sandbox = request.app[SANDBOX]
    event = sandbox.store.event(int(request.match_info["sequence"]))
    if event is None:
        raise web.HTTPNotFound
    return Reply.of(_with_reach(sandbox, event)).response()


def _with_reach(sandbox: Sandbox, event: dict[str, Any]) -> dict[str, Any]:
    reach = reach_of(event["body"].get("scope", {}))
    inventory = sandbox.inventory
    services = None if inventory is None else landing(inventory, reach)
    return {**event, "reach": describe(reach), "services": services}


async def clear_events(request: web.Request) -> web.Response:
    """Forget the accepted events."""
    request.app[SANDBOX].store.clear_events()
    return web.Response(status=204)


async def list_requests(request: web.Request) -> web.Response:
    """Return a page of all requests to one path of the API, and what was answered."""
    query = _query(request, RequestQuery)
    return Reply.of(request.app[SANDBOX].store.requests(query)).response()


async def clear_requests(request: web.Request) -> web.Response:
    """Forget the requests."""
    request.app[SANDBOX].store.clear_requests()
    return web.Response(status=204)


async def show_faults(request: web.Request) -> web.Response:
    """Return the faults in force."""
    return Reply.of({"faults": request.app[SANDBOX].faults.document()}).response()


async def set_faults(request: web.Request) -> web.Response:
    """Put one fault, or a list of them in order, in the place of those in force."""
    given = await request.read()
    one = given.lstrip().startswith(b"{")
    faults = [_checked(_FAULT, given)] if one else _checked(_FAULTS, given)
    _put_faults(request.app[SANDBOX], faults)
    return await show_faults(request)


async def clear_faults(request: web.Request) -> web.Response:
    """End all faults; a request that hangs goes on hanging."""
    _put_faults(request.app[SANDBOX], ())
    return web.Response(status=204)


def _put_faults(sandbox: Sandbox, faults: Sequence[Fault]) -> None:
    sandbox.faults.replace(faults)
    sandbox.faults_since = sandbox.store.last_sequence()
    sandbox.changes.announce()


async def show_behaviour(request: web.Request) -> web.Response:
    """Return how the switches stand, and what each may be, and why."""
    behaviour = request.app[SANDBOX].behaviour.model_dump(by_alias=True)
    return Reply.of({"behaviour": behaviour, "switches": switches()}).response()


async def set_behaviour(request: web.Request) -> web.Response:
    """Set the switches; one that is left out goes back to its default."""
    sandbox = request.app[SANDBOX]
    sandbox.behaviour = _checked(_BEHAVIOUR, await request.read())
    sandbox.changes.announce()
    return await show_behaviour(request)


async def show_inventory(request: web.Request) -> web.Response:
    """Return the inventory; null if none was ever set."""
    return Reply.of(request.app[SANDBOX].inventory).response()


async def set_inventory(request: web.Request) -> web.Response:
    """State which services exist."""
    sandbox = request.app[SANDBOX]
    sandbox.inventory = _checked(_INVENTORY, await request.read())
    sandbox.changes.announce()
    return await show_inventory(request)


async def set_key(request: web.Request) -> web.Response:
    """Change the accepted key; it is never shown."""
    request.app[SANDBOX].key = _checked(_NEW_KEY, await request.read()).key
    return web.Response(status=204)


def _checked(adapter: TypeAdapter[T], given: bytes) -> T:
    try:
        return adapter.validate_json(given)
    except ValidationError as error:
        raise _bad_request("; ".join(explain(error))) from error


def _query(request: web.Request, model: type[Query]) -> Query:
    if len(request.query) > len(set(request.query)):
        raise _bad_request("a filter can be given once")
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise _bad_request("; ".join(explain(error))) from error


def _bad_request(message: str) -> web.HTTPBadRequest:
    document = Rejection.because(400, message).document()
    return web.HTTPBadRequest(text=json.dumps(document), content_type="application/json")
