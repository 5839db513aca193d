"""How what somebody sent becomes an object that is stored, or is refused.

Everything here builds anew: nothing of what was sent is kept. Of the kinds that are no CustomEvents
only as much is checked as the operator can do wrong.
"""

from __future__ import annotations

import re
from typing import Any

from simulation.kinds import LEASES, NOTICES, ServedKind
from simulation.owners import OWNED
from simulation.refusals import bad_request, cannot_be_handled, invalid
from simulation.schema import Flaw, Flaws, Schema

Raw = dict[str, Any]

#: Bytes of all annotations of one object.
_MOST_ANNOTATIONS = 256 * 1024

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_LONGEST_NAME = 253
_LONGEST_LABEL = 63

#: What the metadata of an object may hold; of another object's the rest is dropped.
_METADATA = {
    *OWNED,
    *("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation"),
    *("managedFields", "name", "namespace", "resourceVersion", "selfLink", "uid"),
}

#: What an object of ours may hold.
_PARTS = {"apiVersion", "kind", "metadata", "spec", "status"}

_LEASE: dict[str, type] = {
    "acquireTime": str,
    "holderIdentity": str,
    "leaseDurationSeconds": int,
    "leaseTransitions": int,
    "preferredHolder": str,
    "renewTime": str,
    "strategy": str,
}

#: What a notice has of the API before.
_OLD_NOTICE: Raw = {
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
    "deprecatedSource": {},
}

_LONGEST_NOTE = 1024
_LONGEST_WORD = 128


class Admission:
    """What is let in."""

    def __init__(self, crd: Raw) -> None:
        """`crd`: the CustomResourceDefinition, parsed."""
        (version,) = crd["spec"]["versions"]
        self._schema = Schema(version["schema"]["openAPIV3Schema"])
        self._spec, self._status = self._schema.of("spec"), self._schema.of("status")

    def content(self, kind: ServedKind, sent: Raw, faults: Flaws) -> Raw:
        """All but the metadata, and the status of kinds that have one. Raises NotDone."""
        if not kind.is_ours:
            return _built_in(kind, sent, faults)
        faults.unknown += [
            name
            for name in sent
            if name not in ("apiVersion", "kind", "metadata", "spec", "status")
        ]
        if kind.api_version != sent.get("apiVersion"):
            raise bad_request(
                f"the API version in the data ({sent.get('apiVersion')}) does not match the "
                f"expected API version ({kind.api_version})"
            )
        content: Raw = {"apiVersion": kind.api_version, "kind": kind.name}
        spec = sent.get("spec")
        if spec is None:
            faults.add("FieldValueRequired", (None, "spec"), "Required value")
        else:
            content["spec"] = self._spec.admit(spec, (None, "spec"), faults)
        return content

    def status(self, sent: Any, faults: Flaws) -> Any:
        """The status, which is the schema's default where none is given."""
        if sent is None:
            return self._schema.default("status")
        return self._status.admit(sent, (None, "status"), faults)


def check_kind(kind: ServedKind, sent: Raw) -> None:
    """Raises NotDone where it is said to be of another kind."""
    stated = sent.get("kind", kind.name if not kind.is_ours else "")
    if stated != kind.name and kind.is_ours:
        fault = Flaw("FieldValueInvalid", "kind", f'Invalid value: "{stated}": must be CustomEvent')
        raise invalid(kind, sent["metadata"].get("name", ""), [fault], by=stated)
    if stated != kind.name:
        raise cannot_be_handled(kind, "unknown conversion")


def metadata(kind: ServedKind, sent: Raw, faults: Flaws) -> Raw:
    """What of the metadata the sender may decide. Raises NotDone."""
    faults.unknown += [f"metadata.{name}" for name in sent if name not in _METADATA]
    owned: Raw = {}
    for name in OWNED:
        value = sent.get(name)
        if not value:
            continue  # empty, it is not stored
        if name in ("labels", "annotations"):
            owned[name] = _texts(kind, value)
        elif name == "generateName":
            owned[name] = value
        else:
            owned[name] = _copied(value)
    _check_labels(owned.get("labels", {}), faults)
    size = sum(len(k.encode()) + len(v.encode()) for k, v in owned.get("annotations", {}).items())
    if size > _MOST_ANNOTATIONS:
        words = f"Too long: may not be more than {_MOST_ANNOTATIONS} bytes"
        faults.wrong.append(Flaw("FieldValueTooLong", "metadata.annotations", words))
    return owned


