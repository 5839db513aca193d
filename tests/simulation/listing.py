"""Lists as the simulated API server answers them, and the tokens that lead from page to page."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from simulation.kinds import Target
from simulation.refusals import NotDone, Reply, bad_request, dumped, status
from simulation.selectors import Selects, everything, selects
from simulation.store import Forgotten, ObjectStore, Page

#: The version of a token that goes on with what is there now: not with the list that it came from.
_ANY = -1

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


def selection(at: Target) -> Selects:
    """What the selectors of a request select. Raises NotDone."""
    query = at.query
    return selects(at.kind, query.get("fieldSelector", ""), query.get("labelSelector", ""))


def listed(store: ObjectStore, at: Target, accept: str) -> Reply:
    """A list, or one page of it. Raises NotDone."""
    chosen = selection(at)
    page = _page(store, at, chosen)
    metadata: dict[str, Any] = {"resourceVersion": str(page.version)}
    if page.next:
        metadata["continue"] = _token(page.version, page.next.removeprefix(at.prefix))
        if chosen is everything:
            metadata["remainingItemCount"] = page.left
    if "as=PartialObjectMetadataList" in accept:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        items = [each.partial for each in page.items]
        return _list(head, metadata, b"[%s]" % b",".join(items) if items else b"null")
    head = {"kind": f"{at.kind.name}List", "apiVersion": at.kind.api_version}
    if at.kind.is_ours:
        metadata.setdefault("continue", "")
        return _list(head, metadata, b"[%s]" % b",".join([each.body for each in page.items]))
    return _list(head, metadata, b"[%s]" % b",".join([each.bare for each in page.items]))


def _list(head: dict[str, str], metadata: dict[str, Any], items: bytes) -> Reply:
    before = dumped({**head, "metadata": metadata})
    return Reply(200, b'%s,"items":%s}' % (before[:-1], items))


def _page(store: ObjectStore, at: Target, chosen: Selects) -> Page:
    shelf, limit = store.shelf(at.kind), _limit(at)
    token = at.query.get("continue", "")
    if not token:
        return shelf.page(at.prefix, store.version, limit=limit, selects=chosen)
    if at.query.get("resourceVersion"):
        raise bad_request("specifying resource version is not allowed when using continue")
    version, start = _read(token)
    start = at.prefix + start
    if version == _ANY:
        return shelf.page(at.prefix, store.version, start=start, limit=limit, selects=chosen)
    try:
        return shelf.later_page(at.prefix, version, start=start, limit=limit, selects=chosen)
    except Forgotten:
        raise _expired(start.removeprefix(at.prefix)) from None


def _limit(at: Target) -> int:
    text = at.query.get("limit") or "0"
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _token(version: int, start: str) -> str:
    found = dumped({"v": "meta.k8s.io/v1", "rv": version, "start": f"/{start}"})
    return urlsafe_b64encode(found).decode().rstrip("=")


def _read(token: str) -> tuple[int, str]:
    try:
        found = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(found["rv"]), str(found["start"]).removeprefix("/")
    except (binascii.Error, KeyError, TypeError, ValueError):
        raise bad_request("invalid continue token: continue key is not valid") from None


def _expired(start: str) -> NotDone:
    metadata = {"continue": _token(_ANY, start)}
    return NotDone(Reply(410, dumped(status(410, "Expired", _TOO_OLD, None, metadata))))


def too_old(version: int, oldest: int) -> dict[str, Any]:
    """The Status of a watch that is to begin before what is known."""
    return status(410, "Expired", f"too old resource version: {version} ({oldest})")
