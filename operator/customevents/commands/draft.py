"""A CustomEvent from the command line: what `send` creates, or only prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from customevents.commands.arguments import event_name
from customevents.commands.manifests import read_source
from customevents.resource import written
from customevents.resource.event import GROUP, KIND, VERSION

#: Characters of an event's type in a generated name.
LONGEST_STEM = 40


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags of `send` say about the event, in their order on the command line."""

    event_type: str | None
    summary: str | None
    severity: str | None
    details: dict[str, str]
    occurred_at: str | None
    services: list[str] | None
    namespaces: list[str] | None
    clusters: list[str] | None
    level: str | None

    @property
    def spec(self) -> dict[str, Any]:
        """The spec that they make; what was not given is left out."""
        scope = _present(
            level=self.level,
            clusters=self.clusters,
            namespaces=self.namespaces,
            serviceNames=self.services,
        )
        return _present(
            eventType=self.event_type,
            summary=self.summary,
            severity=self.severity,
            details=self.details,
            occurredAt=self.occurred_at,
            scope=scope,
        )


def read_body(source: str) -> str:
    """What curl's -d would send: the text itself, or a file's, or standard input's.

    Raises InvalidBody if there is no such file, or it is no text.
    """
    if source in ("-", "@-"):
        return read_source("-")
    return read_source(source[1:]) if source.startswith("@") else source


def manifest(spec: dict[str, Any], name: str | None, namespace: str | None) -> dict[str, Any]:
    """The object as it would stand in a file; without a name, the cluster makes one up.

    Raises InvalidSpec if the schema would refuse it.
    """
    stem = f"{_stem(spec.get('eventType'))}-"
    metadata = {"generateName": stem} if name is None else {"name": event_name(name)}
    if namespace:
        metadata["namespace"] = namespace
    made = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": metadata,
        "spec": spec,
    }
    written.check(made)
    return made


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _stem(event_type: object) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", str(event_type).lower()).strip("-")
    return words[:LONGEST_STEM].rstrip("-") or "event"
