"""Everything can be done from the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from customevents.sandbox import Running
from ui.posted import event, post

ACTIVE = re.compile(r"\bactive\b")


@pytest.fixture
def listed(page: Page, sandbox: Running) -> Page:
    """The list with the keyboard on it; the newest is event 59."""
    post(sandbox, *(event(number) for number in range(60)))
    page.goto(sandbox.url)
    expect(page.locator("#count")).to_have_text("60 events")
    page.locator("#list").focus()
    return page


def is_on(page: Page, number: int) -> None:
    row = page.locator(".row.active")
    expect(row.locator(".summary")).to_have_text(f"event {number}")
    expect(row).to_be_in_viewport(ratio=0.9)
    expect(page.locator("#list")).to_have_attribute(
        "aria-activedescendant", row.get_attribute("id") or ""
    )


def test_arrows_move_over_the_rows(listed: Page) -> None:
    moves = (("ArrowDown", 59), ("ArrowDown", 58), ("ArrowUp", 59), ("ArrowUp", 59), ("End", 0))
    for key, number in (*moves, ("ArrowDown", 0), ("Home", 59)):
        listed.keyboard.press(key)
        is_on(listed, number)


def test_whole_pages_are_moved_over(listed: Page) -> None:
    listed.keyboard.press("Home")
    listed.keyboard.press("PageDown")
    expect(listed.locator(".row.active .summary")).not_to_have_text("event 59")
    listed.keyboard.press("PageUp")
    is_on(listed, 59)


def test_enter_opens_and_escape_closes(listed: Page) -> None:
    listed.keyboard.press("ArrowDown")
    listed.keyboard.press("ArrowDown")
    listed.keyboard.press("Enter")
    drawer = listed.locator("#drawer")
    expect(drawer).to_contain_text("event 58")
    expect(drawer.get_by_role("button", name="Close")).to_be_focused()
    listed.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(listed.locator("#list")).to_be_focused()
    listed.keyboard.press("ArrowDown")
    is_on(listed, 57)


def test_the_drawer_follows_the_arrows(listed: Page) -> None:
    listed.locator(".row", has_text="event 58").click()
    expect(listed.locator("#drawer")).to_contain_text("event 58")
    listed.keyboard.press("ArrowDown")
    expect(listed.locator("#drawer")).to_contain_text("event 57")
    is_on(listed, 57)


def test_a_slash_leads_to_the_search_and_escape_back(listed: Page) -> None:
    listed.keyboard.press("/")
    expect(listed.locator("#search")).to_be_focused()
    listed.keyboard.type("event 7/?")
    expect(listed.locator("#search")).to_have_value("event 7/?")
    expect(listed.locator("#help")).to_be_hidden()
    listed.keyboard.press("Escape")
    expect(listed.locator("#list")).to_be_focused()


def test_a_question_mark_shows_the_help(listed: Page) -> None:
    listed.keyboard.press("?")
    expect(listed.locator("#help")).to_be_visible()
    listed.keyboard.press("Escape")
    expect(listed.locator("#help")).to_be_hidden()
    listed.get_by_role("button", name="Help").click()
    listed.locator("#help").get_by_role("button", name="Close").click()
    expect(listed.locator("#help")).to_be_hidden()


def test_single_keys_can_be_switched_off_and_stay_off(listed: Page) -> None:
    listed.keyboard.press("?")
    listed.locator("#shortcuts").uncheck()
    listed.keyboard.press("Escape")
    listed.locator("#list").focus()
    listed.keyboard.press("/")
    expect(listed.locator("#list")).to_be_focused()
    listed.reload()
    expect(listed.locator(".row").first).to_be_visible()
    listed.keyboard.press("?")
    expect(listed.locator("#help")).to_be_hidden()
    listed.get_by_role("button", name="Help").click()
    listed.locator("#shortcuts").check()
    listed.keyboard.press("Escape")
    listed.keyboard.press("/")
    expect(listed.locator("#search")).to_be_focused()


def test_escape_closes_the_trouble_panel(listed: Page) -> None:
    listed.get_by_role("button", name="Trouble").press("Enter")
    expect(listed.locator("#trouble").get_by_role("button", name="Close")).to_be_focused()
    listed.keyboard.press("Escape")
    expect(listed.locator("#trouble")).to_be_hidden()
    expect(listed.locator("#trouble-button")).to_be_focused()


def test_keys_of_the_browser_stay_its_own(listed: Page) -> None:
    listed.keyboard.press("Control+/")
    expect(listed.locator("#list")).to_be_focused()
    listed.keyboard.press("x")
    expect(listed.locator("#list")).to_be_focused()


def test_the_tab_key_reaches_everything_in_the_order_of_the_page(listed: Page) -> None:
    listed.locator("body").evaluate("body => body.ownerDocument.activeElement.blur()")
    order = []
    for _ in range(60):
        listed.keyboard.press("Tab")
        order.append(listed.evaluate("document.activeElement.id || document.activeElement.type"))
    wanted = ["trouble-button", "theme", "help-button", "checkbox", "search", "period", "list"]
    assert [name for name in dict.fromkeys(order) if name in wanted] == wanted
