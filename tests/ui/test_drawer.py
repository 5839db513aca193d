"""The drawer: all of one event, whom it lands on, where it comes from, and copies of it."""

from __future__ import annotations

import json
import shlex
from itertools import combinations
from typing import Any

import pytest
import yaml
from playwright.sync_api import BrowserContext, Locator, Page, expect

from customevents.eventsapi.curl import translate
from customevents.sandbox import Running
from ui.posted import INVENTORY, event, post

HOSTS = {"clusters": ["prod-eu-1"], "namespaces": ["shop"], "servicesNames": ["cart", "mailer"]}


def opened(page: Page, sandbox: Running, made: dict[str, Any]) -> Locator:
    """The drawer of this event."""
    post(sandbox, made)
    page.goto(sandbox.url)
    page.get_by_text(made["summary"]).click()
    drawer = page.locator("#drawer")
    expect(drawer).to_be_visible()
    return drawer


def test_it_shows_all_fields(page: Page, sandbox: Running) -> None:
    details = {"commit": "4a1f", "ticket": "SHOP-12\nand a second line"}
    drawer = opened(page, sandbox, event(2, eventType="release", details=details, scope=HOSTS))
    expect(drawer.get_by_role("heading", name="release")).to_be_visible()
    expect(drawer).to_contain_text("Warning")
    expect(drawer).to_contain_text("services cart or mailer, namespace shop, cluster prod-eu-1")
    expect(drawer.locator("dt", has_text="ticket")).to_be_visible()
    expect(drawer).to_contain_text("and a second line")
    expect(drawer).to_contain_text("Received")
    assert page.url.endswith("?event=1")


def test_it_names_the_services_that_the_event_lands_on(page: Page, sandbox: Running) -> None:
    sandbox.call("PUT", "/sandbox/inventory", INVENTORY)
    drawer = opened(page, sandbox, event(1, scope=HOSTS))
    expect(drawer).to_contain_text("It lands on 2 services")
    expect(drawer.locator(".services li")).to_have_text(
        ["cartprod-eu-1 · shop", "mailerprod-eu-1 · shop"]
    )


def test_it_says_when_an_event_lands_on_nothing(page: Page, sandbox: Running) -> None:
    sandbox.call("PUT", "/sandbox/inventory", INVENTORY)
    drawer = opened(page, sandbox, event(1, scope={**HOSTS, "servicesNames": ["misspelt"]}))
    expect(drawer).to_contain_text("It lands on no service")


def test_an_event_of_the_whole_account_is_said_aloud(page: Page, sandbox: Running) -> None:
    drawer = opened(page, sandbox, event(1, scope=None))
    expect(drawer.locator(".wide")).to_have_text("ALL services of the account")
    expect(drawer).to_contain_text("PUT /sandbox/inventory")


def test_it_says_which_customevent_it_was_and_how_to_read_it(page: Page, sandbox: Running) -> None:
    drawer = opened(page, sandbox, event(1))
    expect(drawer).to_contain_text("shop/event-1")
    expect(drawer).to_contain_text("id-of-event-1")
    expect(drawer).to_contain_text("kubectl get cev -n shop event-1 -o yaml")
    expect(drawer).to_contain_text("jsonpath='{.status.resolved.sources}'")
    expect(drawer).to_contain_text("Happened")
    expect(drawer).to_contain_text("May 1, 2026")


@pytest.mark.parametrize("source", ["$(reboot)/x", "shop/x; reboot", "shop", "--all/x'"])
def test_no_command_is_made_of_what_is_no_name(page: Page, sandbox: Running, source: str) -> None:
    drawer = opened(page, sandbox, event(1, details={"customevents.dev/source": source}))
    expect(drawer).to_contain_text(source)
    expect(drawer.locator("pre")).to_have_count(0)


def test_an_event_with_nothing_but_the_least_is_shown(page: Page, sandbox: Running) -> None:
    drawer = opened(page, sandbox, {"eventType": "t", "summary": "the least"})
    expect(drawer).to_contain_text("Information")
    for title in ("Details", "Origin"):
        expect(drawer.get_by_role("heading", name=title)).to_have_count(0)


