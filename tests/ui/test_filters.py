"""Filters, search and time: what they leave, what they count, and that the address holds them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from customevents.sandbox import Running, running
from ui.posted import event, fill, post


def scope(
    cluster: str = "prod", namespace: str = "shop", **more: list[str]
) -> dict[str, list[str]]:
    return {"clusters": [cluster], "namespaces": [namespace], **more}


SOME = [
    event(1, eventType="release", severity="information", scope=scope()),
    event(2, eventType="release", severity="error", scope=scope(servicesNames=["cart"])),
    event(3, eventType="backup", severity="error", scope=scope("staging")),
    event(4, eventType="backup", severity="warning", scope=scope("staging", "data")),
    event(5, eventType="incident", severity="error", scope=None),
]


def facet(page: Page, title: str) -> Locator:
    return page.get_by_role("group", name=title, exact=True)


def counts(page: Page, title: str) -> dict[str, str]:
    labels = facet(page, title).locator("label").all()
    return {
        each.locator("bdi").inner_text(): each.locator(".number").inner_text() for each in labels
    }


def summaries(page: Page) -> list[str]:
    return page.locator(".row .summary").all_inner_texts()


def shown(page: Page, text: str) -> None:
    expect(page.locator("#count")).to_have_text(text)


def begin(page: Page, sandbox: Running, address: str = "") -> None:
    post(sandbox, *SOME)
    page.goto(sandbox.url + address)
    expect(page.locator("#facets label").first).to_be_visible()


def test_each_value_has_its_count_under_the_other_filters(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    assert counts(page, "Event type") == {"backup": "2", "release": "2", "incident": "1"}
    assert counts(page, "Severity") == {"Error": "3", "Information": "1", "Warning": "1"}
    assert counts(page, "Cluster") == {"prod": "2", "staging": "2", "all clusters": "1"}
    assert counts(page, "Service") == {"Cross-service event": "4", "cart": "1"}
    facet(page, "Severity").get_by_label("Error").check()
    shown(page, "3 of 5 events")
    assert counts(page, "Event type") == {"backup": "1", "incident": "1", "release": "1"}
    assert counts(page, "Severity") == {"Error": "3", "Information": "1", "Warning": "1"}


def test_filters_are_or_within_and_and_between(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    facet(page, "Event type").get_by_label("release").check()
    facet(page, "Event type").get_by_label("backup").check()
    shown(page, "4 of 5 events")
    facet(page, "Cluster").get_by_label("staging").check()
    shown(page, "2 of 5 events")
    facet(page, "Cluster").get_by_label("staging").uncheck()
    shown(page, "4 of 5 events")


def test_what_names_nothing_can_be_asked_for(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    facet(page, "Cluster").get_by_label("all clusters").check()
    expect(page.locator(".row .summary")).to_have_text(["event 5"])


def test_the_address_holds_the_view_and_back_leaves_it(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    facet(page, "Severity").get_by_label("Error").check()
    facet(page, "Cluster").get_by_label("staging").check()
    expect(page.locator(".row .summary")).to_have_text(["event 3"])
    assert page.url.endswith("?severity=error&cluster=staging")
    page.go_back()
    shown(page, "3 of 5 events")
    expect(facet(page, "Cluster").get_by_label("staging")).not_to_be_checked()


def test_somebody_else_sees_the_same_by_the_address(page: Page, sandbox: Running) -> None:
    begin(page, sandbox, "/?type=backup&severity=error&q=EVENT")
    expect(page.locator(".row .summary")).to_have_text(["event 3"])
    expect(page.locator("#search")).to_have_value("EVENT")
    expect(facet(page, "Event type").get_by_label("backup")).to_be_checked()


TYPED = [
    "type=",
    "minutes=-5",
    "minutes=x",
    "from=1",
    "from=x&to=y",
    "event=abc",
    "event=1e3",
    "%00=%ff",
]


@pytest.mark.parametrize("typed", TYPED)
def test_an_address_that_was_mistyped_shows_what_it_can(
    page: Page, sandbox: Running, typed: str
) -> None:
    begin(page, sandbox, f"/?{typed}")
    shown(page, "0 of 5 events" if typed == "type=" else "5 events")
    expect(page.locator("#drawer")).to_be_hidden()


def test_a_value_that_nothing_has_can_be_left_again(page: Page, sandbox: Running) -> None:
    begin(page, sandbox, "/?severity=purple")
    facet(page, "Severity").get_by_label("purple").click()
    shown(page, "5 events")


def test_the_search_is_over_all_text(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    for text, found in (("CART", 1), ("event", 5), ("id-of-event-4", 1), ("staging", 2)):
        page.locator("#search").fill(text)
        shown(page, "5 events" if found == 5 else f"{found} of 5 events")
    assert page.url.endswith("?q=staging")


def test_what_no_event_passes_is_said_and_cleared_by_one_click(
    page: Page, sandbox: Running
) -> None:
    begin(page, sandbox)
    page.locator("#search").fill("nothing like this")
    expect(page.locator("#instead")).to_contain_text("No event is left by these filters")
    page.locator("#instead").get_by_role("button", name="Clear filters").click()
    shown(page, "5 events")
    expect(page.locator("#search")).to_have_value("")


def test_a_filter_that_counts_nothing_any_more_can_still_be_left(
    page: Page, sandbox: Running
) -> None:
    begin(page, sandbox, "/?type=release&cluster=staging&severity=error")
    expect(page.locator("#instead")).to_contain_text("No event is left")
    facet(page, "Cluster").get_by_label("staging").click()
    expect(page.locator(".row .summary")).to_have_text(["event 2"])
    page.locator("#clear").click()
    shown(page, "5 events")
    expect(page.locator("#clear")).to_be_hidden()


def test_of_many_values_the_most_frequent_are_shown_and_the_rest_by_a_click(
    page: Page, sandbox: Running
) -> None:
    post(sandbox, *(event(number, eventType=f"type-{number:02}") for number in range(20)))
    post(sandbox, event(21, eventType="type-19"))
    page.goto(sandbox.url)
    expect(facet(page, "Event type").locator("label")).to_have_count(8)
    assert next(iter(counts(page, "Event type"))) == "type-19"
    facet(page, "Event type").get_by_role("button", name="12 more").click()
    expect(facet(page, "Event type").locator("label")).to_have_count(20)


def test_nothing_moves_below_the_pointer_while_events_arrive(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    facet(page, "Event type").get_by_text("backup").hover()
    post(sandbox, *(event(number, eventType="incident") for number in range(10, 20)))
    shown(page, "15 events")
    assert list(counts(page, "Event type")) == ["backup", "release", "incident"]
    page.locator("#list").hover()
    post(sandbox, event(30))
    shown(page, "16 events")
    assert next(iter(counts(page, "Event type"))) == "incident"


def test_a_click_counts_also_while_events_pour_in(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    facet(page, "Event type").get_by_label("backup").hover()
    page.mouse.down()
    post(sandbox, *(event(number, eventType="incident") for number in range(10, 20)))
    shown(page, "15 events")
    page.mouse.up()
    shown(page, "2 of 15 events")


def test_a_drag_that_is_cancelled_narrows_nothing(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    page.locator("#bars").hover()
    page.mouse.down()
    expect(page.locator("rect.brush")).to_have_count(1)
    page.locator("#bars").dispatch_event("pointercancel")
    expect(page.locator("rect.brush")).to_have_count(0)
    page.mouse.up()
    shown(page, "5 events")


def test_the_time_is_narrowed_by_a_period(page: Page, tmp_path: Path) -> None:
    with filled(tmp_path) as sandbox:
        page.goto(sandbox.url)
        shown(page, "100 events")
        page.locator("#period").select_option("Last hour")
        shown(page, "59 of 100 events")
        assert page.url.endswith("?minutes=60")
        page.locator("#period").select_option("All time")
        shown(page, "100 events")


def test_the_time_is_narrowed_by_dragging_and_by_a_click(page: Page, tmp_path: Path) -> None:
    with filled(tmp_path) as sandbox:
        page.goto(sandbox.url)
        shown(page, "100 events")
        box = page.locator("#bars").bounding_box()
        assert box
        middle = box["y"] + box["height"] / 2
        inside_a_bar = box["x"] + box["width"] * 60.5 / 96
        page.mouse.move(inside_a_bar, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, middle)
        expect(page.locator("rect.brush")).to_have_count(1)
        page.mouse.move(box["x"] + box["width"] + 50, middle)
        page.mouse.up()
        expect(page.locator("rect.brush")).to_have_count(0)
        expect(page.locator("#period")).to_have_value("own")
        shown(page, "37 of 100 events")
        assert "from=" in page.url
        page.mouse.click(inside_a_bar, middle)
        expect(page.locator("#count")).to_have_text("1 of 100 events")
        expect(page.locator("rect.outside").first).to_be_attached()
        page.locator("#clear").click()
        shown(page, "100 events")


def filled(folder: Path) -> AbstractContextManager[Running]:
    """A hundred events, one a minute."""
    database = str(folder / "events.db")
    fill(database, [event(number) for number in range(100)], apart_ms=60_000)
    return running(database=database)


def test_the_strip_says_in_words_what_it_shows(page: Page, sandbox: Running) -> None:
    begin(page, sandbox)
    bars = page.get_by_role("img", name="Events over time: 3 error, 1 warning, 1 information")
    expect(bars).to_be_visible()
