"""A CustomEvent as the operator keeps it: what is needed to deliver it, not the whole object."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError

from customevents.resource import wording
from customevents.resource.errors import UnreadableEvent
from customevents.resource.identity import content_of, delivery_id, same_content
from customevents.resource.release import Release, releases_of
from customevents.resource.status import OutcomeClass, Reason, State, Status
from customevents.resource.times import FIRST, read_time

T = TypeVar("T")

GROUP = "customevents.dev"
VERSION = "v1alpha1"
PLURAL = "customevents"
KIND = "CustomEvent"

#: Velero puts it on everything that it restores.
RESTORED_LABEL = "velero.io/restore-name"

#: What a tool puts on the objects that it creates again whenever they are missing.
TRACKING_ANNOTATIONS = ("argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name")
TRACKING_LABELS = ("helm.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/name")

#: What a tool creates once and then leaves alone has one of these.
HOOK_ANNOTATIONS = ("helm.sh/hook", "argocd.argoproj.io/hook")

#: Setting it to a new value sends the event again.
RESEND_ANNOTATION = "customevents.dev/resend"

#: What `status.delivery.resend` holds; of a longer value the rest says nothing.
LONGEST_RESEND = 1024

#: What a held event waits for without a person, also where an attempt was lost before: that may
#: have been lost before its scope was recorded, which is then looked for again.
LEFT_BY_ITSELF = frozenset(
    {
        Reason.CLUSTER_NAME_UNKNOWN,
        Reason.NO_SERVICES_MATCH,
        Reason.TOO_MANY_SERVICES,
        Reason.SERVICES_UNKNOWN,
        Reason.ENDPOINT_PAUSED,
        Reason.INTERNAL_ERROR,
    }
)

#: What a held event waits for until a person decides, whatever else its record says.
FOR_A_PERSON = frozenset({Reason.UNKNOWN_OUTCOME, Reason.RESTORED_FROM_BACKUP})

#: The delivery record of an event that nobody has written on yet, as the schema gives it.
UNTOUCHED = {"state": State.PENDING.value}


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """One object of the cluster at one resourceVersion."""

    uid: str
    namespace: str
    name: str
    resource_version: int
    generation: int
    #: Whether it was deleted, and stays only until somebody's finalizer lets go of it.
    deleting: bool
    #: When its content last changed, as far as the cluster knows: the deadline counts from it.
    changed: datetime
    #: The value of the resend annotation.
    resend: str
    #: Whether a backup brought it back.
    restored: bool
    #: Whether it carries the mark of a tool that would create it again.
    is_tracked: bool
    #: Whether it is a hook: nothing creates it again.
    is_hook: bool
    #: What it was released with.
    release: Release | None
    #: As stored, unparsed: the courier parses it when it is the event's turn.
    spec: dict[str, Any]
    status: Status
    #: `status.delivery` exactly as stored: the compare part of the next write.
    stored_record: dict[str, Any] | None
    #: Whether its status cannot be read: then it says nothing here, and nothing is sent.
    unreadable: bool = False

    @property
    def path(self) -> str:
        """`namespace/name`, as people write it."""
        return f"{self.namespace}/{self.name}"

    @property
    def is_created_again(self) -> bool:
        """Whether a tool would create it again, were it deleted, and so have it sent again."""
        return self.is_tracked and not self.is_hook

    @property
    def waits_for_a_person(self) -> bool:
        """Whether it is held until somebody edits or resends it."""
        record = self.status.delivery
        reason = self.status.delivered.reason
        if record.state is not State.HELD or reason in LEFT_BY_ITSELF:
            return False
        last = record.last_outcome
        lost = last is not None and last.outcome_class is OutcomeClass.UNKNOWN
        return lost or reason in FOR_A_PERSON

    @property
    def answered(self) -> bool:
        """Whether its record says the last word on what its author wrote last."""
        delivery = self.status.delivery
        written = self.generation - self.deleting  # the deletion is a generation of its own
        return (
            (delivery.state.finished or self.waits_for_a_person)
            and self.status.delivered.observed_generation in (written, self.generation)
            and self.resend in ("", delivery.resend)
            and not self._is_edited_unseen
        )

    @property
    def _is_edited_unseen(self) -> bool:
        """Whether it has other content than its record, though that speaks of its generation.

        A backup brings it back as a new object, whose generations begin anew and may reach the one
        that is recorded. Once it is sent as the new object, its generations are right.
        """
        record = self.status.delivery
        if not self.restored or record.id == delivery_id(
            self.uid, record.content_hash, record.resend, record.sequence
        ):
            return False
        content = content_of(self.spec)
        if not content:  # what cannot be read is never told
            return False
        if self.status.delivered.reason == Reason.INVALID:
            return True
        return not same_content(record.content_hash, content)

    @property
    def needs_nothing(self) -> bool:
        """Whether nothing is to be done: it is answered, was taken back, or cannot be read."""
        return self.answered or self.deleting or self.unreadable


def read_event(raw: dict[str, Any]) -> CustomEvent:
    """Read an object as the API server sends it.

    Raises UnreadableEvent if it is none, or on a status that the CRD cannot have let in.
    """
    try:
        return _read(raw, raw["metadata"])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        wrong = f"{wording.where('status', first['loc'])} {wording.words(first)}"
        words = f"{wrong}; a newer version of the operator may have written it"
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        words = f"it is no CustomEvent ({type(error).__name__})"
    raise UnreadableEvent(f"{path_of(raw)} cannot be read: {' '.join(words.split())}")


def read_same(raw: dict[str, Any], uid: str) -> CustomEvent | None:
    """Read the object of this uid; None: another one has its name by now, readable or not.

    Raises UnreadableEvent.
    """
    metadata = raw.get("metadata")
    found = metadata.get("uid") if isinstance(metadata, dict) else None
    is_another = isinstance(found, str) and found not in ("", uid)
    return None if is_another else read_event(raw)


def read_without_status(raw: dict[str, Any]) -> CustomEvent:
    """Read an object whose status cannot be read. Raises UnreadableEvent if there is more to it."""
    return replace(read_event({**raw, "status": {}}), unreadable=True)


def path_of(raw: Any) -> str:
    """`namespace/name` of an object that may lack either, or be none."""
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    known = metadata if isinstance(metadata, dict) else {}
    return f"{known.get('namespace', '?')}/{known.get('name', '?')}"


def _read(raw: dict[str, Any], metadata: dict[str, Any]) -> CustomEvent:
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    status, record = _status(raw.get("status") or {})
    return CustomEvent(
        uid=_a(str, metadata["uid"]),
        namespace=_a(str, metadata["namespace"]),
        name=_a(str, metadata["name"]),
        resource_version=int(metadata["resourceVersion"]),
        generation=_a(int, metadata.get("generation", 0)),
        deleting="deletionTimestamp" in metadata,
        changed=_changed(metadata),
        resend=annotations.get(RESEND_ANNOTATION, "")[:LONGEST_RESEND],
        restored=RESTORED_LABEL in labels,
        is_tracked=any(mark in annotations for mark in TRACKING_ANNOTATIONS)
        or any(mark in labels for mark in TRACKING_LABELS),
        is_hook=any(mark in annotations for mark in HOOK_ANNOTATIONS),
        release=next(iter(releases_of(metadata)), None),
        spec=_a(dict, raw.get("spec") or {}),
        status=status,
        stored_record=record,
    )


def _a(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise TypeError
    return value


def looks_finished(raw: dict[str, Any]) -> bool:
    """Whether an object is surely finished, without reading it: lists are long, and most of it is.

    Of what a backup brought back, the generation does not tell.
    """
    try:
        metadata, status = raw["metadata"], raw["status"]
        if RESTORED_LABEL in metadata.get("labels", {}):
            return False
        resend = metadata.get("annotations", {}).get(RESEND_ANNOTATION, "")[:LONGEST_RESEND]
        return (
            State(status["delivery"]["state"]).finished
            and _observed(status["conditions"]) == metadata["generation"]
            and resend in ("", status["delivery"].get("resend"))
        )
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError):
        return False


def _observed(conditions: list[dict[str, Any]]) -> int:
    """The generation of which the condition Delivered speaks; others may write others beside it."""
    found: int = next(c for c in conditions if c["type"] == "Delivered")["observedGeneration"]
    return found


def _status(stored: dict[str, Any]) -> tuple[Status, dict[str, Any] | None]:
    """The status, read, and its delivery record as it is stored."""
    if stored.get("delivery") == UNTOUCHED:
        return _untouched(json.dumps(stored)), UNTOUCHED
    return Status.model_validate(stored), stored.get("delivery")


@lru_cache(maxsize=4)
def _untouched(stored: str) -> Status:
    # Most of what waits has the status that the schema gave it. One of its own for each event
    # would be half of what waiting events take.
    return Status.model_validate(json.loads(stored))


def _changed(metadata: dict[str, Any]) -> datetime:
    """The newest time at which somebody wrote anything but the status."""
    said = [metadata["creationTimestamp"]] + [
        entry.get("time")
        for entry in metadata.get("managedFields", ())
        if entry.get("subresource") != "status"
    ]
    return max((time for text in said if (time := read_time(text))), default=FIRST)
