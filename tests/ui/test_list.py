"""The list: what stands in a row, what is new, what is the same, and what is where nothing is."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from customevents.sandbox import Running, running
from ui.posted import event, fill, post


def row_at(page: Page, index: int) -> Locator:
    return page.locator(f"[role=row][aria-rowindex='{index}']")


def top_of(page: Page) -> float:
    return float(page.locator("#list").evaluate("list => list.scrollTop"))


def test_a_row_says_when_what_how_bad_and_where(page: Page, sandbox: Running) -> None:
    scope = {"clusters": ["prod-eu-1"], "namespaces": ["shop"], "servicesNames": ["cart", "web"]}
    post(sandbox, event(3, eventType="release", summary="cart 1.2 is live", scope=scope))
    page.goto(sandbox.url)
    row = page.get_by_role("row")
    expect(row).to_have_count(1)
    for said in ("release", "Error", "cart 1.2 is live", "cart, web", "prod-eu-1 · shop"):
        expect(row).to_contain_text(said)
    when = row.locator("time")
    expect(when).to_have_text(re.compile("just now|s ago"))
    assert when.get_attribute("title"), "the exact time, on hover"


def test_an_event_that_names_no_service_is_cross_service(page: Page, sandbox: Running) -> None:
    post(sandbox, event(1, scope=None))
    page.goto(sandbox.url)
    expect(page.get_by_role("row")).to_contain_text("Cross-service event")
    expect(page.get_by_role("row")).to_contain_text("all clusters · all namespaces")


def test_the_newest_is_on_top_and_comes_by_itself(page: Page, sandbox: Running) -> None:
    post(sandbox, event(1), event(2))
    page.goto(sandbox.url)
    expect(row_at(page, 1)).to_contain_text("event 2")
    post(sandbox, event(3))
    expect(row_at(page, 1)).to_contain_text("event 3")
    expect(row_at(page, 3)).to_contain_text("event 1")


def test_times_are_relative_to_now(page: Page, tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    for days, seconds in ((2, 0), (0, 7200), (0, 180), (0, 20)):
        fill(database, [event(seconds)], apart_ms=(days * 86_400 + seconds) * 1000)
    with running(database=database) as sandbox:
        page.goto(sandbox.url)
        times = page.locator(".row time")
        expect(times).to_have_text(
            [re.compile(r"2\d s ago"), "3 min ago", "2 h ago", "2 d ago"], timeout=5000
        )


def test_what_was_sent_twice_is_one_row_with_a_count(page: Page, sandbox: Running) -> None:
    post(sandbox, event(1), event(2))
    page.goto(sandbox.url)
    expect(page.get_by_role("row")).to_have_count(2)
    post(sandbox, event(1))
    expect(row_at(page, 1)).to_contain_text("event 1")
    expect(row_at(page, 1)).to_contain_text("\N{MULTIPLICATION SIGN}2")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.locator("#count")).to_have_text("2 events")


def test_who_has_scrolled_is_told_how_many_are_new_and_keeps_their_place(
    page: Page, sandbox: Running
) -> None:
    post(sandbox, *(event(number) for number in range(100)))
    page.goto(sandbox.url)
    expect(page.locator("#count")).to_have_text("100 events")
    page.locator("#list").evaluate("list => { list.scrollTop = 2000 }")
    expect(row_at(page, 40)).to_be_visible()
    read, before = row_at(page, 40).inner_text().splitlines()[1:], row_at(page, 40).bounding_box()
    post(sandbox, event(200), event(201))
    pill = page.locator("#pill")
    expect(pill).to_have_text("2 new")
    assert row_at(page, 42).inner_text().splitlines()[1:] == read
    assert row_at(page, 42).bounding_box() == before
    pill.click()
    expect(row_at(page, 1)).to_contain_text("event 201")
    expect(pill).to_be_hidden()


def test_only_what_passes_the_filters_is_new(page: Page, sandbox: Running) -> None:
    post(sandbox, *(event(number, eventType="release") for number in range(100)))
    page.goto(sandbox.url + "/?type=release")
    expect(page.locator("#count")).to_have_text("100 events")
    page.locator("#list").evaluate("list => { list.scrollTop = 2000 }")
    expect(row_at(page, 40)).to_be_visible()
    post(sandbox, event(200, eventType="other"), event(201, eventType="release"))
    expect(page.locator("#pill")).to_have_text("1 new")


def test_another_filter_begins_at_the_newest(page: Page, sandbox: Running) -> None:
    post(sandbox, *(event(number) for number in range(100)))
    page.goto(sandbox.url)
    expect(page.locator("#count")).to_have_text("100 events")
    page.locator("#list").evaluate("list => { list.scrollTop = 2000 }")
    page.locator("#facets").get_by_label("Information").check()
    expect(page.locator("#count")).to_have_text("50 of 100 events")
    assert top_of(page) == 0


def test_who_scrolls_back_to_the_top_is_told_no_more(page: Page, sandbox: Running) -> None:
    post(sandbox, *(event(number) for number in range(100)))
    page.goto(sandbox.url)
    page.locator("#list").evaluate("list => { list.scrollTop = 2000 }")
    expect(row_at(page, 40)).to_be_visible()
    post(sandbox, event(200))
    expect(page.locator("#pill")).to_have_text("1 new")
    page.locator("#list").evaluate("list => { list.scrollTop = 0 }")
    expect(page.locator("#pill")).to_be_hidden()


def test_where_nothing_has_arrived_the_next_command_stands(page: Page, sandbox: Running) -> None:
    page.goto(sandbox.url)
    expect(page.locator("#instead")).to_contain_text("No event has arrived yet")
    expect(page.locator("#instead")).to_contain_text("kubectl create -f -")
    page.locator("#instead pre").evaluate("pre => { pre.marked = true }")
    sandbox.call("DELETE", "/events")  # it draws anew
    expect(page.locator("#live")).to_have_text("Live")
    assert page.locator("#instead pre").evaluate("pre => pre.marked"), "its text can be marked"
    post(sandbox, event(1))
    expect(page.get_by_role("row")).to_have_count(1)
    expect(page.locator("#instead")).to_be_hidden()


def test_a_sandbox_that_does_not_answer_is_said_and_asked_again(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    post(sandbox, event(1))
    context.route("**/events?*", lambda route: route.abort())
    page.goto(sandbox.url)
    expect(page.locator("#instead")).to_contain_text("The sandbox does not answer")
    expect(page.locator("#live")).to_contain_text("No connection")
    context.unroute("**/events?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("row")).to_have_count(1)


def test_an_answer_that_is_none_is_said_with_its_status_and_it_tries_by_itself(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    post(sandbox, event(1))
    context.route("**/events?*", lambda route: route.fulfill(status=502, body="bad gateway"))
    page.goto(sandbox.url)
    expect(page.locator("#instead")).to_contain_text("It answered 502.")
    context.unroute("**/events?*")
    expect(page.get_by_role("row")).to_have_count(1)


def test_all_events_can_be_scrolled_to(page: Page, tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    fill(database, [event(number) for number in range(5000)])
    with running(database=database) as sandbox:
        page.goto(sandbox.url)
        expect(page.locator("#count")).to_have_text("5,000 events")
        assert page.get_by_role("row").count() < 50, "only what can be seen is drawn"
        page.locator("#list").evaluate("list => { list.scrollTop = list.scrollHeight }")
        expect(row_at(page, 5000)).to_contain_text("event 0")


def test_the_newest_50000_are_kept(page: Page, tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    fill(database, [event(number) for number in range(50_010)], apart_ms=1)
    with running(database=database) as sandbox:
        page.goto(sandbox.url)
        expect(page.locator("#count")).to_have_text("50,000 events", timeout=30_000)
        post(sandbox, event(60_000))
        expect(row_at(page, 1)).to_contain_text("event 60000")
        page.locator("#list").evaluate("list => { list.scrollTop = list.scrollHeight }")
        expect(row_at(page, 50_000)).to_contain_text("event 11")
        post(sandbox, event(3))  # the first of it is not kept any more
        expect(page.locator("#pill")).to_have_text("1 new")
        expect(page.locator("#count")).to_have_text("50,000 events")
