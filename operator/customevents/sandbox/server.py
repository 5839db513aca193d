"""The sandbox as a running thing: the application, its listening socket, and its orderly end."""

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from customevents.sandbox import api, changes, control, page
from customevents.sandbox.answering import Reply
from customevents.sandbox.api import SANDBOX, Changes, Sandbox
from customevents.sandbox.behaviour import ErrorShape
from customevents.sandbox.contract import Rejection
from customevents.sandbox.setup import Setup
from customevents.sandbox.store import Store
from customevents.sockets import listen, reachable

_FRONT = f"""The customevents sandbox: a stand-in for the events API.

Open this address in a browser: it is a timeline, live.

POST {api.EVENTS}
GET  {api.VALIDATE}
GET  {api.CLUSTERS}?clusterName=

GET  /events?eventType=&severity=&cluster=&namespace=&service=&q=&deliveryId=
            &order=&limit=&after=&before=&brief=
GET  /events/SEQUENCE      one of them
GET  /sandbox/changes      what arrives, as it arrives: server-sent events
GET  /sandbox/requests?target=&limit=&after=     every request, also the refused ones
GET  /sandbox/faults       PUT and DELETE set and clear what happens to the next requests
GET  /sandbox/behaviour    PUT sets what the API's documents leave open
GET  /sandbox/inventory    PUT sets which services exist
PUT  /sandbox/key          sets the accepted key
DELETE /events and /sandbox/requests clear them
"""

DEFAULT = Setup()

_PATIENCE = 0.5
"""Seconds that a request in progress gets when the sandbox stops."""


def application(sandbox: Sandbox) -> web.Application:
    """Return the application around this state."""
    app = web.Application(middlewares=[_errors_in_shape])
    app[SANDBOX] = sandbox
    app.add_routes([web.get("/", _front), *page.routes()])
    app.add_routes([*api.routes(), *control.routes(), *changes.routes()])
    app.on_shutdown.append(_end_waits)
    return app


async def _front(request: web.Request) -> web.StreamResponse:
    """Return the page to a browser, and to curl what can be asked here."""
    if "text/html" in request.headers.get("Accept", ""):
        response = page.document()
    else:
        response = web.Response(text=_FRONT, headers={"Cache-Control": "no-cache"})
    response.headers["Vary"] = "Accept"
    return response


async def _end_waits(app: web.Application) -> None:
    app[SANDBOX].closing.set()
    app[SANDBOX].changes.announce()


@web.middleware
async def _errors_in_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        message = f"there is no {request.method} {request.path}; GET / names the paths"
        answer = Reply.refusing(Rejection.because(error.status, message), _shape(request))
        allowed = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        return Reply(answer.status, answer.body, {**answer.headers, **allowed}).response()
    except web.HTTPRequestEntityTooLarge as error:
        message = f"the body has more than {request.client_max_size} bytes"
        return Reply.refusing(Rejection.because(error.status, message)).response()


def _shape(request: web.Request) -> ErrorShape:
    """The shape that is switched is the API's; the sandbox's own paths keep theirs."""
    of_the_api = request.path.startswith(("/mgmt/", "/api/"))
    return request.app[SANDBOX].behaviour.error_shape if of_the_api else "first"


@contextlib.asynccontextmanager
async def listening(host: str, port: int, setup: Setup) -> AsyncIterator[str]:
    """Listen, yield the base URL, and close everything in the end.

    Raises StoreError if the database cannot be used, OSError if the port cannot.
    """
    news = Changes()
    store = Store(setup.database, news.announce)
    sandbox = Sandbox(
        store,
        setup.key,
        news,
        behaviour=setup.behaviour,
        faults_since=store.last_sequence(),
        inventory=setup.inventory,
    )
    runner = web.AppRunner(
        application(sandbox),
        access_log=None,
        handler_cancellation=True,  # else a hanging request would outlive its client
        shutdown_timeout=_PATIENCE,
        lingering_time=_PATIENCE,
        auto_decompress=False,  # the contract refuses a Content-Encoding
    )
    try:
        await runner.setup()
        bound = await listen(runner, host, port, backlog=1024)
        yield f"http://{reachable(host, bound)}"
    finally:
        await runner.cleanup()
        sandbox.store.close()


async def serve(
    host: str, port: int, setup: Setup = DEFAULT, *, announce: Callable[[str], None]
) -> None:
    """Run until cancelled; announce the base URL once, as soon as it answers.

    Port 0 takes any free port. Raises what `listening` raises.
    """
    async with listening(host, port, setup) as url:
        announce(url)
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Running:
    """A sandbox that runs on a thread of its own."""

    url: str

    def call(self, method: str, path: str, document: object = None) -> Any:
        """Send one request without a key, and return the JSON answered.

        Raises RuntimeError with the answer if that is not a 2xx.
        """
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        with contextlib.closing(connection):
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {text}")
        return json.loads(text) if text else None


@contextlib.contextmanager
def running(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    database: str = ":memory:",
    key: str = "test-key",
) -> Iterator[Running]:
    """Run a sandbox beside the caller's code, and stop it in the end; for tests.

    It has a thread and an event loop of its own, so it answers whatever the caller is busy with.
    """
    started: Future[tuple[str, Callable[[], object]]] = Future()

    async def main() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def announce(url: str) -> None:
            started.set_result((url, lambda: loop.call_soon_threadsafe(task.cancel)))

        with contextlib.suppress(asyncio.CancelledError):
            await serve(host, port, Setup(key=key, database=database), announce=announce)

    def thread() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox") as pool:
        ended = pool.submit(thread)
        url, stop = started.result()
        try:
            yield Running(url)
        finally:
            stop()
            ended.result()
