"""What an error answer says, as names of fields that we have sent, and never in its own words.

The server's text may hold anything: a key that it echoes, another tenant's data, a line that
deceives whoever reads it. So it is looked through for what we know already. Two shapes are known
of this API: `{"statusCode", "message", "error"}`, whose message is a text or a list of texts, and
`{"error": {"code", "message", "requestID", "fieldErrors": [{"field", "message"}]}}`. Pure; whatever
arrives, nothing is raised.
"""

from __future__ import annotations

import json
import re
from base64 import b16encode, b32encode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

#: Bytes of an answer that are looked at; one that is longer is cut off, and then is no JSON.
MOST_OF_AN_ANSWER = 16 * 1024

#: Characters of an eventType that the vendor's OpenAPI document allows; its documentation says 60.
SHORT_EVENT_TYPE = 30

#: Letters and digits in a row that nobody has in common with the key by chance.
TELLING = 8

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_BETWEEN_PATHS = re.compile(r"[\s,;:|]+")
_STEP_OF_A_PATH = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Refusal:
    """What may be shown of it."""

    #: Keys of the body that we sent: `eventType`, `scope.clusters`.
    fields: tuple[str, ...] = ()
    #: What the server calls this request.
    request_id: str = ""
    #: What its documents do not agree on, if that was sent.
    hint: str = ""

    @property
    def words(self) -> str:
        """To be read behind the status; empty if nothing is known."""
        named = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{named}; request {self.request_id}" if self.request_id else named


def read(answer: bytes, sent: dict[str, Any], *, key: str, delivery_id: str) -> Refusal:
    """What an answer says of the body that was sent with these headers."""
    try:
        found = json.loads(answer[:MOST_OF_AN_ANSWER])
    except (ValueError, RecursionError):
        found = None
    error = _part(found, "error")
    known = _keys(sent)
    named = {_named(path, known) for path in _paths(found, error)}
    told = f"{json.dumps(sent, ensure_ascii=False)} {delivery_id}"
    return Refusal(
        fields=tuple(name for name in known if name in named),
        request_id=_request_id(error.get("requestID"), told, key),
        hint=_hint(sent),
    )


def _keys(sent: dict[str, Any]) -> list[str]:
    """The keys of a body; those of the details are their author's own."""
    scope = [f"scope.{name}" for name in _part(sent, "scope")]
    return [*sent, *scope]


def _part(found: Any, name: str) -> dict[str, Any]:
    part = found.get(name) if isinstance(found, dict) else None
    return part if isinstance(part, dict) else {}


def _paths(found: Any, error: dict[str, Any]) -> Iterator[str]:
    """What may lead to a field: `eventType`, `body.scope.clusters[0]`, `/details/commit`."""
    messages = found.get("message") if isinstance(found, dict) else None
    listed = error.get("fieldErrors")
    fields = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    yield from _texts(each.get("field") for each in fields)
    said = [
        *(messages if isinstance(messages, list) else [messages]),
        error.get("message"),
        *(each.get("message") for each in fields),
    ]
    for text in _texts(said):
        yield from _BETWEEN_PATHS.split(text)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    yield from (value for value in values if isinstance(value, str))


def _named(path: str, known: list[str]) -> str | None:
    """The first of our keys on a path; what is below the details is not looked at."""
    steps = _STEP_OF_A_PATH.findall(path)
    for step, below in zip_longest(steps, steps[1:]):
        for name in (f"{step}.{below}", step, f"scope.{step}"):
            if name in known:
                return name
    return None


def _request_id(said: Any, told: str, key: str) -> str:
    """A name of the server's own: nothing that we have told it, and no part of the key."""
    if not isinstance(said, str) or not _REQUEST_ID.fullmatch(said):
        return ""
    plain = _letters(said)
    if any(_have_in_common(plain, _letters(form)) for form in _forms(key)):
        return ""
    return "" if plain in _letters(told) else said


def _forms(key: str) -> Iterator[str]:
    """A key as a name of letters and digits may hold it: as it is, backwards, and encoded."""
    yield from (key, key[::-1])
    for before in range(5):  # what it is encoded with decides where its own letters begin
        content = f"{key[:before]}{key}".encode()
        yield from (encode(content).decode() for encode in (b16encode, b32encode, b64encode))


def _have_in_common(plain: str, secret: str) -> bool:
    """Whether more than chance is in both of them, or all of the one in the other."""
    size = min(TELLING, len(plain), len(secret))
    return any(plain[at : at + size] in secret for at in range(len(plain) - size + 1))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _hint(sent: dict[str, Any]) -> str:
    if len(str(sent.get("eventType", ""))) <= SHORT_EVENT_TYPE:
        return ""
    return (
        f". Its eventType has more than {SHORT_EVENT_TYPE} characters, which the API's OpenAPI "
        "document does not allow"
    )
