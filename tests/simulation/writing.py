"""The writes of the simulated API server: what each makes of what is stored, and what it refuses.

In the real server's order, since who is told of a conflict acts otherwise than who is told that the
object is invalid.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simulation import refusals
from simulation.admission import Admission, check_kind, check_name, metadata
from simulation.kinds import NAMESPACES, Target
from simulation.owners import OWNED, Owner, Parts, listed, main_parts, status_parts, written_by
from simulation.patches import DoesNotApply, merged, patched
from simulation.schema import Flaw, Flaws
from simulation.store import ObjectStore, Snapshot

Raw = dict[str, Any]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

#: A generated name is as long as a host's may be.
_LONGEST_GENERATED = 63
_SUFFIX, _LETTERS = 5, "bcdfghjklmnpqrstvwxz2456789"

_DEFAULT_MANAGER = "unknown"


class Writer:
    """Writes on a store."""

    def __init__(
        self, store: ObjectStore, admission: Admission, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self.admission = admission
        self._now = now
        self._made = 0
        self._second, self._written_second = -1, ""

    def create(self, at: Target, sent: Raw) -> Snapshot:
        """POST. Raises NotDone."""
        self._check_described(at, sent, "")
        meta = sent.get("metadata") or {}
        faults = Flaws()
        content = self.admission.content(at.kind, sent, faults)
        owned = metadata(at.kind, meta, faults)
        _check_strictly(at, faults)
        if meta.get("resourceVersion"):
            words = "resourceVersion should not be set on objects to be created"
            raise refusals.refused(500, "", words)
        self._made += 1
        name = meta.get("name") or self._generated(owned.get("generateName", ""))
        self._check_namespace(at, meta.get("name") or owned.get("generateName", ""))
        check_name(name, faults)
        if at.kind.is_ours:
            content["status"] = self.admission.status(None, faults)
        if faults.wrong:
            raise refusals.invalid(at.kind, name, faults.wrong)
        key = f"{at.namespace}/{name}" if at.kind.namespaced else name
        if there := self._store.shelf(at.kind).found.get(key):
            is_deleted = "deletionTimestamp" in there.object["metadata"]
            raise refusals.already_exists(at.kind, name, is_deleted=is_deleted)
        found = {**content, "metadata": {**owned, **self._given(at, name)}}
        owners = self._owners(at, (), {}, main_parts(found))
        return self._kept(at, key, _with_owners(found, owners), owners, is_new=True)

    def replace(self, at: Target, sent: Raw) -> tuple[Snapshot, bool]:
        """PUT; and whether that made it. Raises NotDone."""
        self._check_described(at, sent, at.name)
        meta = sent.get("metadata") or {}
        current = self._store.shelf(at.kind).found.get(at.key)
        uid = meta.get("uid")
        if current is None:
            if not at.kind.is_made_by_put:
                raise refusals.not_found(at.kind, at.name)
            if uid:
                raise refusals.another(at.kind, at.key, at.name, uid, "")
            bare = {name: each for name, each in meta.items() if name != "resourceVersion"}
            return self.create(at, {**sent, "metadata": bare}), True
        if not meta.get("resourceVersion") and not at.kind.is_put_blindly:
            words = "Invalid value: 0: must be specified for an update"
            fault = Flaw("FieldValueInvalid", "metadata.resourceVersion", words)
            raise refusals.invalid(at.kind, at.name, [fault], by=at.kind.plural)
        if uid and uid != current.object["metadata"]["uid"]:
            stored = current.object["metadata"]["uid"]
            raise refusals.another(at.kind, at.key, at.name, uid, stored)
        return self._update(at, current, sent), False

    def patch(self, at: Target, sent: Any, content_type: str) -> Snapshot:
        """PATCH. Raises NotDone."""
        if content_type not in (JSON_PATCH, MERGE_PATCH):
            words = "the body of the request was in an unknown format"
            raise refusals.refused(415, "UnsupportedMediaType", words)
        current = self._stored(at)
        is_json = content_type == JSON_PATCH
        if not isinstance(sent, list if is_json else dict):
            raise refusals.bad_request("error decoding patch: json: cannot unmarshal")
        try:
            found = current.object
            result = patched(found, list(sent)) if is_json else merged(found, sent)
        except DoesNotApply:
            raise refusals.does_not_apply() from None
        _check_texts(result)
        self._check_described(at, result, at.name)
        return self._update(at, current, result)

    def delete(self, at: Target, options: Raw | None) -> Snapshot | None:
        """DELETE; what is left of the object until its finalizers are gone. Raises NotDone."""
        current = self._stored(at)
        self._check_preconditions(at, current, (options or {}).get("preconditions") or {})
        return self.remove(at, current)

    def remove(self, at: Target, current: Snapshot) -> Snapshot | None:
        """Delete an object, or mark it as deleted where somebody's finalizer holds it."""
        meta = current.object["metadata"]
        if not meta.get("finalizers"):
            if not _is_dry(at):
                self._store.delete(at.kind, current)
            return None
        if "deletionTimestamp" in meta:
            return current
        marks: Raw = {"deletionTimestamp": self._time(), "deletionGracePeriodSeconds": 0}
        if at.kind.has_generation:
            marks["generation"] = meta["generation"] + 1
        found = {**current.object, "metadata": {**meta, **marks}}
        return self._kept(at, current.key, found, current.owners)

    def _update(self, at: Target, current: Snapshot, sent: Raw) -> Snapshot:
        meta = sent["metadata"]
        if meta.get("resourceVersion", "") not in ("", str(current.version)):
            raise refusals.modified(at.kind, at.name)
        faults = Flaws()
        if at.subresource == "status":
            found = self._with_status(current, sent, faults)
        else:
            found = self._with_main(at, current, sent, faults)
        _check_strictly(at, faults)
        if faults.wrong:
            raise refusals.invalid(at.kind, at.name, faults.wrong)
        if found == current.object and not current.is_without_status:
            return current
        return self._changed(at, current, found)

    def _with_status(self, current: Snapshot, sent: Raw, faults: Flaws) -> Raw:
        return {**current.object, "status": self.admission.status(sent.get("status"), faults)}

    def _with_main(self, at: Target, current: Snapshot, sent: Raw, faults: Flaws) -> Raw:
        old = current.object
        content = self.admission.content(at.kind, sent, faults)
        if at.kind.is_ours:
            if sent.get("status") not in (None, old["status"]):  # it is read, and not taken
                self.admission.status(sent["status"], unknown := Flaws())
                faults.unknown += unknown.unknown
            content["status"] = old["status"]
        meta = {name: each for name, each in old["metadata"].items() if name not in OWNED}
        meta |= metadata(at.kind, sent["metadata"], faults)
        if at.kind.has_generation and any(
            content.get(name) != old.get(name)
            for name in content.keys() | old.keys()
            if name not in ("metadata", "status")
        ):
            meta["generation"] += 1
        _check_held(old["metadata"], sent["metadata"], meta, faults)
        return {**content, "metadata": meta}

    def _changed(self, at: Target, current: Snapshot, found: Raw) -> Snapshot:
        if at.subresource == "status":
            before, after = status_parts(current.object), status_parts(found)
        else:
            before, after = main_parts(current.object), main_parts(found)
        owners = self._owners(at, current.owners, before, after)
        found = _with_owners(found, owners)
        meta = found["metadata"]
        if "deletionTimestamp" in meta and not meta.get("finalizers"):
            if not _is_dry(at):
                self._store.delete(at.kind, current)  # a watch is shown what was before the end
            return Snapshot(current.key, current.version, found, owners)
        return self._kept(at, current.key, found, owners)

    def _kept(
        self,
        at: Target,
        key: str,
        found: Raw,
        owners: tuple[Owner, ...],
        *,
        is_new: bool = False,
    ) -> Snapshot:
        if _is_dry(at):
            return Snapshot(key, self._store.version, found, owners)
        kept = self._store.write(at.kind, key, found, owners)
        kept.is_without_status = is_new and at.kind.is_ours
        return kept

    def _owners(
        self, at: Target, owners: tuple[Owner, ...], before: Parts, now: Parts
    ) -> tuple[Owner, ...]:
        manager = at.query.get("fieldManager") or _DEFAULT_MANAGER
        writer = Owner(manager, at.subresource, self._time())
        return written_by(owners, writer, before, now)

    def _stored(self, at: Target) -> Snapshot:
        current = self._store.shelf(at.kind).found.get(at.key)
        if current is None:
            raise refusals.not_found(at.kind, at.name)
        return current

    def _given(self, at: Target, name: str) -> Raw:
        """The metadata that are the server's."""
        return {
            "name": name,
            **({"namespace": at.namespace} if at.kind.namespaced else {}),
            "uid": f"{self._made:08x}-0000-4000-8000-{self._made:012x}",
            "creationTimestamp": self._time(),
            **({"generation": 1} if at.kind.has_generation else {}),
        }

    def _generated(self, base: str) -> str:
        if not base:
            return ""
        number, suffix = self._made, ""
        for _ in range(_SUFFIX):
            number, digit = divmod(number, len(_LETTERS))
            suffix = _LETTERS[digit] + suffix
        return base[: _LONGEST_GENERATED - _SUFFIX] + suffix

    def _time(self) -> str:
        second = int(self._now().timestamp())
        if second != self._second:
            self._second = second
            written = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._written_second = written
        return self._written_second

    def _check_namespace(self, at: Target, name: str) -> None:
        """Whether something may be made there."""
        if not at.kind.namespaced:
            return
        found = self._store.shelf(NAMESPACES).found.get(at.namespace)
        if found is None:
            raise refusals.not_found(NAMESPACES, at.namespace)
        if "deletionTimestamp" in found.object["metadata"]:
            raise refusals.terminating(at.kind, at.namespace, name)

    @staticmethod
    def _check_described(at: Target, sent: Any, name: str) -> None:
        """Whether what is sent says of itself what its path says."""
        if not isinstance(sent, dict) or not isinstance(sent.get("metadata", {}), dict):
            raise refusals.bad_request("the object provided is unrecognized")
        meta = sent.get("metadata") or {}
        if name and meta.get("name") != name:
            raise refusals.bad_request(
                f"the name of the object ({meta.get('name', '')}) does not match the name on the "
                f"URL ({name})"
            )
        if meta.get("namespace", at.namespace) != at.namespace:
            raise refusals.bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        check_kind(at.kind, sent)

    @staticmethod
    def _check_preconditions(at: Target, current: Snapshot, wanted: Raw) -> None:
        found = current.object["metadata"]
        for name, what in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if wanted.get(name, found[name]) != found[name]:
                raise refusals.not_as_wanted(at.kind, at.name, what, wanted[name], found[name])


