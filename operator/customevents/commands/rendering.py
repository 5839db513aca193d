"""The body that would be sent, and sent by nobody: `customevents render`.

It is resolved by the rooms that the operator resolves with, by the settings that the operator says
on its Lease, with the rights of whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from customevents.answers import one_line
from customevents.clocks import now
from customevents.commands import judging
from customevents.commands.manifests import documents
from customevents.delivery import lifecycle
from customevents.delivery.announcement import Announcement, read_announcement
from customevents.delivery.drafts import Draft, Drafts
from customevents.kube import Cluster, Lease
from customevents.resource import written
from customevents.resource.errors import ClusterError, InvalidSpec, UnreadableEvent
from customevents.resource.event import CustomEvent, read_event, read_without_status
from customevents.resource.spec import parse_spec
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import ClusterName, Nameless, OwnName
from customevents.scope.discovery import Discovery, NotYet
from customevents.scope.resolve import Rules
from customevents.settings import AGENT_NAMESPACES

#: Stands for the delivery id of what is not in the cluster yet.
NO_ID = "(given when it is sent)"

#: An object of this age is waited for no longer: what is not released with it by now never is.
OLD = timedelta(hours=1)


@dataclass(frozen=True)
class Rendered:
    """A body as it would go over the wire, and whom it would reach, in words."""

    body: dict[str, Any]
    reach: str
    sources: dict[str, str]


class Renderer:
    """Renders events as the operator of this cluster would send them."""

    def __init__(self, drafts: Drafts, note: str) -> None:
        """`note` is a line for people on what this renderer had to guess; may be empty."""
        self._drafts = drafts
        self.note = note

    async def render(self, event: CustomEvent) -> Rendered:
        """The body of an event. Raises InvalidSpec, in one line, if there is none to be sent."""
        spec = parse_spec(event.spec)
        record = lifecycle.current_record(event, spec, now())
        if not event.uid:
            record = record.model_copy(update={"id": NO_ID})
        old = replace(event, changed=min(event.changed, now() - OLD))
        draft = await self._drafts.resolve(old, spec, record)
        if isinstance(draft, Draft):
            body = self._drafts.body(event, spec, record, draft.scope)
            return Rendered(body, draft.scope.reach, draft.scope.sources)
        words = "its services cannot be listed now" if isinstance(draft, NotYet) else draft.message
        raise InvalidSpec(f"{event.path}: {words}")


async def renderer(cluster: Cluster, operator_namespace: str, lease_name: str) -> Renderer:
    """A renderer with the settings of this cluster's operator. Raises ClusterError."""
    said, note = await _announced(cluster, operator_namespace, lease_name)
    settings = said.settings
    rules = Rules(
        settings.get("discovery_release", True), tuple(settings.get("scope_wide_from", ["*"]))
    )
    name = await _name(cluster, said, operator_namespace)
    drafts = Drafts(
        endpoint=said.endpoint,
        cluster_name=lambda: name,
        with_provenance=settings.get("provenance_enabled", True),
        rules=rules,
        discovery=Discovery(cluster, now, settle=0.0),
    )
    return Renderer(drafts, note)


async def live(cluster: Cluster, namespace: str, name: str) -> CustomEvent:
    """An event of the cluster. Raises ClusterError, also if it is not there."""
    raw = await cluster.get_event(namespace, name)
    try:
        return read_event(raw)
    except UnreadableEvent:
        return read_without_status(raw)  # what would be sent depends on the spec


def read_manifests(text: str) -> list[dict[str, Any]]:
    """The CustomEvents of a file; other kinds are passed over.

    Raises InvalidSpec if the file is no YAML, or holds none, or one of another group or version.
    """
    events = [document for document in documents(text) if written.is_event(document)]
    if not events:
        raise InvalidSpec("there is no CustomEvent in it")
    return events


async def judged(
    cluster: Cluster, manifest: dict[str, Any], namespace: str, asked: str | None
) -> tuple[CustomEvent, str]:
    """A manifest as if it were applied now, and what a person should know of how it was judged.

    `namespace`: where it goes if it does not say; `asked`: where alone it may go, if that was said.
    Raises InvalidSpec, in one line that names it, if the API server would refuse it.
    """
    metadata = manifest.get("metadata")
    name, where = _called(metadata), _given(metadata, "namespace") or namespace
    try:
        if asked and where != asked:
            raise InvalidSpec(f"metadata.namespace must be {asked}, which --namespace asks for")
        note = await judging.judge(cluster, where, manifest)
    except InvalidSpec as error:
        raise InvalidSpec(f"{one_line(f'{where}/{name}')}: {error}") from None
    return as_applied(manifest, where), note


def _given(metadata: Any, field: str) -> Any:
    return metadata.get(field) if isinstance(metadata, dict) else None


def _called(metadata: Any) -> str:
    stem = _given(metadata, "generateName")
    return str(_given(metadata, "name") or f"{stem or ''}…")


def as_applied(manifest: dict[str, Any], namespace: str) -> CustomEvent:
    """The event that the API server would make of a manifest that it takes."""
    given = manifest.get("metadata") or {}
    metadata = {
        **given,
        "uid": "",
        "labels": given.get("labels") or {},
        "annotations": given.get("annotations") or {},
        "name": _called(given),
        "namespace": namespace,
        "resourceVersion": "0",
        "creationTimestamp": now().isoformat(timespec="seconds"),
        "managedFields": [],
    }
    metadata.pop("deletionTimestamp", None)  # a file deletes nothing
    return read_event({"metadata": metadata, "spec": manifest.get("spec")})


async def _announced(cluster: Cluster, namespace: str, lease_name: str) -> tuple[Announcement, str]:
    """What the operator says; if that cannot be read, its defaults, and a line that says so."""
    try:
        lease = await Lease(cluster, namespace, lease_name).read()
    except ClusterError as error:
        where = f"Lease {namespace}/{lease_name}"
        note = f"the operator's settings are not known, so its defaults count: {where}: {error}"
        return Announcement(), note
    return read_announcement(lease) or Announcement(), ""


async def _name(
    cluster: Cluster, said: Announcement, operator_namespace: str
) -> ClusterName | Nameless:
    """The name that the operator says, else what the cluster tells whoever asks here."""
    if said.cluster_name:
        return ClusterName(said.cluster_name, said.cluster_name_source)
    believed = said.settings.get("agent_namespaces") or (*AGENT_NAMESPACES, operator_namespace)
    agents = Agents(believed)
    own = OwnName(cluster, chain("", agents), uptime=lambda: 0.0, found=lambda: None)
    await own.look()
    return own.get()
