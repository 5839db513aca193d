"""One case asked of two API servers, and what of their answers must be the same.

What may differ is written in the same way for both: a uid is numbered as it is first seen, a
resourceVersion is what it is among the others, a time is a time. All else is compared as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from itertools import zip_longest
from typing import Any, Protocol
from urllib.parse import urlencode

Raw = dict[str, Any]

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
METADATA = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

#: What each answer to these says exactly; other messages are long, and the code reads their causes.
_WORDED = {"NotFound", "AlreadyExists", "Forbidden", "Conflict", "Expired", ""}
#: Messages that hold versions, uids or keys of the store.
_NOT_THE_SAME = ("recondition", "too old resource version")

_TIMES = {"creationTimestamp", "deletionTimestamp", "time"}
_GENERATED = re.compile(r"\b(made-)[a-z0-9]{5}\b")


class Server(Protocol):
    """An API server, and what is done to it beside requests."""

    def ask(self, method: str, path: str, body: Any, content_type: str, accept: str) -> Said:
        """One request."""

    def tick(self) -> None:
        """Let its clock come to another second."""

    def forget(self, token_path: str) -> None:
        """Have it forget its history; then this path, with a token, is one of before."""

    def remove_crd(self) -> None:
        """Delete the CRD, and return when it is gone."""

    def restore_crd(self) -> None:
        """Apply it anew, and return when it is served."""


@dataclass(frozen=True)
class Said:
    """What a server answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The object that it is."""
        return json.loads(self.body)

    @property
    def metadata(self) -> Raw:
        """Its metadata."""
        metadata: Raw = self.json["metadata"]
        return metadata

    @property
    def version(self) -> str:
        """Its resourceVersion."""
        return str(self.metadata["resourceVersion"])

    @property
    def more(self) -> str:
        """The token of the next page."""
        return str(self.metadata["continue"])


@dataclass
class Asking:
    """One case that is under way at one server, and all that was answered."""

    server: Server
    #: A namespace of the case's own, which is there.
    namespace: str
    answers: list[tuple[str, Said]] = field(default_factory=list)
    notes: list[object] = field(default_factory=list)

    def get(self, path: str, **query: object) -> Said:
        return self.ask("GET", path, None, query)

    def get_metadata(self, path: str, **query: object) -> Said:
        """A list of metadata alone."""
        return self.ask("GET", path, None, query, accept=METADATA)

    def post(self, path: str, body: Any, **query: object) -> Said:
        return self.ask("POST", path, body, query)

    def put(self, path: str, body: Any, **query: object) -> Said:
        return self.ask("PUT", path, body, query)

    def merge(self, path: str, body: Any, **query: object) -> Said:
        return self.ask("PATCH", path, body, query, content_type=MERGE_PATCH)

    def patch(self, path: str, *operations: Raw, **query: object) -> Said:
        return self.ask("PATCH", path, list(operations), query, content_type=JSON_PATCH)

    def delete(self, path: str, body: Any = None, **query: object) -> Said:
        return self.ask("DELETE", path, body, query)

    def watch(self, path: str, since: str | int, **query: object) -> Said:
        """All that has changed since this version."""
        query = {"watch": "true", "resourceVersion": since, "timeoutSeconds": 1, **query}
        return self.get(path, **query)

    def ask(
        self,
        method: str,
        path: str,
        body: Any,
        query: Raw,
        *,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Said:
        asked = f"{path}?{urlencode(query)}" if query else path
        answer = self.server.ask(method, asked, body, content_type, accept)
        self.answers.append((f"{method} {path}", answer))
        return answer

    def note(self, what: object) -> None:
        """Something that must be the same, and cannot be read from the answers as compared."""
        self.notes.append(what)

    def written(self) -> list[Any]:
        """All that was answered and noted, as it is compared."""
        return [*_Writing([answer for _, answer in self.answers]).all(self.answers), *self.notes]


Case = Callable[[Asking], None]


def difference(model: list[Any], real: list[Any]) -> str:
    """Where the two first say different things, for people to read; empty if they never do."""
    for one, other in zip_longest(model, real):
        if one != other:
            lines = unified_diff(_lines(one), _lines(other), "the model", "Kubernetes", lineterm="")
            return "\n".join(lines)
    return ""


def _lines(found: Any) -> list[str]:
    return json.dumps(found, indent=1, sort_keys=True, default=str).splitlines()


class _Writing:
    """The names under which what may differ is compared."""

    def __init__(self, answers: list[Said]) -> None:
        self._uids: dict[str, str] = {}
        found = set[int]()
        for answer in answers:
            for document in _documents(answer.body):
                _collect_versions(document, found)
        self._versions = sorted(found)

    def all(self, answers: list[tuple[str, Said]]) -> list[Any]:
        return [
            (asked, answer.status, [self._document(each) for each in _documents(answer.body)])
            for asked, answer in answers
        ]

    def _document(self, found: Any) -> Any:
        if isinstance(found, dict) and found.get("kind") == "Status":
            return self._status(found)
        return self._any(found, "")

    def _status(self, found: Raw) -> Any:
        details = dict(self._any(found.get("details", {}), ""))
        causes = [f"{each['reason']} {each['field']}" for each in details.pop("causes", [])]
        message = found.get("message", "")
        is_worded = found.get("reason", "") in _WORDED
        if not is_worded or any(each in message for each in _NOT_THE_SAME):
            message = "..."
        has_token = "continue" in found["metadata"]
        causes = sorted(set(causes))  # the real one says some of them twice
        return found.get("code"), found.get("reason"), message, details, causes, has_token

    def _any(self, found: Any, name: str) -> Any:
        if isinstance(found, dict):
            return self._object(found)
        if isinstance(found, list) and name == "managedFields":
            written = [self._any(each, "") for each in found]
            return sorted(written, key=lambda each: str(sorted(each.items())))
        if isinstance(found, list):
            return [self._any(each, "") for each in found]
        return self._scalar(found, name)

    def _object(self, found: Raw) -> Raw:
        if found.get("kind") == "Status":
            return {"status": self._status(found)}
        is_list = "items" in found
        kept = {
            name: self._any(value, name)
            for name, value in sorted(found.items())
            if name not in ("fieldsV1", "fieldsType")
        }
        if is_list:
            version = int(found["metadata"]["resourceVersion"])
            kept["metadata"]["resourceVersion"] = sum(each <= version for each in self._versions)
        if found.get("apiVersion") == "apps/v1":  # their defaults are not modelled
            kept = {name: kept[name] for name in ("kind", "metadata") if name in kept}
            kept.get("metadata", {}).pop("annotations", None)  # one is made up for an answer
        return kept

    def _scalar(self, found: Any, name: str) -> Any:
        if name == "uid" and isinstance(found, str):
            return self._uids.setdefault(found, f"uid {len(self._uids)}")
        if name == "resourceVersion" and isinstance(found, str):
            return sum(each < int(found) for each in self._versions)
        if name in _TIMES:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found), found
            return "a time"
        if name == "continue":
            return "more" if found else ""
        return _GENERATED.sub(r"\1*", found) if isinstance(found, str) else found


def _collect_versions(found: Any, into: set[int]) -> None:
    """The versions of objects; a list has that of whatever was written last, by anybody."""
    if isinstance(found, list):
        for each in found:
            _collect_versions(each, into)
    if isinstance(found, dict):
        for name, each in found.items():
            if name == "metadata" and "items" not in found and isinstance(each, dict):
                into.update({int(each["resourceVersion"])} if "resourceVersion" in each else ())
            elif name != "regarding":
                _collect_versions(each, into)


def _documents(body: bytes) -> list[Any]:
    """The JSON of an answer, or of each line of a watch; or what else it is."""
    with suppress(ValueError):  # "404 page not found" is none
        return [json.loads(line) for line in body.decode().splitlines()]
    return [body.decode()]
