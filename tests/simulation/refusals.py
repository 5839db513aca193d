"""What the simulated API server answers where it does not do what it was asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulation.kinds import ServedKind
from simulation.schema import Flaw, complete


@dataclass(frozen=True)
class Reply:
    """An answer; what is around it adds the Date."""

    status: int
    body: bytes
    retry_after: str = ""


class NotDone(Exception):
    """A request is answered like this, and has no effect."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.body)
        self.reply = reply


#: What is said, as plain text, of a path that nobody serves.
NOT_SERVED = Reply(404, b"404 page not found\n")

Raw = dict[str, Any]

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def dumped(found: Any) -> bytes:
    """JSON, without blanks as the server writes it."""
    return _encode(found).encode()


def status(
    code: int, reason: str, message: str, details: Raw | None = None, metadata: Raw | None = None
) -> Raw:
    """A Status that says why not."""
    found: Raw = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}}
    found |= {"status": "Failure", "message": message}
    if reason:
        found["reason"] = reason
    if details is not None:
        found["details"] = details
    return {**found, "code": code}


def refused(code: int, reason: str, message: str, details: Raw | None = None) -> NotDone:
    """The same, to be raised."""
    return NotDone(Reply(code, dumped(status(code, reason, message, details))))


def about(kind: ServedKind, name: str, *, by: str = "") -> Raw:
    """What a Status says of the object it speaks of; `by`: by another name of its kind."""
    found = {"name": name, "group": kind.group, "kind": by or kind.plural}
    return {field: text for field, text in found.items() if text}


def not_found(kind: ServedKind, name: str) -> NotDone:
    """There is none of this name."""
    return refused(404, "NotFound", f'{kind.resource} "{name}" not found', about(kind, name))


def no_such_resource() -> NotDone:
    """The group is served, and has no such kind."""
    words = "the server could not find the requested resource"
    return refused(404, "NotFound", words, {})


def already_exists(kind: ServedKind, name: str, *, is_deleted: bool) -> NotDone:
    """There is one of this name, if only until its finalizers are gone."""
    words = f'{kind.resource} "{name}" already exists'
    if is_deleted:
        words = f"object is being deleted: {words}"
    return refused(409, "AlreadyExists", words, about(kind, name))


def modified(kind: ServedKind, name: str) -> NotDone:
    """It is not what it was when it was read."""
    words = (
        f'Operation cannot be fulfilled on {kind.resource} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return refused(409, "Conflict", words, about(kind, name))


def another(kind: ServedKind, key: str, name: str, wanted: str, found: str) -> NotDone:
    """It is another object of this name, or there is none any more."""
    words = (
        f'Operation cannot be fulfilled on {kind.resource} "{name}": StorageError: invalid object, '
        f"Code: 4, Key: /registry/{kind.plural}/{key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    )
    return refused(409, "Conflict", words, about(kind, name))


def not_as_wanted(kind: ServedKind, name: str, what: str, wanted: str, found: str) -> NotDone:
    """A deletion was meant for another object, or another version of it."""
    named = f"{kind.name}.{kind.group}" if kind.group else kind.name
    words = (
        f'Operation cannot be fulfilled on {named} "{name}": the {what} in the precondition '
        f"({wanted}) does not match the {what} in record ({found})."
    )
    return refused(409, "Conflict", words, about(kind, name, by=kind.name))


def terminating(kind: ServedKind, namespace: str, name: str) -> NotDone:
    """Nothing is made in a namespace that is about to go."""
    words = (
        f'{kind.resource} "{name}" is forbidden: unable to create new content in namespace '
        f"{namespace} because it is being terminated"
    )
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    return refused(403, "Forbidden", words, {**about(kind, name), "causes": [cause]})


def invalid(kind: ServedKind, name: str, faults: Sequence[Flaw], *, by: str = "") -> NotDone:
    """The object is none that may be stored; `by`: how the answer calls its kind."""
    called = by or kind.name
    group = "" if kind.plural == "events" else kind.group  # of events, the old API's words
    found = complete(list(faults)) if kind.is_ours else faults
    told = [f"{fault.field}: {fault.message}" for fault in found]
    words = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    title = f"{called}.{group}" if group else called
    causes = [{"reason": f.reason, "message": f.message, "field": f.field} for f in found]
    details = {"name": name, "group": group, "kind": called}
    said: Raw = {field: text for field, text in details.items() if text}
    return refused(
        422, "Invalid", f'{title} "{name}" is invalid: {words}', {**said, "causes": causes}
    )


def bad_request(message: str) -> NotDone:
    """What was sent cannot be read."""
    return refused(400, "BadRequest", message)


def cannot_be_handled(kind: ServedKind, why: str) -> NotDone:
    """What was sent is no object of this kind."""
    words = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {why}'
    return bad_request(words)


def does_not_apply() -> NotDone:
    """A JSON Patch has a `test` that failed, or names what is not there: it is not told which."""
    words = "the server rejected our request due to an error in our request"
    return refused(422, "Invalid", words, {})
