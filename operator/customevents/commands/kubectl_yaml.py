"""YAML as kubectl, Argo CD and Helm read it, where PyYAML alone would read something else.

To them 1e5 and 0o17 are numbers and y is true; 12:30 and 2026-01-31 are strings, which PyYAML takes
for a number and a date. So what is rendered is what would be applied, and what is written here is
read there as it was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

BOOL, NULL, MERGE = (f"tag:yaml.org,2002:{name}" for name in ("bool", "null", "merge"))
NUMBER = "tag:yaml.org,2002:float"

_LETTER = re.compile(r"[yYnN]$")
_NUMBER = re.compile(
    r"""[-+]?(?: (?: \.[0-9]+ | [0-9][0-9_]*(?:\.[0-9_]*)? ) (?:[eE][-+]?[0-9]+)?
               | 0[bB][01_]+ | 0[oO][0-7_]+ | 0[xX][0-9a-fA-F_]+ )$""",
    re.VERBOSE,
)


class _Loader(yaml.SafeLoader):
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


def _bool(_: _Loader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() in ("y", "yes", "on", "true")


def _number(_: _Loader, node: yaml.ScalarNode) -> int | float:
    digits = node.value.replace("_", "")
    for base in (0, 8):  # as it says itself; or 0755, as C has it
        try:
            return int(digits, base)
        except ValueError:
            continue
    number = float(digits)
    return int(number) if number.is_integer() else number


_Loader.add_constructor(BOOL, _bool)
_Loader.add_constructor(NUMBER, _number)


def read_yaml(text: str) -> Iterator[Any]:
    """The documents of a file; a null in one says nothing, as to the API server.

    Raises yaml.YAMLError.
    """
    return map(_without_nulls, yaml.load_all(text, _Loader))


def write_yaml(document: dict[str, Any]) -> str:
    """A document as people write it."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text.rstrip()


def _without_nulls(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_nulls(value) for key, value in part.items() if value is not None}
    return [_without_nulls(item) for item in part] if isinstance(part, list) else part