def _is_dry(at: Target) -> bool:
    return at.query.get("dryRun") == "All"


def _with_owners(found: Raw, owners: tuple[Owner, ...]) -> Raw:
    meta = {name: each for name, each in found["metadata"].items() if name != "managedFields"}
    if owners:
        meta["managedFields"] = listed(owners, found["apiVersion"])
    return {**found, "metadata": meta}


def _check_strictly(at: Target, faults: Flaws) -> None:
    if faults.unknown and at.query.get("fieldValidation") == "Strict":
        fields = ", ".join(f'unknown field "{name}"' for name in faults.unknown)
        raise refusals.cannot_be_handled(at.kind, f"strict decoding error: {fields}")


def _check_texts(found: Raw) -> None:
    """What a patch makes of labels and annotations is refused in other words than what is sent."""
    meta = found.get("metadata") if isinstance(found, dict) else None
    for name in ("labels", "annotations"):
        texts = meta.get(name) if isinstance(meta, dict) else None
        if texts and not all(isinstance(text, str) for text in dict(texts).values()):
            words = "Invalid value: cannot unmarshal into Go value of type string"
            fault = {"reason": "FieldValueInvalid", "message": words, "field": "patch"}
            raise refusals.refused(
                422, "Invalid", f' "" is invalid: patch: {words}', {"causes": [fault]}
            )


def _check_held(old: Raw, sent: Raw, new: Raw, faults: Flaws) -> None:
    """What of the metadata cannot be changed."""
    if sent.get("uid", old["uid"]) != old["uid"]:
        words = f'Invalid value: "{sent["uid"]}": field is immutable'
        faults.wrong.append(Flaw("FieldValueInvalid", "metadata.uid", words))
    more = set(new.get("finalizers", ())) - set(old.get("finalizers", ()))
    if more and "deletionTimestamp" in old:
        words = f"Forbidden: no new finalizers can be added if the object is being deleted: {more}"
        faults.wrong.append(Flaw("FieldValueForbidden", "metadata.finalizers", words))
