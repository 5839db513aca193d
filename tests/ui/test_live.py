"""Live: what arrives is shown at once, and a stream that breaks is taken up again without a gap."""

from __future__ import annotations

import time

from playwright.sync_api import BrowserContext, Page, expect

from customevents.sandbox import Running, running
from ui.posted import event, post
from ui.relay import relayed


def all_summaries(page: Page, count: int) -> list[str]:
    """What the page holds, oldest first, in a window that shows all of it."""
    page.set_viewport_size({"width": 1440, "height": 60 * count + 400})
    summaries = page.locator(".row .summary")
    expect(summaries).to_have_count(count)
    return summaries.all_inner_texts()[::-1]


def test_it_says_that_it_is_live(page: Page, sandbox: Running) -> None:
    page.goto(sandbox.url)
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")


def test_an_event_appears_within_a_second(page: Page, sandbox: Running) -> None:
    page.goto(sandbox.url)
    expect(page.locator("#live")).to_have_text("Live")
    taken = []
    for number in range(3):
        began = time.monotonic()
        post(sandbox, event(number))
        expect(page.locator(".row")).to_have_count(number + 1)
        taken.append(time.monotonic() - began)
    assert min(taken) <= 1


def test_a_stream_that_breaks_is_taken_up_again_without_a_gap(page: Page, sandbox: Running) -> None:
    with relayed(sandbox.url) as relay:
        page.goto(relay.url)
        expect(page.locator("#live")).to_have_text("Live")
        for round_ in range(3):
            post(sandbox, *(event(100 * round_ + number) for number in range(30)))
            expect(page.locator("#count")).to_have_text(f"{60 * round_ + 30} events")
            relay.cut()
            expect(page.locator("#live")).to_contain_text("No connection")
            post(sandbox, *(event(100 * round_ + 50 + number) for number in range(30)))
            relay.mend()
            expect(page.locator("#count")).to_have_text(f"{60 * round_ + 60} events")
            expect(page.locator("#live")).to_have_text("Live")
    numbers = [100 * round_ + at for round_ in range(3) for at in (*range(30), *range(50, 80))]
    assert all_summaries(page, len(numbers)) == [f"event {number}" for number in numbers]


def test_an_answer_of_a_proxy_does_not_end_the_stream(
    page: Page, context: BrowserContext, sandbox: Running
) -> None:
    with relayed(sandbox.url) as relay:
        page.goto(relay.url)
        expect(page.locator("#live")).to_have_text("Live")
        post(sandbox, event(1))
        expect(page.locator(".row")).to_have_count(1)
        context.route("**/sandbox/changes*", lambda route: route.fulfill(status=502, body=""))
        with page.expect_response(lambda answer: answer.status == 502):
            relay.cut()
            relay.mend()
        expect(page.locator("#live")).to_contain_text("No connection")
        post(sandbox, event(2))
        context.unroute("**/sandbox/changes*")
        expect(page.locator(".row .summary")).to_have_text(["event 2", "event 1"])
        expect(page.locator("#live")).to_have_text("Live")
        expect(page.locator(".times")).to_have_count(0)  # none was told twice


def test_a_connection_that_died_without_a_word_is_replaced(page: Page, sandbox: Running) -> None:
    with relayed(sandbox.url) as relay:
        page.clock.install()
        page.goto(relay.url)
        page.clock.run_for(1000)
        expect(page.locator("#live")).to_have_text("Live")
        relay.freeze()
        post(sandbox, event(1))
        page.clock.run_for(30_000)
        page.clock.resume()
        expect(page.locator(".row")).to_have_count(1)


def test_it_asks_again_where_even_that_is_not_answered(page: Page, sandbox: Running) -> None:
    with relayed(sandbox.url) as relay:
        page.clock.install()
        page.goto(relay.url)
        page.clock.run_for(1000)
        expect(page.locator("#live")).to_have_text("Live")
        relay.freeze()
        post(sandbox, event(1))
        with relay.swallowing() as swallowed:
            page.clock.run_for(30_000)
            assert swallowed.wait(10), "it has asked anew, and hears nothing"
        page.clock.run_for(30_000)
        page.clock.resume()
        expect(page.locator(".row")).to_have_count(1)


def test_a_sandbox_that_began_anew_is_read_anew(page: Page) -> None:
    with running() as first:
        post(first, event(1), event(2), event(3))
        with relayed(first.url) as relay:
            page.goto(relay.url)
            expect(page.locator("#count")).to_have_text("3 events")
            with running() as second:
                relay.lead_to(second.url)
                relay.cut()
                post(second, event(7))
                relay.mend()
                expect(page.locator("#count")).to_have_text("1 event")
                expect(page.locator(".row")).to_contain_text("event 7")


def test_events_that_are_cleared_go(page: Page, sandbox: Running) -> None:
    post(sandbox, event(1), event(2))
    page.goto(sandbox.url)
    expect(page.locator(".row")).to_have_count(2)
    sandbox.call("DELETE", "/events")
    expect(page.locator("#instead")).to_contain_text("No event has arrived yet")
    post(sandbox, event(3))
    expect(page.locator(".row")).to_have_count(1)
