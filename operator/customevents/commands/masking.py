"""Names of other tenants, taken out of what is to be shown to somebody else. Pure.

No shape tells a name from a word: so names are masked that are known, as whole words, and of a log
a line about others is not shown at all. Whoever may not learn the names gets no log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

#: What stands in the place of a name, and of a line of a log.
MASK = "(masked)"
ABOUT_OTHERS = "(about another namespace)"

#: A word that may be a name; a path or a list is several. What stands beside a dot is part of a
#: host's name or of a version.
_WORD = re.compile(r"(?<![\w.-])[a-z0-9][-a-z0-9.]*(?<=[a-z0-9])(?![\w-])")

#: User and password in an address.
_USERINFO = re.compile(r"//[^/@\s\"]+@")

#: The time, level and logger of a line of text.
_HEAD = re.compile(r"\S+ \S+ [A-Z]+ [\w.]+: ")


@dataclass(frozen=True)
class Names:
    """Which namespaces may be named, and which names are those of others."""

    kept: Collection[str]
    namespaces: Collection[str] = field(default_factory=set)
    #: Of events that are in other namespaces alone.
    events: Collection[str] = field(default_factory=set)

    def mask(self, text: str) -> str:
        """The text without passwords and the names of others."""
        plain = _USERINFO.sub(f"//{MASK}@", text)
        return _WORD.sub(lambda word: MASK if self._is_others(word[0]) else word[0], plain)

    def mask_data(self, data: Any) -> Any:
        """The same of all texts in plain data; keys are ours, and stay."""
        match data:
            case str():
                return self.mask(data)
            case dict():
                return {key: self.mask_data(value) for key, value in data.items()}
            case list() | tuple():
                return [self.mask_data(value) for value in data]
        return data

    def mask_log(self, text: str) -> str:
        """A log without the lines about others: what they say may be another tenant's content."""
        return "".join(f"{line}\n" for line in self._lines(text.splitlines()))

    def _lines(self, lines: Collection[str]) -> Iterator[str]:
        for line in lines:
            if not any(self._is_others(word) for word in _WORD.findall(line)):
                yield self.mask(line)
            elif line.startswith("{"):
                yield _without_words(line)
            else:
                head = _HEAD.match(line)
                yield f"{head[0] if head else ''}{ABOUT_OTHERS}"

    def _is_others(self, word: str) -> bool:
        return word in self.namespaces or word in self.events


def _without_words(line: str) -> str:
    """What is left of a line of JSON: when, how bad, and from where."""
    try:
        said = json.loads(line)
        kept = {key: said[key] for key in ("time", "level", "logger") if key in said}
    except (ValueError, RecursionError):
        return ABOUT_OTHERS
    return json.dumps({**kept, "message": ABOUT_OTHERS})
