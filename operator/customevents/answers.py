"""What the Kubernetes API answered: an object, or why not; and what did not come from it at all.

A load balancer, a portal or a proxy on the way answers in its own words, with any status and any
body. Only what has the form of the API server's own answers is believed: taken for "the object is
gone", a stray page with 404 would have an event sent twice. Pure; nothing that arrives raises
anything but ClusterError here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from customevents.resource.errors import (
    ClusterError,
    Conflict,
    Gone,
    NoSuchKind,
    NotTheApi,
    StatusRefused,
)

#: Seconds. The API server asks for a few; from something in between, an hour would be as deaf.
LONGEST_RETRY_AFTER = 30.0

#: Objects of a list that are asked for at once: each may hold 256 KiB of annotations, and takes
#: five times that as it is read.
PAGE = 50

#: HTTP's own status for what is too large.
TOO_LARGE = 413

#: Characters of an answer that a message repeats.
LONGEST_WORDS = 300

#: And of each cause: a policy's words say what to do at their end.
LONGEST_CAUSE = 1000

#: What the API server says, as plain text, of a path that it does not serve.
_NOT_SERVED = "404 page not found"

#: What it says, with 500, of an object that is larger than its store takes.
_TOO_LARGE = ("request is too large", "trying to send message larger than max")

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")

_IN_BETWEEN = "in words that are not its own (is something in between?)"


@dataclass(frozen=True)
class Asked:
    """What a path is about; all empty: no object. Without a name: the whole collection."""

    group: str = ""
    plural: str = ""
    name: str = ""


@dataclass(frozen=True)
class Response:
    """A response, read to its end."""

    status: int
    body: bytes
    #: The headers of these names; empty where there is none.
    retry_after: str = ""
    date: str = ""


@dataclass(frozen=True)
class _Status:
    """A refusal in the API server's own form (kind Status)."""

    message: str
    reason: str
    details: dict[str, Any]

    def names(self, asked: Asked) -> bool:
        """Whether it speaks of the very object that was asked for."""
        if not asked.name or self.details.get("name") != asked.name:
            return False
        kind, group = self.details.get("kind"), self.details.get("group")
        return kind in (None, "", asked.plural) and group in (None, "", asked.group)


def asked(path: str) -> Asked:
    """Read a path as the API server has them: `/apis/GROUP/VERSION/namespaces/NAME/PLURAL/NAME`."""
    match path.partition("?")[0].strip("/").split("/"):
        case ["api", _, *rest]:
            group = ""
        case ["apis", group, _, *rest]:
            pass
        case _:
            return Asked()
    if len(rest) > 2 and rest[0] == "namespaces":
        rest = rest[2:]
    plural, name, *_ = *rest, "", ""
    return Asked(group, plural, name)


def read(asked: Asked, answer: Response, *, of_one: bool, kind: str = "") -> dict[str, Any]:
    """The object or the list that was asked for, of this kind if one is named.

    `of_one`: the answer is the named object, and nothing else. Raises ClusterError.
    """
    found = parse(answer.body)
    wrong = _what_is_wrong(asked, found, of_one=of_one, kind=kind)
    if found is None or wrong:
        words = f"{wrong}, {_IN_BETWEEN}: {_text(answer.body)}"
        raise NotTheApi(f"the Kubernetes API answered {answer.status} with {words}")
    if found.get("items", ...) is None:
        found["items"] = []  # as the API server writes an empty list of metadata
    return found


