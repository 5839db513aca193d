"""The documentation says what the code does."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

import customevents
from customevents.resource.status import Reason, State

DOCS = Path(__file__).parents[2] / "docs"


def first_column(heading: str) -> list[str]:
    """The names in the first table behind a heading of the troubleshooting page."""
    text = (DOCS / "troubleshooting.md").read_text()
    table = text.partition(heading)[2].partition("\n\n|")[2].partition("\n\n")[0]
    return [re.split(r"\s*\|\s*", row)[1].strip("`") for row in table.splitlines()[2:]]


def said_by_the_code() -> list[str]:
    """Every text in it, those of an f-string between its values."""
    files = Path(customevents.__file__).parent.rglob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


@pytest.mark.parametrize("heading", ["## The operator is not ready", "## One event in trouble"])
def test_what_the_operator_says_is_quoted_as_it_says_it(heading: str) -> None:
    texts = said_by_the_code()
    quoted = first_column(heading)
    assert quoted
    assert [words for words in quoted if not any(words in text for text in texts)] == []


def test_every_reason_is_explained_under_its_own_name() -> None:
    assert first_column("## Reasons") == [reason.value for reason in Reason]


def test_every_state_is_explained() -> None:
    assert sorted(first_column("# When an event is not delivered")) == sorted(
        state.value for state in State
    )


def test_the_page_of_settings_is_made_from_the_settings() -> None:
    render = runpy.run_path(str(DOCS / "render_settings.py"))["render"]
    assert (DOCS / "settings.md").read_text() == render(), "run `make docs`"


def test_the_table_of_switches_is_made_from_the_switches() -> None:
    render = runpy.run_path(str(DOCS / "render_switches.py"))["render"]
    assert (DOCS / "sandbox.md").read_text() == render(), "run `make docs`"


@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md", "docs/sandbox.md"])
def test_the_pictures_of_a_page_are_there(page: str) -> None:
    path = DOCS.parent / page
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", path.read_text())
    assert pictures
    for picture in pictures:
        assert (path.parent / picture).stat().st_size < 200_000


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_a_word_that_a_condition_may_have(reason: Reason) -> None:
    # The pattern is the API convention's for condition reasons.
    assert re.fullmatch(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", reason)
