"""What the tests of the timeline page share: a real Chromium, a sandbox, and what the page ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from customevents.sandbox import Running, running
from integration.conftest import account, events, key_file, start_operator, timeline  # noqa: F401
from ui.browser import launched
from ui.coverage import Coverage
from ui.windows import opened

COVERAGE = pytest.StashKey[Coverage]()
LAST = "test_every_part_of_the_module_has_run"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COVERAGE] = Coverage()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What has run in all is looked at last, and only where all of it runs."""
    ours = [item for item in items if item.path.parent == Path(__file__).parent]
    last = [item for item in ours if item.name == LAST]
    files = set(Path(__file__).parent.glob("test_*.py"))
    if {item.path for item in ours} == files and not config.getoption("keyword"):
        order = [item for item in ours if item not in last] + last
        places = [index for index, item in enumerate(items) if item in ours]
        for place, item in zip(places, order, strict=True):
            items[place] = item
    else:
        items[:] = [item for item in items if item not in last]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of one module: Playwright's loop must not be there when others run theirs."""
    with launched() as browser:
        yield browser


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture
def coverage(request: pytest.FixtureRequest) -> Coverage:
    """What the page ran in all tests until now."""
    return request.config.stash[COVERAGE]


@pytest.fixture
def context(chromium: Browser, coverage: Coverage) -> Iterator[BrowserContext]:
    """A browser that is new, and that may ask the sandbox and nobody else."""
    with opened(chromium, coverage) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