def test_what_was_sent_twice_says_so_and_each_arrival_can_be_looked_at(
    page: Page, sandbox: Running
) -> None:
    post(sandbox, event(1), event(2))
    drawer = opened(page, sandbox, event(1))
    expect(drawer).to_contain_text("This event is here 2 times")
    expect(drawer.get_by_role("button", name="Arrival 2")).to_have_attribute("aria-pressed", "true")
    drawer.get_by_role("button", name="Arrival 1").click()
    expect(drawer.get_by_role("button", name="Arrival 1")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith("?event=1")


def test_the_address_opens_it_and_back_closes_it(page: Page, sandbox: Running) -> None:
    post(sandbox, event(1), event(2))
    page.goto(sandbox.url + "/?event=1")
    expect(page.locator("#drawer")).to_contain_text("event 1")
    page.locator(".row", has_text="event 2").click()
    expect(page.locator("#drawer")).to_contain_text("event 2")
    page.go_back()
    expect(page.locator("#drawer")).to_contain_text("event 1")
    page.locator("#drawer").get_by_role("button", name="Close").click()
    expect(page.locator("#drawer")).to_be_hidden()


def test_an_event_that_is_not_there_is_said(page: Page, sandbox: Running) -> None:
    page.goto(sandbox.url + "/?event=99")
    expect(page.locator("#drawer")).to_contain_text("This event is not here (any more).")


def test_a_sandbox_that_went_away_is_said(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    post(sandbox, event(1))
    page.goto(sandbox.url)
    expect(page.locator(".row")).to_have_count(1)
    context.route("**/events/1", lambda route: route.abort())
    page.locator(".row").click()
    expect(page.locator("#drawer")).to_contain_text("The sandbox does not answer.")


def test_of_two_that_are_opened_at_once_the_last_is_shown(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    post(sandbox, event(1), event(2))
    page.goto(sandbox.url)
    held: list[Any] = []
    context.route("**/events/1", lambda route: held.append(route))
    page.locator(".row", has_text="event 1").click()
    page.locator(".row", has_text="event 2").click()
    expect(page.locator("#drawer")).to_contain_text("event 2")
    with page.expect_response("**/events/1"):
        held[0].continue_()
    expect(page.locator("#drawer")).to_contain_text("event 2")


def copied(page: Page, context: BrowserContext, title: str) -> str:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#drawer").get_by_role("button", name=title).click()
    expect(page.locator("#drawer").get_by_role("button", name="Copied")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_it_is_copied_as_a_curl_that_a_shell_reads(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    made = event(1, summary="it's `live` $HOME")
    opened(page, sandbox, made)
    words = shlex.split(copied(page, context, "Copy as curl"))
    assert words[:2] == ["curl", f"{sandbox.url}/mgmt/v1/events"]
    assert json.loads(words[words.index("-d") + 1]) == made
    expect(page.get_by_role("button", name="Copy as curl")).to_be_visible()  # again


NAMED = {"clusters": ["a"], "namespaces": ["b"], "servicesNames": ["s"]}
SCOPES = [
    {name: NAMED[name] for name in names} or None
    for count in range(4)
    for names in combinations(NAMED, count)
]


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_it_is_copied_as_the_customevent_that_is_sent_as_this(
    page: Page,
    context: BrowserContext,
    sandbox: Running,
    scope: dict[str, Any] | None,
) -> None:
    made = event(1, scope=scope, summary='"quoted": #')
    opened(page, sandbox, made)
    found = yaml.safe_load(copied(page, context, "Copy as CustomEvent"))
    assert found["kind"] == "CustomEvent"
    own = {**made, "details": {"number": "1"}}
    assert found["spec"] == translate(json.dumps(own)).spec


def test_what_the_browser_does_not_copy_is_shown_to_be_copied(page: Page, sandbox: Running) -> None:
    page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error())")
    opened(page, sandbox, event(1))
    page.locator("#drawer").get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#to-copy")).to_be_visible()
    assert page.locator("#to-copy-text").input_value().startswith("curl ")
    page.keyboard.press("Escape")
    expect(page.locator("#to-copy")).to_be_hidden()
    expect(page.locator("#drawer")).to_be_visible()
