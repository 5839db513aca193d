"""The recorded terminal is safe to embed; that it shows what is so is tests/integration's part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

RECORDING = Path(__file__).parents[2] / "docs" / "pictures" / "command-line.svg"

#: None of them runs anything, or takes in another file.
ELEMENTS = {"svg", "title", "style", "g", "rect", "circle", "text"}

#: What names another file in a stylesheet, or a part of XML that could.
FETCHES = re.compile(r"url\(|image-set|@import|@font-face|<!DOCTYPE|<!ENTITY|<\?")

#: The namespace of SVG, which nobody fetches, and the endpoint that the session shows.
ADDRESSES = {"http://www.w3.org/2000/svg", "http://127.0.0.1:8090"}

LARGEST = 150_000


def elements() -> Iterator[tuple[str, ElementTree.Element]]:
    """Each, by its name without a namespace."""
    for element in ElementTree.fromstring(RECORDING.read_text()).iter():
        yield element.tag.rpartition("}")[2], element


def test_it_asks_nobody_for_anything() -> None:
    text = RECORDING.read_text()
    assert FETCHES.findall(text) == []
    assert set(re.findall(r"\b[a-z]+://[\w.:/-]+", text)) == ADDRESSES


def test_it_runs_nothing() -> None:
    attributes = {name for _, element in elements() for name in element.attrib}
    assert {name for name, _ in elements()} - ELEMENTS == set()
    assert [name for name in attributes if name.startswith("on") or "href" in name] == []


def test_it_names_no_file_of_the_machine_that_made_it() -> None:
    assert re.findall(r"(?<![\w/:.<])~?/\w\S*|kubeconfig", "\n".join(texts())) == []


def texts() -> list[str]:
    return [element.text or "" for name, element in elements() if name in ("text", "title")]


def test_it_loads_at_once() -> None:
    assert RECORDING.stat().st_size < LARGEST


def test_no_line_is_cut_off() -> None:
    (window,) = (e for name, e in elements() if name == "svg" and "x" in e.attrib)
    for _, text in (found for found in elements() if found[0] == "text"):
        assert float(text.attrib["x"]) + float(text.attrib["textLength"]) <= float(
            window.attrib["width"]
        )


@pytest.mark.parametrize("told", ["prefers-reduced-motion:reduce", "<title>A terminal: "])
def test_who_sees_no_motion_or_no_picture_is_not_left_out(told: str) -> None:
    assert told in RECORDING.read_text()
