"""YAML as kubectl, Argo CD and Helm read it, where PyYAML alone would read something else.

To them 1e5 and 0o17 are numbers and y is true; 12:30 and 2026-01-31 are strings, which PyYAML takes
for a number and a date. So what is rendered is what would be applied, and what is written here is
read there as it was meant. A test asks kubectl the same.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from customevents.commands.options import says_all

_TAG = "tag:yaml.org,2002:"
BOOL, NULL, MERGE, STRING, BINARY = (
    f"{_TAG}{name}" for name in ("bool", "null", "merge", "str", "binary")
)
NUMBER = f"{_TAG}float"
_NUMBERS = (NUMBER, f"{_TAG}int")
_MAP, _SEQUENCE = f"{_TAG}map", f"{_TAG}seq"

#: What stands around a document.
_ENVELOPES = (
    yaml.StreamStartEvent,
    yaml.StreamEndEvent,
    yaml.DocumentStartEvent,
    yaml.DocumentEndEvent,
)

#: Of so many values in a document, most may not be the same ones by way of aliases.
FEW_VALUES, FEW_ALIASES, MOST_BY_ALIASES = 1000, 100, 0.9

#: libyaml's own, where it is there: it is ten times as fast, and takes tabs as Go does.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LETTER = re.compile(r"[yYnN]$")
_NUMBER = re.compile(
    r"""[-+]?(?: (?: \.[0-9]+ | [0-9][0-9_]*(?:\.[0-9_]*)? ) (?:[eE][-+]?[0-9]+)?
               | 0[bB][01_]+ | 0[oO][0-7_]+ | 0[xX][0-9a-fA-F_]+ | \.(?:inf|Inf|INF) )$
        | \.(?:nan|NaN|NAN)$""",
    re.VERBOSE,
)


class _Loader(_Parser):  # type: ignore[misc]
    """Takes for something else than a string what kubectl does."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] in (BOOL, NULL, MERGE)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Quotes what either of the two would take for something else than a string."""


for either in (_Loader, _Dumper):
    either.add_implicit_resolver(BOOL, _LETTER, list("yYnN"))
    either.add_implicit_resolver(NUMBER, _NUMBER, list("-+.0123456789"))


def read_document(text: str) -> Any:
    """The value of a document; a null in one says nothing, as to the API server.

    Raises yaml.YAMLError, RecursionError.
    """
    loader = _Loader(text)
    try:
        return _Reading(loader).document()
    finally:
        loader.dispose()


@dataclass(frozen=True)
class _Part:
    """A value, what it is, and how many values are in it, aliases counted in full."""

    value: Any
    tag: str
    mark: Any
    size: int = 1


class _Reading:
    """The events of one document, read to a value."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._anchors: dict[str, _Part | None] = {}
        self._values = 0
        self._by_aliases = 0

    def document(self) -> Any:
        found = None
        while not self._loader.check_event(yaml.StreamEndEvent):
            if isinstance(event := self._loader.get_event(), _ENVELOPES):
                continue
            found = self._part(event).value
        return found

    def _part(self, event: Any) -> _Part:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # it is being read
        before = self._values
        self._values += 1
        value, tag = self._read(event)
        part = _Part(value, tag, event.start_mark, self._values - before)
        if event.anchor is not None:
            self._anchors[event.anchor] = part
        return part

    def _alias(self, event: Any) -> _Part:
        """A few hundred bytes of aliases of aliases would make millions of values."""
        name = event.anchor
        if name not in self._anchors:
            raise _refusal(event.start_mark, f"unknown anchor {name!r} referenced")
        if (part := self._anchors[name]) is None:
            raise _refusal(event.start_mark, f"anchor {name!r} value contains itself")
        self._values += part.size
        self._by_aliases += part.size
        is_much = self._values > FEW_VALUES and self._by_aliases > FEW_ALIASES
        if is_much and self._by_aliases > MOST_BY_ALIASES * self._values:
            raise _refusal(event.start_mark, "the document contains excessive aliasing")
        return part

    def _read(self, event: Any) -> tuple[Any, str]:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(), event.tag or _MAP
        if isinstance(event, yaml.SequenceStartEvent):
            return [part.value for part in self._until(yaml.SequenceEndEvent)], _SEQUENCE
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        return _scalar(event.value, tag, event.start_mark), tag

    def _mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        parts = self._until(yaml.MappingEndEvent)
        for key in parts:
            value = next(parts)
            if key.tag == MERGE:
                found |= _merged(value)
                continue
            name = _key(key)
            found.pop(name, None)
            if value.value is not None:
                found[name] = value.value
        return found

    def _until(self, end: type[yaml.Event]) -> Iterator[_Part]:
        while not isinstance(event := self._loader.get_event(), end):
            yield self._part(event)


def _merged(part: _Part) -> dict[str, Any]:
    """What `<<` names: a map, or several, of which the first counts."""
    parts = part.value if isinstance(part.value, list) else [part.value]
    found: dict[str, Any] = {}
    for each in reversed(parts):
        if not isinstance(each, dict):
            raise _refusal(part.mark, "map merge requires a map, or a list of maps, as its value")
        found |= each
    return found


def _key(part: _Part) -> str:
    if isinstance(part.value, bool):
        return str(part.value).lower()
    if isinstance(part.value, str | int | float):
        return str(part.value)
    raise _refusal(part.mark, "a key must be a string")


def _scalar(text: str, tag: str, mark: Any) -> Any:
    if tag == NULL:
        return None
    if tag == BOOL:
        return text.lower() in ("y", "yes", "on", "true")
    if tag in _NUMBERS:
        return _number(text, mark)
    if tag == BINARY:
        try:
            return b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise _refusal(mark, "!!binary value contains invalid base64 data") from None
    return text


def _number(text: str, mark: Any) -> int | float:
    digits = text.replace("_", "")
    for base in (0, 8):  # as it says itself; or 0755, as C has it
        try:
            return int(digits, base)
        except ValueError:
            continue
    try:
        number = float(digits)
    except ValueError:
        raise _refusal(mark, "this is no number that JSON could hold") from None
    return int(number) if number.is_integer() else number


def _refusal(mark: Any, words: str) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=words, problem_mark=mark)


def write_yaml(document: dict[str, Any]) -> str:
    """A document as people write it."""
    all_said = says_all()
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=all_said)
    return text.rstrip()
