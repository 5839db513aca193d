"""The documents of a file, as kubectl reads them: YAML or JSON, one or many, in lists or alone."""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from customevents.answers import one_line
from customevents.commands.kubectl_yaml import read_document
from customevents.resource.errors import InvalidBody, InvalidSpec
from customevents.resource.event import KIND

#: Bytes of a file.
LARGEST_FILE = 64 * 1024 * 1024

#: Characters of a document: the API server takes no larger one.
LARGEST_DOCUMENT = 3 * 1024 * 1024

#: By a byte order mark; UTF-32's begins as UTF-16's does.
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SEPARATOR = re.compile(r"(?m)^---(.*)$")

#: A field of the document itself, and not of a part of it: what is in a part is indented.
_OWN_KIND = re.compile(r"(?m)^[\"']?kind[\"']?[ \t]*:[ \t]*([^\n]*)$")

_PLAIN_WORD = re.compile(r"[A-Za-z]+")

#: What Go takes for blanks in JSON.
_BLANKS = " \t\r\n"


def read_source(source: str) -> str:
    """The text of a file, or `-`: of standard input. Raises InvalidBody."""
    try:
        if source == "-":
            content = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or one_line(str(error))
        raise InvalidBody(f"cannot read {one_line(source)}: {words}") from None
    if len(content) > LARGEST_FILE:
        raise InvalidBody(f"cannot read {source}: it is larger than {LARGEST_FILE >> 20} MiB")
    encodings = (name for mark, name in _ENCODINGS if content.startswith(mark))
    encoding = next(encodings, "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidBody(f"cannot read {source}: it is no {encoding[:6].upper()} text") from None


def documents(text: str) -> Iterator[Any]:
    """The documents that may be CustomEvents; what is of another kind may be left out unread.

    Raises InvalidSpec, in one line, if one can be read by nobody.
    """
    for document in _split(text.replace("\r\n", "\n")):
        for found in _parse(document):
            yield from _out_of_lists(found)


def _split(text: str) -> Iterator[str]:
    """As kubectl: at lines that begin with `---`, whatever stands around them."""
    begin = 0
    for separator in _SEPARATOR.finditer(text):
        behind = separator[1].strip()
        if behind and not behind.startswith("#"):
            raise InvalidSpec(f"this is no YAML: nothing may stand behind ---: {one_line(behind)}")
        yield text[begin : separator.start()]
        begin = separator.end()
    yield text[begin:]


def _parse(text: str) -> Iterator[Any]:
    if _is_of_another_kind(text):
        return
    if len(text) > LARGEST_DOCUMENT:
        words = f"a document of {len(text) / 2**20:.1f} MiB is more than the API server takes"
        raise InvalidSpec(f"{words} (3 MiB)")
    try:
        if text.lstrip(_BLANKS).startswith("{"):
            try:
                yield from list(_json(text))
            except ValueError:
                pass  # YAML may begin so as well
            else:
                return
        yield read_document(text)
    except yaml.YAMLError as error:
        raise InvalidSpec(f"this is no YAML: {_words(error)}") from None
    except RecursionError:
        raise InvalidSpec("this is nested more deeply than any CustomEvent is") from None


def _is_of_another_kind(text: str) -> bool:
    """Whether that can be seen without reading it: of a chart, most is."""
    kinds = [found[1].partition(" #")[0].strip("\"' \t\r") for found in _OWN_KIND.finditer(text)]
    if len(kinds) != 1 or not _PLAIN_WORD.fullmatch(kinds[0]):
        return False
    return kinds[0] != KIND and not kinds[0].endswith("List")


def _json(text: str) -> Iterator[Any]:
    """JSON values, one behind the other. Raises ValueError."""
    decoder = json.JSONDecoder(object_hook=_without_nulls)
    at = _behind_blanks(text, 0)
    while at < len(text):
        found, at = decoder.raw_decode(text, at)
        yield found
        at = _behind_blanks(text, at)


def _behind_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _out_of_lists(found: Any) -> Iterator[Any]:
    """A list's items, or what is no list."""
    if isinstance(found, dict) and str(found.get("kind", "")).endswith("List"):
        items = found.get("items")
        yield from items if isinstance(items, list) else ()
    elif found:
        yield found


def _words(error: yaml.YAMLError) -> str:
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if not problem:
        return one_line(str(error))
    return f"line {mark.line + 1}: {one_line(problem)}" if mark else one_line(problem)


def _without_nulls(found: dict[str, Any]) -> dict[str, Any]:
    """To the API server, a null says nothing."""
    return {name: value for name, value in found.items() if value is not None}
