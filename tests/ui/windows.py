"""Windows of the browser in which nothing goes wrong unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, ViewportSize

from ui.coverage import Coverage

#: Milliseconds until something that is to come has come.
PATIENCE = 10_000

DESKTOP: ViewportSize = {"width": 1440, "height": 860}


@contextmanager
def opened(chromium: Browser, coverage: Coverage, **options: Any) -> Iterator[BrowserContext]:
    """A browser that is new; that it asked elsewhere, or met an error of its own, fails."""
    context = chromium.new_context(**{"viewport": DESKTOP, **options})
    context.set_default_timeout(PATIENCE)
    faults: list[str] = []
    context.on("request", lambda request: faults.extend(_outside(request)))
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda message: faults.extend(_of_our_own(message)))
    context.on("page", coverage.watch)
    try:
        yield context
        coverage.collect()
    finally:
        coverage.forget()
        context.close()
    assert not faults, faults


def _outside(request: Request) -> list[str]:
    parts = urlsplit(request.url)
    inside = parts.scheme in ("http", "data") and parts.hostname in ("127.0.0.1", None)
    return [] if inside else [f"asked {request.url}"]


def _of_our_own(message: ConsoleMessage) -> list[str]:
    """An error that the browser tells of; that a request failed is none, as tests make it fail."""
    is_ours = message.type == "error" and not message.text.startswith("Failed to load resource")
    return [message.text] if is_ours else []
