"""What the simulated API server keeps: one version of each object, and what became of it before.

A page of a list is cut from the objects as they were when the first page was read. Older versions
are kept until somebody has them forgotten: of a simulation that goes on for long, now and then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from simulation.kinds import ServedKind
from simulation.owners import Owner
from simulation.refusals import dumped
from simulation.selectors import Selects, everything

Raw = dict[str, Any]


class Forgotten(Exception):
    """What was asked for is older than what is kept."""


class Snapshot:
    """One object at one version, which never changes."""

    def __init__(self, key: str, version: int, found: Raw, owners: tuple[Owner, ...]) -> None:
        self.key = key
        self.version = version
        self.object = found
        self.owners = owners
        #: Whether it is as it was created: the status that it shows is the schema's, and is not
        #: stored. The next write stores it, and so makes a version even where it changes nothing.
        self.is_without_status = False

    @cached_property
    def body(self) -> bytes:
        """The object as an answer has it."""
        return dumped(self.object)

    @cached_property
    def bare(self) -> bytes:
        """The object as a list of a kind that needs no CRD has it."""
        left_out = ("kind", "apiVersion")
        return dumped({name: each for name, each in self.object.items() if name not in left_out})

    @cached_property
    def partial(self) -> bytes:
        """Its metadata, as a list of metadata has them."""
        kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        return dumped({**kind, "metadata": self.object["metadata"]})


@dataclass(frozen=True)
class Change:
    """One change of an object, and the object after it; after a deletion, as it was last."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    after: Snapshot
    before: Snapshot | None

    @property
    def version(self) -> int:
        """The resourceVersion at which it happened."""
        return self.after.version

    @property
    def object(self) -> Raw:
        """Not to be changed."""
        return self.after.object

    @property
    def line(self) -> bytes:
        """As a watch sends it."""
        return b'{"type":"%s","object":%s}\n' % (self.type.encode(), self.after.body)


@dataclass(frozen=True)
class Page:
    """A part of a list."""

    items: Sequence[Snapshot]
    #: The resourceVersion of the whole list.
    version: int
    #: Where the next part begins; empty: there is none.
    next: str = ""
    #: How many objects are left, selected or not.
    left: int = 0


class Shelf:
    """The objects of one kind."""

    def __init__(self) -> None:
        self.found: dict[str, Snapshot] = {}
        self._keys: list[str] = []
        self._lists: dict[tuple[str, int], tuple[list[str], list[Snapshot]]] = {}

    def put(self, snapshot: Snapshot) -> None:
        """Keep this version of an object in place of the one before."""
        if snapshot.key not in self.found:
            insort(self._keys, snapshot.key)
        self.found[snapshot.key] = snapshot

    def remove(self, key: str) -> None:
        """Keep nothing of this object."""
        del self.found[key]
        del self._keys[bisect_left(self._keys, key)]

    def under(self, prefix: str) -> list[Snapshot]:
        """All objects whose keys begin so, in order."""
        return [self.found[key] for key in self._range(prefix)]

    def page(
        self, prefix: str, version: int, *, start: str = "", limit: int = 0, selects: Selects
    ) -> Page:
        """A page of the list as it is now, at this version."""
        keys = self._range(prefix)
        first = bisect_left(keys, start) if start else 0
        page = _cut(keys, lambda number: self.found[keys[number]], first, limit, selects)
        if page.next:
            self._lists[prefix, version] = keys, [self.found[key] for key in keys]
        return Page(page.items, version, page.next, page.left)

    def later_page(
        self, prefix: str, version: int, *, start: str, limit: int = 0, selects: Selects
    ) -> Page:
        """A page of the list as it was at this version. Raises Forgotten."""
        if (prefix, version) not in self._lists:
            raise Forgotten
        keys, found = self._lists[prefix, version]
        page = _cut(keys, found.__getitem__, bisect_left(keys, start), limit, selects)
        return Page(page.items, version, page.next, page.left)

    def forget(self, before: int) -> None:
        """Keep no list that was begun before this version."""
        self._lists = {key: kept for key, kept in self._lists.items() if key[1] >= before}

    def _range(self, prefix: str) -> list[str]:
        if not prefix:
            return list(self._keys)
        first = bisect_left(self._keys, prefix)
        return self._keys[first : bisect_left(self._keys, f"{prefix[:-1]}0", first)]  # 0 follows /


