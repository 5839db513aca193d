"""`make screenshots`: the pictures of the timeline page, as a real Chromium shows it."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "localcluster")]

from customevents.sandbox import Running, running  # noqa: E402
from ui.browser import launched  # noqa: E402
from ui.posted import fill_at, post  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1290, "height": 690}

INVENTORY = {
    "prod-eu-1": {
        "shop": ["cart", "checkout", "search"],
        "payments": ["ledger", "payments-api"],
    },
    "prod-us-1": {"shop": ["cart", "checkout"], "payments": ["ledger"]},
}

COUNT = 160

Scope = dict[str, list[str]]


def shop(*services: str, cluster: str = "prod-eu-1") -> Scope:
    """Services of the shop."""
    return scope(cluster, "shop", *services)


def scope(cluster: str, namespace: str, *services: str) -> Scope:
    """Services of a namespace, or all of it."""
    named: Scope = {"clusters": [cluster], "namespaces": [namespace]}
    return {**named, "servicesNames": list(services)} if services else named


#: The newest first: type, severity, summary, scope.
EVENTS: list[tuple[str, str, str, Scope | None]] = [
    ("release", "information", "checkout 1.4.2 is live", shop("checkout")),
    ("incident", "error", "Elevated latency in checkout and cart", shop("cart", "checkout")),
    ("feature-flag", "information", "new-basket is on for 10 % of users", shop("cart")),
    ("release", "information", "search 7.0.1 is live", shop("search")),
    ("migration", "warning", "Payments moved to the new ledger", scope("prod-eu-1", "payments")),
    ("release", "information", "cart 2.0 is live", shop("cart", cluster="prod-us-1")),
    ("maintenance", "warning", "Node pool upgrade", {"clusters": ["prod-us-1"]}),
    ("release", "information", "ledger 3.2 is live", scope("prod-eu-1", "payments", "ledger")),
    ("backup", "information", "Nightly backup finished", scope("prod-eu-1", "payments", "ledger")),
    ("maintenance", "error", "The payment provider is down", None),
]


def event(number: int) -> dict[str, Any]:
    """The one of this number, from the oldest on; they come round again."""
    kind, severity, summary, reach = EVENTS[-1 - number % len(EVENTS)]
    namespace = (reach or {}).get("namespaces", ["platform"])[0]
    details = {
        "commit": f"4a1f{number:04x}",
        "author": ("ana", "ben", "chi")[number % 3],
        "customevents.dev/source": f"{namespace}/{kind}-{number}",
        "customevents.dev/id": f"5c7a{number:012x}",
    }
    made = {"eventType": kind, "summary": summary, "severity": severity, "details": details}
    return {**made, "scope": reach} if reach else made


def ages() -> list[int]:
    """Milliseconds: some hours, of which some are busier; the same each time."""
    some = random.Random(7)
    hours = sorted(some.choice((0.1, 0.9, 2.2, 2.4, 3.5)) + some.random() for _ in range(COUNT))
    return [round(hour * 3_600_000) for hour in reversed(hours)]


def the_list(page: Page, _: Running) -> None:
    """What one sees first."""


def the_drawer(page: Page, _: Running) -> None:
    """One event."""
    page.locator(".row", has_text="Payments moved").first.click()
    page.wait_for_selector("#drawer:not([hidden]) .services")


def trouble(page: Page, sandbox: Running) -> None:
    """The endpoint, broken, and what it has answered."""
    page.get_by_role("button", name="Trouble").click()
    page.get_by_role("button", name="Down").click()
    page.wait_for_selector(".condition.broken")
    post(sandbox, *[event(59)] * 3, answered=503)
    page.get_by_text("3 requests").wait_for()


def take(browser: Browser, name: str, theme: Any, show: Callable[[Page, Running], None]) -> None:
    """Write one picture, of a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "events.db")
        fill_at(database, [event(number) for number in range(COUNT)], ages())
        with running(database=database) as sandbox:
            sandbox.call("PUT", "/sandbox/inventory", INVENTORY)
            page = browser.new_page(viewport=SIZE, color_scheme=theme)  # type: ignore[arg-type]
            page.goto(sandbox.url)
            page.wait_for_selector("#live[data-state=live]")
            show(page, sandbox)
            page.screenshot(path=PICTURES / name)
            page.close()


def main() -> None:
    """Write all of them."""
    PICTURES.mkdir(exist_ok=True)
    with launched() as browser:
        take(browser, "timeline.png", "light", the_list)
        take(browser, "event.png", "light", the_drawer)
        take(browser, "trouble.png", "dark", trouble)


if __name__ == "__main__":
    main()
