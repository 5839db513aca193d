"""The API server of a simulated world: requests in, answers out, and what is stored in between.

Pure and synchronous: a request has its whole effect at once, and nothing here waits, fails by
chance or reads a clock of its own. Delays, faults and lost answers are made around it. Each of its
answers is compared with a real API server's by tests/simulation/test_apiserver_model.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from simulation.admission import Admission
from simulation.kinds import EVENTS, LEASES, NAMESPACES, NOTICES, NoTarget, Target, target
from simulation.listing import listed, selection, too_old
from simulation.refusals import (
    NOT_SERVED,
    NotDone,
    Reply,
    about,
    dumped,
    no_such_resource,
    not_found,
    refused,
)
from simulation.selectors import selects
from simulation.store import Change, Forgotten, ObjectStore, Snapshot
from simulation.writing import Writer

__all__ = ["ApiServer", "Change", "Forgotten", "Reply"]

Raw = dict[str, Any]

JSON = "application/json"


class ApiServer:
    """All of a cluster that a request can reach; without namespaces at first."""

    def __init__(self, now: Callable[[], datetime], crd: Raw) -> None:
        """`now`: the server's clock. `crd`: the CustomResourceDefinition, parsed."""
        self._now = now
        self._store = ObjectStore(watched=EVENTS)
        self._writer = Writer(self._store, Admission(crd), now)
        self._has_crd = True

    @property
    def version(self) -> int:
        """The resourceVersion of the last change."""
        return self._store.version

    @property
    def has_crd(self) -> bool:
        """Whether CustomEvents are served; their watches end where they are not."""
        return self._has_crd

    def handle(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Reply:
        """Answer one request, and do what it asks for."""
        at = target(path)
        if isinstance(at, NoTarget):
            return no_such_resource().reply if at.is_known_group else NOT_SERVED
        if at.kind is EVENTS and not self._has_crd:
            return NOT_SERVED
        try:
            return self._answer(method, at, body, content_type, accept)
        except NotDone as answer:
            return answer.reply

    # The watch. Who watches asks for what has happened, and is told when there is more.

    def changes(self, namespace: str, since: int, field_selector: str = "") -> list[Change]:
        """All changes of the CustomEvents of a namespace ("": of all) after this version.

        Raises Forgotten if that is older than what is kept: the watch is answered 410.
        """
        chosen = selects(EVENTS, field_selector, "")
        return self._store.changes(f"{namespace}/" if namespace else "", since, chosen)

    def subscribe(self, callback: Callable[[int], None]) -> None:
        """Have this called with its resourceVersion after each change of a CustomEvent."""
        self._store.subscribe(callback)

    def compact(self, revision: int | None = None) -> None:
        """Forget what was before this version, or all: older watches and tokens get 410."""
        self._store.forget(revision)

    # What happens to a cluster beside the requests of those who are simulated.

    def remove_crd(self) -> None:
        """Delete the CRD, and with it all CustomEvents; none of their paths is served."""
        for snapshot in self._store.shelf(EVENTS).under(""):
            self._store.delete(EVENTS, snapshot)
        self._has_crd = False

    def restore_crd(self) -> None:
        """Apply the CRD anew: there is no CustomEvent, and no watch goes on from before."""
        self._store.renew()
        self._has_crd = True

    def apply_crd(self, crd: Raw) -> None:
        """Apply another version of the CRD: what is written from now on is read by its schema."""
        self._writer.admission = Admission(crd)

    def create_namespace(self, name: str) -> None:
        """Make a namespace."""
        self.add("/api/v1/namespaces", {"metadata": {"name": name}})

    def terminate_namespace(self, name: str) -> None:
        """Delete a namespace; it stays, and so does what is in it, until it is removed."""
        found = self._store.shelf(NAMESPACES).found[name]
        since = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata = {**found.object["metadata"], "deletionTimestamp": since}
        gone = {**found.object, "metadata": metadata, "status": {"phase": "Terminating"}}
        self._store.write(NAMESPACES, name, gone, found.owners)

    def remove_namespace(self, name: str) -> None:
        """Delete all that is in a namespace, and then itself."""
        for kind in self._store.kinds():
            for snapshot in self._store.shelf(kind).under(f"{name}/") if kind.namespaced else ():
                self._store.delete(kind, snapshot)
        self._store.delete(NAMESPACES, self._store.shelf(NAMESPACES).found[name])

    def add(self, path: str, manifest: Raw) -> Raw:
        """Create what must be there, such as a workload; it is returned as it is stored."""
        at = target(path)
        assert isinstance(at, Target), path
        return self._create(at, manifest).object

    # For those who judge what came of it. They only read.

    def stored(self) -> Iterator[Raw]:
        """Every CustomEvent as it is now."""
        return (snapshot.object for snapshot in self._store.shelf(EVENTS).under(""))

    def lease(self) -> Raw | None:
        """The Lease, if there is one."""
        return next((found.object for found in self._store.shelf(LEASES).under("")), None)

    def notices(self) -> list[Raw]:
        """Every Kubernetes Event that was written."""
        return [snapshot.object for snapshot in self._store.shelf(NOTICES).under("")]

    def _answer(self, method: str, at: Target, body: Any, content_type: str, accept: str) -> Reply:
        match method, bool(at.name):
            case "GET", True:
                return Reply(200, self._found(at).body)
            case "GET", False:
                is_watch = at.query.get("watch") in ("true", "1")
                return self._watched(at) if is_watch else listed(self._store, at, accept)
            case "POST", False:
                return Reply(201, self._create(at, body).body)
            case "PUT", True:
                snapshot, is_new = self._writer.replace(at, body)
                return Reply(201 if is_new else 200, snapshot.body)
            case "PATCH", True:
                return Reply(200, self._writer.patch(at, body, content_type).body)
            case "DELETE", True:
                return self._delete(at, body)
            case "DELETE", False:
                return self._delete_all(at, accept)
        words = "the server does not allow this method on the requested resource"
        raise refused(405, "MethodNotAllowed", words, {})

    def _found(self, at: Target) -> Snapshot:
        found = self._store.shelf(at.kind).found.get(at.key)
        if found is None or at.subresource not in ("", "status"):
            raise not_found(at.kind, at.name)
        return found

    def _create(self, at: Target, body: Raw) -> Snapshot:
        if at.kind is NAMESPACES:
            name = body["metadata"]["name"]
            labels = {**body["metadata"].get("labels", {}), "kubernetes.io/metadata.name": name}
            body = {**body, "metadata": {**body["metadata"], "labels": labels}}
            body |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        return self._writer.create(at, body)

    def _delete(self, at: Target, options: Raw | None) -> Reply:
        found = self._found(at)
        if at.kind is NAMESPACES:
            self.terminate_namespace(at.name)
            return Reply(200, self._found(at).body)
        if left := self._writer.delete(at, options):
            return Reply(200, left.body)
        details = {**about(at.kind, at.name), "uid": found.object["metadata"]["uid"]}
        said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return Reply(200, dumped({**said, "details": details}))

    def _delete_all(self, at: Target, accept: str) -> Reply:
        answer, chosen = listed(self._store, at, accept), selection(at)
        for snapshot in self._store.shelf(at.kind).under(at.prefix):
            if chosen(snapshot.object):
                self._writer.remove(at, snapshot)
        return answer

    def _watched(self, at: Target) -> Reply:
        """A watch that ends at once: all that it would have shown until now."""
        assert at.kind is EVENTS, "the simulation watches nothing else"
        since = int(at.query.get("resourceVersion") or "0")
        if not since:
            now = self._store.shelf(EVENTS).under(at.prefix)
            chosen = selection(at)
            lines = [Change("ADDED", each, None).line for each in now if chosen(each.object)]
            return Reply(200, b"".join(lines))
        try:
            changes = self._store.changes(at.prefix, since, selection(at))
        except Forgotten:
            said = {"type": "ERROR", "object": too_old(since, self._store.floor)}
            return Reply(200, dumped(said) + b"\n")
        return Reply(200, b"".join(change.line for change in changes))
