"""Serves the timeline page: one HTML file, one stylesheet, one ES module, and no build step.

What arrives here is written by anybody, so the page shows it as text alone, and the headers see to
it: nothing but these files runs or is loaded, and nothing can be asked of anywhere else.
"""

from __future__ import annotations

from functools import partial
from importlib.resources import files

from aiohttp import web

_FOLDER = files("customevents.sandbox") / "timeline"

_TYPES = {
    "timeline.html": "text/html",
    "timeline.css": "text/css",
    "timeline.js": "text/javascript",
    "timeline.svg": "image/svg+xml",
}

_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            # No text ever becomes HTML, not even by a slip of our own.
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def routes() -> list[web.RouteDef]:
    """Return the routes of the files that the page consists of."""
    return [web.get(f"/{name}", partial(_file, name)) for name in _TYPES if name != "timeline.html"]


def document() -> web.Response:
    """Return the page itself."""
    return _response("timeline.html")


async def _file(name: str, _: web.Request) -> web.Response:
    return _response(name)


def _response(name: str) -> web.Response:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=_TYPES[name], charset="utf-8", headers=_HEADERS)
