"""Whether the API server would take what a file holds: a preview of what it refuses helps nobody.

It is asked itself, with a dry run, since its policies, its namespaces and its version of the schema
have a say. It is asked as `kubectl apply` asks: a POST for what is not there, else a PUT over what
is. (A server-side apply asks another question: it keeps fields that the file no longer has, refuses
nulls, and finds a type wrong in words for Go programmers.) Where it cannot be asked, what can be
known without it counts.
"""

from __future__ import annotations

import re
from typing import Any

from customevents.kube import Cluster
from customevents.resource.errors import (
    ClusterError,
    Conflict,
    Gone,
    InvalidName,
    InvalidSpec,
    NoSuchKind,
)
from customevents.resource.written import objections, sentence

#: What a refusal by missing rights says, and one by a policy does not.
_NO_RIGHT = re.compile(r'is forbidden: User "')

_NO_DRY_RUN = "does not support dry run"

_UNKNOWN_FIELD = re.compile(r'unknown field "([^"]+)"')

_AROUND = re.compile(r'^Invalid value: (?:"[^"]*": )?(?:\S+ in body )?')

#: What it says before the words of a policy's author.
_DENIED = re.compile(r"^(ValidatingAdmissionPolicy '[^']*') with binding '[^']*' denied request:")

#: What the API server is not asked about: what is no name is never put into a path.
_NAMES = ("metadata", "metadata.name", "metadata.generateName", "metadata.namespace")

#: Statuses that say: this is not taken as it is.
_REFUSED = {400, 403, 404, 409, 413, 422}


async def judge(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> str:
    """What a person should know of how a manifest was judged; empty if there is nothing.

    Raises InvalidSpec, in one line, if the API server would refuse it.
    """
    own = objections(manifest)
    if any(place in own for place in _NAMES):
        raise InvalidSpec(sentence(own))
    try:
        await _ask(cluster, namespace, manifest)
    except (ClusterError, InvalidName) as error:
        if _is_refusal(error):
            raise InvalidSpec(_told(error, own)) from None
        if own:
            raise InvalidSpec(sentence(own)) from None
        return f"checked by this version's own rules alone: {error}"
    return f"the API server takes it; this version does not: {sentence(own)}" if own else ""


async def _ask(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> None:
    stored = await _stored(cluster, namespace, manifest["metadata"].get("name"))
    try:
        await cluster.try_event(namespace, manifest, stored)
    except Conflict:
        if stored is not None:
            raise
        # One of its name is there after all, which this person may not read: that is looked at
        # last, so there is nothing else to say against it.


async def _stored(cluster: Cluster, namespace: str, name: str | None) -> dict[str, Any] | None:
    """What stands there under this name; None also if it may not be read."""
    if not name:
        return None
    try:
        return await cluster.get_event(namespace, name)
    except Gone:
        return None
    except ClusterError as error:
        if error.status != 403:
            raise
        return None


def _is_refusal(error: ClusterError | InvalidName) -> bool:
    """Whether it speaks of what was written; else it could not be asked, or not by this person."""
    if isinstance(error, InvalidName | NoSuchKind | Conflict):
        return True
    if error.status not in _REFUSED or not error.reason:
        return False
    return not _NO_RIGHT.search(str(error)) and _NO_DRY_RUN not in str(error)


def _told(error: ClusterError | InvalidName, own: dict[str, str]) -> str:
    """The refusal by its fields; in our own words where we have some."""
    causes = error.causes if isinstance(error, ClusterError) else ()
    said = {field: _plain(words) for field, words in causes if field not in ("", "<nil>")}
    said |= dict.fromkeys(_UNKNOWN_FIELD.findall(str(error)), "is no field of this cluster's CRD")
    found: dict[str, str] = {}
    for field, words in said.items():
        found |= _about(field, own) or {field: words}
    denied = [_DENIED.sub(r"\1 refuses it:", words) for field, words in causes if not field]
    return sentence(found) or "; ".join(denied) or sentence(own) or str(error)


def _plain(words: str) -> str:
    """A cause without the value, and the field once more, that the API server puts before it."""
    rest = _AROUND.sub("", words)
    return rest if rest.startswith(("must", "should")) else f"is refused: {rest}"


def _about(field: str, own: dict[str, str]) -> dict[str, str]:
    """Our own objections to a field, to what holds it, and to what it holds."""
    return {
        place: words
        for place, words in own.items()
        if f"{field}.".startswith((f"{place}.", f"{place}["))
        or place.startswith((f"{field}.", f"{field}["))
    }
