"""The body that would be sent, and sent by nobody: `customevents render`.

It is resolved by the rooms that the operator resolves with, by the settings that the operator says
of itself, with the rights of whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from customevents.answers import one_line
from customevents.clocks import now
from customevents.commands import dry_run, statement
from customevents.commands.manifests import documents
from customevents.delivery.state import current_record
from customevents.eventsapi.payload import build_body, provenance
from customevents.kube import Cluster
from customevents.resource import written
from customevents.resource.errors import ClusterError, InvalidSpec, UnreadableEvent
from customevents.resource.event import CustomEvent, read_event, read_without_status
from customevents.resource.operator_state import OperatorState
from customevents.resource.spec import parse_spec
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import ClusterName, Nameless, OwnName
from customevents.scope.discovery import Discovery, NotYet
from customevents.scope.fill import Filled, Filler, reach
from customevents.settings import AGENT_NAMESPACES
from customevents.wiring import fills_in

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

    def __init__(self, filler: Filler, note: str, *, with_provenance: bool) -> None:
        """`note` is a line for people on what this renderer had to guess; may be empty."""
        self._filler = filler
        self._with_provenance = with_provenance
        self.note = note

    async def render(self, event: CustomEvent) -> Rendered:
        """The body of an event. Raises InvalidSpec, in one line, if there is none to be sent."""
        spec = parse_spec(event.spec)
        record = current_record(event, spec, now())
        old = replace(event, changed=min(event.changed, now() - OLD))
        found = await self._filler.fill(old, spec, attempted=record.attempts > 0)
        if not isinstance(found, Filled):
            words = (
                "its services cannot be listed now" if isinstance(found, NotYet) else found.message
            )
            raise InvalidSpec(f"{event.path}: {words}")
        sent_as = record.id if event.uid else NO_ID
        origin = provenance(event, spec, sent_as) if self._with_provenance else None
        body = build_body(spec, reach(found.scope), origin)
        return Rendered(body, found.scope.reach, found.scope.sources)


async def renderer(cluster: Cluster, operator_namespace: str, state_name: str) -> Renderer:
    """A renderer with the settings of this cluster's operator. Raises ClusterError."""
    said, note = await _said(cluster, operator_namespace, state_name)
    name = await _name(cluster, said, operator_namespace)
    discovery = Discovery(cluster, now, settle=0.0)
    filler = fills_in(said.endpoint, said.settings, lambda: name, discovery)
    return Renderer(filler, note, with_provenance=said.settings.provenance_enabled)


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
        note = await dry_run.judge(cluster, where, manifest)
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


async def _said(cluster: Cluster, namespace: str, name: str) -> tuple[OperatorState, str]:
    """What the operator says; if that cannot be read, its defaults, and a line that says so."""
    unknown = "the operator's settings are not known, so its defaults count"
    where = statement.place(namespace, name)
    try:
        said = await statement.read(cluster, namespace, name)
    except ClusterError as error:
        return OperatorState(), f"{unknown}: {where}: {error}"
    if said is None:
        return OperatorState(), f"{unknown}: {where} does not say what an operator says"
    return said, ""


async def _name(
    cluster: Cluster, said: OperatorState, operator_namespace: str
) -> ClusterName | Nameless:
    """The name that the operator says, else what the cluster tells whoever asks here."""
    if said.cluster_name:
        return ClusterName(said.cluster_name, said.cluster_name_source)
    believed = said.settings.agent_namespaces or (*AGENT_NAMESPACES, operator_namespace)
    agents = Agents(believed)
    own = OwnName(cluster, chain("", agents), uptime=lambda: 0.0, found=lambda: None)
    await own.look()
    return own.get()
