"""The probes: `/healthz` (is it alive?) and `/readyz` (is it at work?); and `/metrics`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler

#: A probe answers None if all is well, else one line that says what is not.
Probe = Callable[[], str | None]


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
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answer(probe: Probe) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_: web.Request) -> web.StreamResponse:
        trouble = probe()
        return web.Response(text=(trouble or "ok") + "\n", status=503 if trouble else 200)

    return handle
