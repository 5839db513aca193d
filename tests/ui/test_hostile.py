"""What an event holds is written by anybody: it is shown as text, and does nothing else."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from customevents.sandbox import Running, running
from ui.coverage import SOURCE
from ui.posted import fill

HOSTILE = {
    "html": '<img src=x onerror="window.harmed=1"><b>bold</b>',
    "script": "</script><script>window.harmed=1</script>",
    "attribute": "\" onmouseover='window.harmed=1' x=\"",
    "address": "javascript:window.harmed=1",
    "outside": '<link rel=stylesheet href="http://192.0.2.1/x.css">',
    "terminal": "\x1b[31mred\x1b[0m\x07\x00\x7f",
    "direction": "user\u202egnp.exe \u05e9\u05dc\u05d5\u05dd \u2066x",
    "long": "w" * 4096,
    "emoji": "\U0001f9d1\u200d\U0001f680 \U0001f1ea\U0001f1fa e\u0301\u0301\u0301",
    "template": "${window.harmed=1} {{7*7}}",
    "object": "__proto__",
    "shell": "'; touch harmed; echo '$(reboot)`reboot`",
    "lines": "one\ntwo\r\nthree",
}

#: What stands in the place of what has no picture of its own.
PICTURES = {"\r": "\u240d", "\x1b": "\u241b", "\x07": "\u2407", "\x00": "\u2400", "\x7f": "\u2421"}


def hostile(text: str) -> dict[str, Any]:
    """An event with this text wherever one may stand."""
    return {
        "eventType": text[:60],
        "summary": text,
        "severity": "warning",
        "scope": {"clusters": [text], "namespaces": [text], "servicesNames": [text]},
        "details": {text: text, "customevents.dev/source": text, "customevents.dev/id": text},
    }


def shown(text: str) -> str:
    return "".join(PICTURES.get(each, each) for each in text)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_is_shown_as_text_in_every_field(
    page: Page, tmp_path: Path, name: str
) -> None:
    text = HOSTILE[name]
    database = str(tmp_path / "events.db")
    fill(database, [hostile(text)])
    with running(database=database) as sandbox:
        page.goto(sandbox.url)
        row = page.locator(".row")
        for field, expected in (("type", text[:60]), ("summary", text)):
            found = row.locator(f".{field} bdi").evaluate("found => found.textContent")
            assert found == shown(expected)
        row.click()
        drawer = page.locator("#drawer")
        expect(drawer.locator("dt bdi").first).to_be_visible()
        assert shown(text) in (drawer.text_content() or "")
        page.locator("#facets").get_by_role("checkbox").first.check()
        expect(page.locator("#clear")).to_be_visible()
        page.get_by_role("button", name="Trouble").click()
        expect(page.locator("#trouble .faults")).to_be_visible()
        page.mouse.move(400, 260)
        assert page.evaluate("window.harmed") is None
        assert page.locator("main :is(b, img:not(h1 img), link, script, iframe)").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_text_of_the_other_direction_turns_nothing_around_it(page: Page, tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    fill(database, [hostile(HOSTILE["direction"])])
    with running(database=database) as sandbox:
        page.goto(sandbox.url)
        page.locator(".row").click()
        expect(page.locator("#drawer")).to_be_visible()
        for field in page.locator(".row bdi, #drawer bdi").all():
            assert field.evaluate("found => getComputedStyle(found).unicodeBidi") == "isolate"


def test_nothing_is_made_of_text_but_text() -> None:
    """The module uses none of what makes code or HTML of a text."""
    words = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser"
    )
    assert not re.search(words, SOURCE)


def test_the_browser_itself_would_refuse_it(chromium: Browser, sandbox: Running) -> None:
    with closing(chromium.new_context()) as context:  # one in which errors are what is wanted
        page = context.new_page()
        page.goto(sandbox.url)
        refused = "() => { try { document.body.innerHTML = '<b>' } catch { return 'refused' } }"
        assert page.evaluate(refused) == "refused"
        asked = "() => fetch('http://127.0.0.1:9/').then(() => 'done', () => 'refused')"
        with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
            assert page.evaluate(asked) == "refused"
