"""Names of other tenants, taken out of lines that are to be shown to somebody else. Pure.

What an operator logs names events by namespace and name, and repeats what the API server says of
them. What is kept are the namespaces that are asked about: the operator's and the author's.
"""

from __future__ import annotations

import re
from collections.abc import Collection

#: What stands in the place of a name.
MASK = "(masked)"

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"

#: `namespace/name`, but no part of an address or of a path with more steps.
_PATH = re.compile(rf"(?<![\w./:@-])({_LABEL})/({_NAME})(?![\w/-])")
#: `namespace "shop"`, `namespaces/shop/...`, `namespace shop`.
_NAMESPACE = re.compile(rf'(\bnamespaces?(?:/| "?|: "?))({_LABEL})')
#: As the API server names an object: `customevents.customevents.dev "checkout"`, or in its path.
_OBJECT = re.compile(rf'(\.dev "|/customevents/)({_NAME})')

#: What follows the word namespace and is none.
_NO_NAMESPACES = frozenset({"is", "of", "are", "and", "that", "where", "in", "was", "watched"})


def masked(text: str, keep: Collection[str], known: Collection[str] = ()) -> str:
    """The text without the names of other namespaces, and of what is in them.

    `keep`: namespaces that are not masked. `known`: names that are, wherever they stand.
    """
    text = "".join(_of_a_line(line, keep) for line in text.splitlines(keepends=True))
    for word in sorted(known, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", MASK, text)
    return text


def _of_a_line(line: str, keep: Collection[str]) -> str:
    kept = {*keep, *_NO_NAMESPACES}
    line = _PATH.sub(lambda m: m[0] if m[1] in keep else f"{MASK}/{MASK}", line)
    told = _NAMESPACE.sub(lambda m: m[0] if m[2] in kept else m[1] + MASK, line)
    # A name beside another namespace is of an object there.
    return told if told == line else _OBJECT.sub(rf"\g<1>{MASK}", told)
