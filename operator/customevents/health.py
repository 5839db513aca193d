"""The probes: `/healthz` (is it alive?) and `/readyz` (is it at work?); and `/metrics`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from customevents.sockets import listen


@dataclass(frozen=True)
class Finding:
    """What a probe finds: whether it is well enough, and a line for each thing that is not."""

    ok: bool = True
    troubles: Sequence[str] = ()


Probe = Callable[[], Finding]


@asynccontextmanager
async def serve(
    host: str, port: int, *, alive: Probe, ready: Probe, metrics: Handler
) -> AsyncIterator[int]:
    """Answer the probes, and scrapes through `metrics`; yields the port.

    Raises OSError if the address is taken.
    """
    app = web.Application()
    app.router.add_get("/healthz", _answer(alive))
    app.router.add_get("/readyz", _answer(ready))
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        yield await listen(runner, host, port)
    finally:
        await runner.cleanup()


def _answer(probe: Probe) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_: web.Request) -> web.StreamResponse:
        found = probe()
        lines = ["ok", *found.troubles] if found.ok else found.troubles
        return web.Response(text="\n".join(lines) + "\n", status=200 if found.ok else 503)

    return handle
