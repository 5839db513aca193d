"""The API's matching rule, written once: OR within a list, AND between lists.

Source: the documentation of `POST /mgmt/v1/events`. A list that is left out narrows nothing, so no
list at all reaches every service of the whole account.
"""

from __future__ import annotations

from dataclasses import dataclass

#: As the CRD bounds it; names may be 253 characters long.
LONGEST_REACH = 1024

#: A sentence stays one line: with more names than this, or longer ones, they are counted.
MOST_NAMES = 5
MOST_CHARACTERS = 300


@dataclass(frozen=True)
class Reach:
    """What one request narrows its event to; an empty tuple does not narrow."""

    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def matches(reach: Reach, *, cluster: str, namespace: str, service: str) -> bool:
    """Whether an event with this reach lands on this service."""
    return (
        (not reach.clusters or cluster in reach.clusters)
        and (not reach.namespaces or namespace in reach.namespaces)
        and (not reach.services or service in reach.services)
    )


def describe(reach: Reach) -> str:
    """The reach as one sentence that a person reads."""
    if reach == Reach():
        return "ALL services of the account"
    parts = [
        _list("service", reach.services) or "ALL services",
        _list("namespace", reach.namespaces) or "ALL namespaces",
        _list("cluster", reach.clusters) or "ALL clusters",
    ]
    return _clipped(", ".join(parts))


def _clipped(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST_REACH else sentence[: LONGEST_REACH - 1] + "…"


def _list(noun: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    if len(names) == 1:
        return f"{noun} {names[0]}"
    shown = " or ".join(names)
    if len(names) > MOST_NAMES or len(shown) > MOST_CHARACTERS:
        shown = f"{len(names)} of them"
    return f"{noun}s {shown}"