def refused(asked: Asked, answer: Response, *, of_patch: bool) -> ClusterError:
    """What a status that is no success says; `of_patch`: in answer to a JSON Patch."""
    said, status = _read_status(answer.body), answer.status
    if said is None:
        if status == 404 and answer.body.strip() == _NOT_SERVED.encode():
            return _no_such_kind(asked, _NOT_SERVED)
        words = f"the Kubernetes API answered {status} {_IN_BETWEEN}: {_text(answer.body)}"
        return ClusterError(words, status, retry_after=_seconds(answer.retry_after))
    words = f"the Kubernetes API answered {status}: {said.message}"
    if status == 404 and said.reason == "NotFound":
        if said.names(asked):
            return Gone(words, status)
        if not said.details:
            return _no_such_kind(asked, said.message)
    if status == 409:
        return Conflict(words, status, reason=said.reason)
    if status == 422 and of_patch:
        # A failed `test` names no field; an object that breaks the schema does.
        return (StatusRefused if said.details.get("causes") else Conflict)(words, status)
    if status == 500 and any(part in said.message for part in _TOO_LARGE):
        # It never will take this, and may take a smaller one.
        return (StatusRefused if of_patch else ClusterError)(words, TOO_LARGE)
    wanted = answer.retry_after or said.details.get("retryAfterSeconds")
    return ClusterError(
        words,
        status,
        retry_after=_seconds(wanted),
        reason=said.reason,
        causes=tuple(_causes(said.details)),
    )


def _causes(details: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each field that a refusal speaks of, and what it says of it."""
    listed = details.get("causes")
    for cause in listed if isinstance(listed, list) else ():
        if isinstance(cause, dict):
            words = one_line(cause.get("message"), longest=LONGEST_CAUSE)
            yield one_line(cause.get("field")), words


def _no_such_kind(asked: Asked, said: str) -> NoSuchKind:
    kind = f"{asked.plural}.{asked.group}".strip(".") or "such kind"
    hint = "is its CustomResourceDefinition there, in a version that fits?"
    return NoSuchKind(f"the Kubernetes API serves no {kind} ({said}); {hint}", 404)


def metadata(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The `metadata` of each object of a list that was read."""
    for item in found["items"]:
        yield item["metadata"]


def more(found: dict[str, Any]) -> str:
    """The token of a list's next page; empty if this was the last."""
    token = found["metadata"].get("continue")
    return token if isinstance(token, str) else ""


def _what_is_wrong(asked: Asked, found: dict[str, Any] | None, *, of_one: bool, kind: str) -> str:
    """Why this cannot be the answer; empty if it can."""
    if found is None:
        return "no object"
    if not asked.plural:
        return ""  # such as /version
    stated, metadata = found.get("kind"), found.get("metadata", {})
    if not isinstance(stated, str) or (kind and stated != kind):
        return f"no {kind or 'object'}"
    if not isinstance(metadata, dict):
        return "an object without metadata"
    if kind and not isinstance(found.get("spec", {}), dict):
        return "an object of another form"
    if kind and not all(isinstance(metadata.get(f), str) for f in ("uid", "resourceVersion")):
        return "an object that was never stored"
    if of_one and asked.name and metadata.get("name") != asked.name:
        return "another object"
    if of_one and not asked.name and not is_list(found):
        return "no list"
    return ""


def is_list(found: dict[str, Any]) -> bool:
    """Whether it has the form of a list of objects."""
    items = found.get("items", ...)
    return items is None or (
        isinstance(items, list)
        and isinstance(found.get("metadata"), dict)
        and all(isinstance(i, dict) and isinstance(i.get("metadata"), dict) for i in items)
    )


def _read_status(body: bytes) -> _Status | None:
    found = parse(body)
    if found is None or found.get("kind") != "Status":
        return None
    details = found.get("details")
    return _Status(
        message=one_line(found.get("message")),
        reason=one_line(found.get("reason")),
        details=details if isinstance(details, dict) else {},
    )


def parse(body: bytes) -> dict[str, Any] | None:
    """The JSON object that this is; None: it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(body: bytes) -> str:
    return one_line(body[: 4 * LONGEST_WORDS].decode(errors="replace")) or "(nothing)"


def one_line(text: object, *, longest: int = LONGEST_WORDS) -> str:
    """What somebody else wrote, short enough and plain enough for a line of a log."""
    if not isinstance(text, str):
        return ""
    start = text[: 4 * longest]
    plain = "".join(letter if letter.isprintable() else " " for letter in start)
    return " ".join(plain.split())[:longest]


def _seconds(wanted: object) -> float:
    """Retry-After in seconds; a date, and what is none, counts as none."""
    if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
        return 0.0
    text = str(wanted).strip()
    if len(text) > LONGEST_WORDS or not _SECONDS.fullmatch(text):
        return 0.0
    return min(float(text), LONGEST_RETRY_AFTER)
