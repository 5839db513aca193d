"""How it looks: both themes, narrow and wide, and nothing that axe-core would complain of."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from customevents.sandbox import Running
from ui.coverage import Coverage
from ui.posted import INVENTORY, event, post
from ui.windows import opened

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

#: WCAG 2.2 AA, and what axe-core calls good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def findings(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    assert len(found["passes"]) > 15, "axe-core has looked"
    return [
        f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}"
        for each in found["violations"]
    ]


def the_list(page: Page) -> None:
    expect(page.locator(".row").first).to_be_visible()


def the_drawer(page: Page) -> None:
    page.locator(".row").first.click()
    expect(page.locator("#drawer")).to_be_visible()


def the_drawer_of_all(page: Page) -> None:
    page.locator(".row", has_text="all of them").click()
    expect(page.locator("#drawer .wide").first).to_be_visible()


def trouble(page: Page) -> None:
    page.get_by_role("button", name="Trouble").click()
    page.locator("#trouble").get_by_role("button", name="Down").click()
    expect(page.locator("#trouble .condition.broken")).to_be_visible()


def the_help(page: Page) -> None:
    page.get_by_role("button", name="Help").click()
    expect(page.locator("#help")).to_be_visible()


def filtered(page: Page) -> None:
    page.locator("#filters").get_by_label("Error").check()
    expect(page.locator("#clear")).to_be_visible()


def nothing(page: Page) -> None:
    page.locator("#search").fill("nothing like this")
    expect(page.locator("#instead")).to_be_visible()


VIEWS = [the_list, the_drawer, the_drawer_of_all, trouble, the_help, filtered, nothing]
VIEWS_AND_SIZES = [
    *((view, (1440, 860)) for view in VIEWS),
    *((view, (1000, 700)) for view in (the_drawer, trouble)),
    *((view, (390, 800)) for view in (the_list, the_drawer_of_all, trouble)),
]


@pytest.fixture
def full(sandbox: Running) -> Running:
    sandbox.call("PUT", "/sandbox/inventory", INVENTORY)
    post(sandbox, *(event(number) for number in range(40)), event(3))
    post(sandbox, *[event(41, scope=None, summary="all of them")] * 2)
    return sandbox


@pytest.mark.parametrize(
    ("view", "size"), VIEWS_AND_SIZES, ids=lambda value: getattr(value, "__name__", None)
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_core_finds_nothing(
    chromium: Browser,
    coverage: Coverage,
    full: Running,
    view: Callable[[Page], None],
    theme: str,
    size: tuple[int, int],
) -> None:
    options: dict[str, Any] = {
        "color_scheme": theme,
        "viewport": {"width": size[0], "height": size[1]},
        "bypass_csp": True,  # axe-core writes styles of its own to measure contrast
    }
    with opened(chromium, coverage, **options) as context:
        page = context.new_page()
        page.goto(full.url)
        if size[0] < 820:
            page.locator("#filters summary").click()
        view(page)
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_the_theme_is_the_systems_until_another_is_chosen_and_that_is_kept(
    chromium: Browser, coverage: Coverage, full: Running
) -> None:
    with opened(chromium, coverage, color_scheme="dark") as context:
        page = context.new_page()
        page.goto(full.url)
        the_list(page)
        dark = background(page)
        button = page.locator("#theme")
        expect(button).to_have_text("Theme: system")
        button.click()
        expect(button).to_have_text("Theme: light")
        assert background(page) != dark
        button.click()
        assert background(page) == dark
        page.reload()
        expect(button).to_have_text("Theme: dark")
        button.click()
        expect(button).to_have_text("Theme: system")


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_filters_are_folded_away_where_it_is_narrow(page: Page, full: Running) -> None:
    page.goto(full.url)
    the_list(page)
    error = page.locator("#filters").get_by_label("Error")
    expect(error).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    expect(error).to_be_hidden()
    page.locator("#filters summary").click()
    expect(error).to_be_visible()
    page.locator("#filters summary").click()
    page.set_viewport_size({"width": 1440, "height": 800})
    expect(error).to_be_visible()
    expect(page.locator(".row").first).to_be_in_viewport()


def test_who_wants_less_motion_and_more_contrast_still_sees_all(
    chromium: Browser, coverage: Coverage, full: Running
) -> None:
    wishes: dict[str, Any] = {"reduced_motion": "reduce", "forced_colors": "active"}
    with opened(chromium, coverage, **wishes) as context:
        page = context.new_page()
        page.goto(full.url)
        the_list(page)
        the_drawer(page)


def test_what_is_read_stays_in_sight_when_the_drawer_makes_the_list_narrow(
    page: Page, sandbox: Running
) -> None:
    post(sandbox, *(event(number) for number in range(100)))
    page.set_viewport_size({"width": 1300, "height": 720})
    page.goto(sandbox.url)
    the_list(page)
    page.locator("#list").evaluate("list => { list.scrollTop = 56 * 60 }")
    row = page.locator("[role=row][aria-rowindex='63']")
    row.click()
    expect(page.locator("#drawer")).to_be_visible()
    expect(row).to_be_in_viewport(ratio=0.9)
    assert row.evaluate("row => row.clientHeight") > 90, "on three lines"
