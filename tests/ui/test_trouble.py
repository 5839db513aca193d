"""Trouble: the endpoint is broken by a click, is seen to be broken, and is mended."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from customevents.sandbox import Running
from ui.posted import INVENTORY, event, post


def panel(page: Page, sandbox: Running) -> Locator:
    page.goto(sandbox.url)
    page.get_by_role("button", name="Trouble").click()
    found = page.locator("#trouble")
    expect(found.get_by_role("status")).to_have_text("The endpoint works.")
    return found


def answer_to(sandbox: Running, body: dict[str, Any]) -> int:
    """The status, or 0 where the connection was reset."""
    headers = {"x-api-key": "test-key", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)) as wire:
        try:
            wire.request("POST", "/mgmt/v1/events", json.dumps(body), headers)
            return wire.getresponse().status
        except (http.client.HTTPException, OSError):
            return 0


BROKEN = [
    ("Down", 503),
    ("Unreachable", 0),
    ("Too many requests", 429),
    ("Wrong key", 403),
    ("Lost answers", 0),
]


@pytest.mark.parametrize(("title", "status"), BROKEN)
def test_one_click_breaks_the_endpoint_and_one_mends_it(
    page: Page, sandbox: Running, title: str, status: int
) -> None:
    trouble = panel(page, sandbox)
    trouble.get_by_role("button", name=title).click()
    expect(trouble.get_by_role("status")).to_have_text(f"{title}, until it is mended.")
    expect(trouble.get_by_role("button", name=title)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#trouble-button")).to_have_attribute("data-broken", "")
    assert answer_to(sandbox, event(1)) == status
    trouble.get_by_role("button", name="Mend", exact=True).click()
    expect(trouble.get_by_role("status")).to_have_text("The endpoint works.")
    expect(trouble.get_by_role("button", name="Mend", exact=True)).to_have_count(0)
    assert answer_to(sandbox, event(1)) == 201


def test_slow_is_three_seconds(page: Page, sandbox: Running) -> None:
    panel(page, sandbox).get_by_role("button", name="Slow").click()
    expect(page.locator("#trouble").get_by_role("status")).to_contain_text("Slow")
    assert sandbox.call("GET", "/sandbox/faults") == {"faults": [{"delaySeconds": 3.0}]}


def test_it_may_be_broken_for_some_requests_only(page: Page, sandbox: Running) -> None:
    trouble = panel(page, sandbox)
    trouble.get_by_label("How long").select_option("for the next 5 requests")
    trouble.get_by_role("button", name="Down").click()
    expect(trouble.get_by_role("status")).to_have_text("Down, for 5 more requests.")
    assert answer_to(sandbox, event(1)) == 503
    expect(trouble.get_by_role("status")).to_have_text("Down, for 4 more requests.")
    assert [answer_to(sandbox, event(1)) for _ in range(5)] == [503, 503, 503, 503, 201]
    expect(trouble.get_by_role("status")).to_have_text("The endpoint works.")


def test_it_shows_what_was_answered(page: Page, sandbox: Running) -> None:
    trouble = panel(page, sandbox)
    expect(trouble).to_contain_text("No request yet")
    trouble.get_by_role("button", name="Down").click()
    expect(trouble.get_by_role("status")).to_contain_text("Down")
    for _ in range(2):
        answer_to(sandbox, event(1))
    expect(trouble).to_contain_text("Answered since it was broken")
    expect(trouble).to_contain_text("2 requests: 503")
    trouble.get_by_role("button", name="Mend", exact=True).click()
    expect(trouble.get_by_role("status")).to_have_text("The endpoint works.")
    answer_to(sandbox, event(1))
    answer_to(sandbox, {"eventType": "t"})
    expect(trouble).to_contain_text("1 request: 201; 1 request: 400")
    expect(trouble.locator("tbody tr")).to_have_count(4)
    expect(trouble.locator("tbody tr").first).to_contain_text("summary is required")


def test_requests_that_are_no_events_are_shown_as_what_they_are(
    page: Page, sandbox: Running
) -> None:
    trouble = panel(page, sandbox)
    headers = {"x-api-key": "test-key", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)) as wire:
        wire.request("POST", "/mgmt/v1/events", "{", headers)
        wire.getresponse().read()
    expect(trouble.locator("tbody")).to_contain_text("no event")
    sandbox.call("PUT", "/sandbox/faults", {"drop": "beforeReading"})
    assert answer_to(sandbox, event(1)) == 0
    expect(trouble.locator("tbody")).to_contain_text("not read")
    expect(trouble.locator("tbody")).to_contain_text("connection reset")


def test_a_fault_that_somebody_else_set_is_shown_as_it_was_given(
    page: Page, sandbox: Running
) -> None:
    trouble = panel(page, sandbox)
    sandbox.call("PUT", "/sandbox/faults", [{"status": 503, "count": 1}, {"garbage": "<b>hm</b>"}])
    expect(trouble.get_by_role("status")).to_have_text(
        "Down, for 1 more request. Then: Set by PUT /sandbox/faults: "
        '{"garbage":"<b>hm</b>"}, until it is mended.'
    )


def test_the_switches_are_shown_and_set_with_their_sources(page: Page, sandbox: Running) -> None:
    trouble = panel(page, sandbox)
    for switch in sandbox.call("GET", "/sandbox/behaviour")["switches"]:
        expect(trouble.get_by_text(switch["source"])).to_be_visible()
    trouble.get_by_label("Longest event type").select_option("30")
    trouble.get_by_label("Longest body").fill("2000")
    trouble.get_by_label("Longest body").press("Tab")
    long = event(1, eventType="t" * 31)
    expect(trouble.get_by_label("Longest body")).to_have_value("2000")
    behaviour = sandbox.call("GET", "/sandbox/behaviour")["behaviour"]
    assert (behaviour["eventType"], behaviour["longestBody"]) == ("30", 2000)
    assert answer_to(sandbox, long) == 400


def test_a_switch_that_somebody_else_sets_is_shown(page: Page, sandbox: Running) -> None:
    trouble = panel(page, sandbox)
    sandbox.call("PUT", "/sandbox/behaviour", {"unknownKeys": "ignored"})
    expect(trouble.get_by_label("Unknown keys")).to_have_value("ignored")


def test_a_value_that_is_none_is_refused_in_words(page: Page, sandbox: Running) -> None:
    trouble = panel(page, sandbox)
    trouble.get_by_label("Longest body").fill("0")
    trouble.get_by_label("Longest body").press("Tab")
    expect(trouble.get_by_role("alert")).to_contain_text("longestBody")
    expect(trouble.get_by_label("Longest body")).to_have_value("1048576")


def test_a_sandbox_that_went_away_is_said(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    trouble = panel(page, sandbox)
    context.route("**/sandbox/faults", lambda route: route.abort())
    trouble.get_by_role("button", name="Down").click()
    expect(trouble.get_by_role("alert")).to_have_text("The sandbox does not answer.")


def test_the_panel_and_the_drawer_take_each_others_place(page: Page, sandbox: Running) -> None:
    sandbox.call("PUT", "/sandbox/inventory", INVENTORY)
    post(sandbox, event(1))
    page.goto(sandbox.url)
    page.locator(".row").click()
    expect(page.locator("#drawer")).to_be_visible()
    page.get_by_role("button", name="Trouble").click()
    expect(page.locator("#drawer")).to_be_hidden()
    page.locator(".row").click()
    expect(page.locator("#trouble")).to_be_hidden()
    page.get_by_role("button", name="Trouble").click()
    page.locator("#trouble").get_by_role("button", name="Close").click()
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#trouble-button")).to_be_focused()


def test_a_click_counts_also_while_requests_pour_in(page: Page, sandbox: Running) -> None:
    trouble = panel(page, sandbox)
    trouble.get_by_role("button", name="Down").click()
    trouble.get_by_role("button", name="Mend", exact=True).hover()
    page.mouse.down()
    assert answer_to(sandbox, event(1)) == 503
    expect(trouble).to_contain_text("1 request: 503")
    page.mouse.up()
    expect(trouble.get_by_role("status")).to_have_text("The endpoint works.")


def test_it_opens_although_the_sandbox_went_away(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    page.goto(sandbox.url)
    expect(page.locator("#live")).to_have_text("Live")
    context.route("**/sandbox/behaviour", lambda route: route.abort())
    page.get_by_role("button", name="Trouble").click()
    expect(page.locator("#trouble")).to_contain_text("Break the endpoint")
