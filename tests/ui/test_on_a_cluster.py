"""The whole way: applied on a Kubernetes, seen in a browser, broken with a click, and mended."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from customevents.sandbox import Running
from integration.conftest import Events, StartOperator

SPEC = {
    "eventType": "release",
    "summary": "checkout 1.4.2 is live",
    "severity": "Warning",
    "details": {"commit": "4a1f2c"},
}


def test_an_applied_event_is_seen_within_a_second_filtered_and_opened(
    page: Page,
    events: Events,
    timeline: Running,
    start_operator: StartOperator,
    figure: Callable[[str], None],
) -> None:
    timeline.call("PUT", "/sandbox/inventory", {"prod-eu-1": {events.namespace: ["checkout"]}})
    start_operator()
    events.apply("warm-up", {"eventType": "backup", "summary": "the first"})
    events.until("warm-up", "Delivered")
    page.goto(timeline.url)
    expect(page.locator(".row")).to_have_count(1)
    taken = [seen_after(page, events, f"cart-{number}") for number in range(3)]
    figure(f"page, kubectl apply has ended -> the row is there: {statistics.median(taken):.2f} s")
    assert min(taken) <= 1
    events.apply("checkout-1-4-2", SPEC)
    row = page.locator(".row", has_text="checkout 1.4.2 is live")
    expect(row).to_contain_text("release")
    expect(row).to_contain_text("Warning")
    expect(row).to_contain_text(f"prod-eu-1 · {events.namespace}")

    page.get_by_role("group", name="Severity").get_by_label("Warning").check()
    expect(page.locator(".row")).to_have_count(1)
    row.click()
    drawer = page.locator("#drawer")
    expect(drawer).to_contain_text("It lands on 1 service")
    expect(drawer).to_contain_text("4a1f2c")
    expect(drawer).to_contain_text(f"kubectl get cev -n {events.namespace} checkout-1-4-2 -o yaml")


def seen_after(page: Page, events: Events, name: str) -> float:
    """Seconds from the end of `kubectl apply` to the row."""
    events.apply(name, {"eventType": "release", "summary": f"{name} is live"})
    applied = time.monotonic()
    expect(page.locator(".row", has_text=f"{name} is live")).to_be_visible()
    return time.monotonic() - applied


def test_a_click_breaks_the_endpoint_and_another_lets_what_waits_arrive(
    page: Page, events: Events, timeline: Running, start_operator: StartOperator
) -> None:
    start_operator()
    page.goto(timeline.url)
    page.get_by_role("button", name="Trouble").click()
    trouble = page.locator("#trouble")
    trouble.get_by_role("button", name="Down").click()
    expect(trouble.get_by_role("status")).to_contain_text("Down")
    events.apply("waits", SPEC)
    expect(trouble.locator("tbody")).to_contain_text("503")
    assert events.get("waits")["status"]["delivery"]["state"] != "Delivered"
    trouble.get_by_role("button", name="Mend", exact=True).click()
    events.until("waits", "Delivered")
    expect(page.locator(".row")).to_contain_text("checkout 1.4.2 is live")


def test_an_event_whose_answer_was_lost_is_one_row_that_says_twice(
    page: Page, events: Events, timeline: Running, start_operator: StartOperator
) -> None:
    start_operator()
    page.goto(timeline.url)
    page.get_by_role("button", name="Trouble").click()
    trouble = page.locator("#trouble")
    trouble.get_by_label("How long").select_option("for the next request")
    trouble.get_by_role("button", name="Lost answers").click()
    expect(trouble.get_by_role("status")).to_contain_text("Lost answers")
    events.apply("twice", SPEC)
    found = events.until("twice", "Delivered")
    assert found["status"]["delivery"]["unknownOutcomes"] == 1
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("\N{MULTIPLICATION SIGN}2")