def _cut(
    keys: list[str],
    found: Callable[[int], Snapshot],
    first: int,
    limit: int,
    selects: Selects,
) -> Page:
    items: list[Snapshot] = []
    for number in range(first, len(keys)):
        snapshot = found(number)
        if not selects(snapshot.object):
            continue
        items.append(snapshot)
        if len(items) == limit and number + 1 < len(keys):
            return Page(items, 0, keys[number] + "\0", len(keys) - number - 1)
    return Page(items, 0)


class ObjectStore:
    """All objects, their one count of versions, and the changes of those that are watched."""

    def __init__(self, watched: ServedKind) -> None:
        self.version = 1
        self._watched = watched
        self._shelves: dict[ServedKind, Shelf] = {}
        self._changes: list[Change] = []
        self._floor = 1
        self._subscribers: list[Callable[[int], None]] = []

    def shelf(self, kind: ServedKind) -> Shelf:
        """The objects of a kind."""
        if kind not in self._shelves:
            self._shelves[kind] = Shelf()
        return self._shelves[kind]

    def kinds(self) -> list[ServedKind]:
        """The kinds of which there was anything yet."""
        return list(self._shelves)

    def subscribe(self, callback: Callable[[int], None]) -> None:
        """Have this called with its version after each change that is watched."""
        self._subscribers.append(callback)

    def write(self, kind: ServedKind, key: str, found: Raw, owners: tuple[Owner, ...]) -> Snapshot:
        """Keep an object under the next version, which is written into it."""
        shelf = self.shelf(kind)
        before = shelf.found.get(key)
        after = self._next(key, found, owners)
        shelf.put(after)
        self._changed(kind, Change("MODIFIED" if before else "ADDED", after, before))
        return after

    def delete(self, kind: ServedKind, last: Snapshot) -> None:
        """Keep an object no more; the deletion has a version of its own."""
        shelf = self.shelf(kind)
        before = shelf.found[last.key]
        shelf.remove(last.key)
        self._changed(kind, Change("DELETED", self._next(last.key, last.object, ()), before))

    def changes(self, prefix: str, since: int, selects: Selects = everything) -> list[Change]:
        """What happened after this version. Raises Forgotten.

        What leaves the selection is deleted for who watches it, and what enters it is added.
        """
        if since < self._floor:
            raise Forgotten
        first = bisect_right(self._changes, since, key=lambda change: change.version)
        changes = [c for c in self._changes[first:] if c.after.key.startswith(prefix)]
        if selects is everything:
            return changes
        return list(_seen_through(changes, selects))

    def forget(self, before: int | None = None) -> None:
        """Forget what was before this version; None: before the one that is now."""
        self._floor = max(self._floor, self.version if before is None else before)
        first = bisect_right(self._changes, self._floor, key=lambda change: change.version)
        del self._changes[:first]
        for shelf in self._shelves.values():
            shelf.forget(self._floor)

    def renew(self) -> None:
        """Begin anew to watch: no change of before is known, though lists of before go on."""
        self.version += 1
        self._floor = self.version
        self._changes.clear()

    @property
    def floor(self) -> int:
        """The oldest version from which on changes are known."""
        return self._floor

    def _next(self, key: str, found: Raw, owners: tuple[Owner, ...]) -> Snapshot:
        self.version += 1
        metadata = {**found["metadata"], "resourceVersion": str(self.version)}
        return Snapshot(key, self.version, {**found, "metadata": metadata}, owners)

    def _changed(self, kind: ServedKind, change: Change) -> None:
        if kind is not self._watched:
            return
        self._changes.append(change)
        for callback in self._subscribers:
            callback(change.version)


def _seen_through(changes: Sequence[Change], selects: Selects) -> Iterator[Change]:
    for change in changes:
        was = change.before is not None and selects(change.before.object)
        now = change.type != "DELETED" and selects(change.object)
        if was or now:
            yield _shown(change, was=was, now=now)


def _shown(change: Change, *, was: bool, now: bool) -> Change:
    if not was:
        return Change("ADDED", change.after, None)
    if now or change.type == "DELETED" or change.before is None:
        return change
    # Of what leaves the selection is shown what it was when it was in it.
    old, after = change.before.object, change.after
    metadata = {**old["metadata"], "resourceVersion": str(change.version)}
    left = Snapshot(after.key, after.version, {**old, "metadata": metadata}, ())
    return Change("DELETED", left, change.before)
