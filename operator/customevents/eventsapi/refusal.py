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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Texts of an answer, and characters of each, that are looked through.
MOST_TEXTS, LONGEST_TEXT = 50, 2000

#: Characters of an eventType that the vendor's OpenAPI document allows; its documentation says 60.
SHORT_EVENT_TYPE = 30

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_WORD = re.compile(r"[A-Za-z]+(?:\.[A-Za-z]+)*")


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


def read(answer: bytes, sent: dict[str, Any], key: str) -> Refusal:
    """What an answer says of the body that was sent with this key."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        found = None
    error = _part(found, "error")
    known = _keys(sent)
    named = {name for text in _texts(found, error) for name in _named(text, known)}
    return Refusal(
        fields=tuple(name for name in known if name in named),
        request_id=_request_id(error.get("requestID"), sent, key),
        hint=_hint(sent),
    )


def _keys(sent: dict[str, Any]) -> list[str]:
    """The keys of a body; those of the details are their author's own."""
    scope = [f"scope.{name}" for name in _part(sent, "scope")]
    return [*sent, *scope]


def _part(found: Any, name: str) -> dict[str, Any]:
    part = found.get(name) if isinstance(found, dict) else None
    return part if isinstance(part, dict) else {}


def _texts(found: Any, error: dict[str, Any]) -> Iterator[str]:
    messages = found.get("message") if isinstance(found, dict) else None
    fields = error.get("fieldErrors")
    listed = fields[:MOST_TEXTS] if isinstance(fields, list) else []
    texts = [
        *(messages[:MOST_TEXTS] if isinstance(messages, list) else [messages]),
        error.get("message"),
        *(each.get("field") for each in listed if isinstance(each, dict)),
        *(each.get("message") for each in listed if isinstance(each, dict)),
    ]
    yield from (text[:LONGEST_TEXT] for text in texts if isinstance(text, str))


def _named(text: str, known: list[str]) -> Iterator[str]:
    """The keys that a text names, alone or within what holds them: `details.commit`."""
    for word in _WORD.findall(text):
        first, _, rest = word.partition(".")
        yield from (name for name in known if name in (word, f"scope.{word}"))
        if rest and word not in known and first in known:
            yield first


def _request_id(said: Any, sent: dict[str, Any], key: str) -> str:
    """A name of the server's own: nothing that we have told it, and no part of the key."""
    if not isinstance(said, str) or not _REQUEST_ID.fullmatch(said):
        return ""
    plain, secret = _letters(said), _letters(key)
    is_of_the_key = any(plain in each or each in plain for each in (secret, secret[::-1]))
    is_an_echo = plain in _letters(json.dumps(sent, ensure_ascii=False))
    return "" if is_of_the_key or is_an_echo else said


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _hint(sent: dict[str, Any]) -> str:
    if len(str(sent.get("eventType", ""))) <= SHORT_EVENT_TYPE:
        return ""
    return (
        f". Its eventType has more than {SHORT_EVENT_TYPE} characters, which the API's OpenAPI "
        "document does not allow"
    )