def check_name(name: str, faults: Flaws) -> None:
    """Whether an object may be called so."""
    if not name:
        words = "Required value: name or generateName is required"
        faults.wrong.append(Flaw("FieldValueRequired", "metadata.name", words))
    elif len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        words = f'Invalid value: "{name}": a lowercase RFC 1123 subdomain is needed'
        faults.wrong.append(Flaw("FieldValueInvalid", "metadata.name", words))


def _check_labels(labels: dict[str, str], faults: Flaws) -> None:
    for value in labels.values():
        if not _LABEL.fullmatch(value) or len(value) > _LONGEST_LABEL:
            words = f'Invalid value: "{value}": is no value of a label'
            faults.wrong.append(Flaw("FieldValueInvalid", "metadata.labels", words))


def _texts(kind: ServedKind, found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise cannot_be_handled(kind, "json: cannot unmarshal into Go value of type string")
    return dict(found)


def _copied(found: Any) -> Any:
    """A copy, without what is null: kinds without a schema here leave it out."""
    if isinstance(found, dict):
        return {name: _copied(value) for name, value in found.items() if value is not None}
    if isinstance(found, list | tuple):
        return [_copied(value) for value in found]
    return found


def _built_in(kind: ServedKind, sent: Raw, faults: Flaws) -> Raw:
    content: Raw = {"apiVersion": kind.api_version, "kind": kind.name}
    content |= {name: _copied(each) for name, each in sent.items() if name != "metadata"}
    content |= {"apiVersion": kind.api_version, "kind": kind.name}
    if kind is LEASES:
        content["spec"] = _lease_spec(content.get("spec", {}), faults)
    if kind is NOTICES:
        _check_notice(content, faults)
        content = {**_OLD_NOTICE, **content}
    if "data" in content:
        content["data"] = _texts(kind, content["data"])
    return content


def _lease_spec(spec: Raw, faults: Flaws) -> Raw:
    for name, value in spec.items():
        wanted = _LEASE.get(name, object)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise cannot_be_handled(LEASES, f"json: cannot unmarshal LeaseSpec.spec.{name}")
        if isinstance(value, int) and not -(2**31) <= value < 2**31:
            raise cannot_be_handled(LEASES, f"json: cannot unmarshal LeaseSpec.spec.{name}")
        if name.endswith("Time") and not _MICRO_TIME.fullmatch(str(value)):
            raise cannot_be_handled(LEASES, f'parsing time "{value}"')
    if spec.get("leaseDurationSeconds", 1) <= 0:
        _lease_fault("leaseDurationSeconds", "must be greater than 0", spec, faults)
    if spec.get("leaseTransitions", 0) < 0:
        _lease_fault("leaseTransitions", "must be greater than or equal to 0", spec, faults)
    return {name: value for name, value in spec.items() if name in _LEASE}


def _lease_fault(name: str, words: str, spec: Raw, faults: Flaws) -> None:
    faults.add("FieldValueInvalid", (None, f"spec.{name}"), f"Invalid value: {spec[name]}: {words}")


def _check_notice(content: Raw, faults: Flaws) -> None:
    for name in ("eventTime", "reason", "action", "reportingInstance"):
        if not content.get(name):
            faults.add("FieldValueRequired", (None, name), "Required value")
    for name in ("reason", "action", "reportingInstance"):
        if len(content.get(name, "").encode()) > _LONGEST_WORD:
            words = f'Invalid value: "": can have at most {_LONGEST_WORD} characters'
            faults.add("FieldValueInvalid", (None, name), words)
    if len(content.get("note", "").encode()) > _LONGEST_NOTE:
        words = f'Invalid value: "": can have at most {_LONGEST_NOTE} characters'
        faults.add("FieldValueInvalid", (None, "message"), words)  # the old API's name of it
    if content.get("type") not in ("Normal", "Warning"):
        words = f'Invalid value: "": has invalid value: {content.get("type", "")}'
        faults.add("FieldValueInvalid", (None, "type"), words)
