"""What stands between here and a delivered event: `customevents check`.

It looks with the rights of whoever calls it. What only the operator can know (the key, the
endpoint) is read where the operator says it, so that nobody needs the key for this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

import typer
from pydantic import TypeAdapter

from customevents import __version__
from customevents.clocks import ClusterClock
from customevents.commands import statement
from customevents.commands.arguments import is_there
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Gone
from customevents.resource.event import GROUP, PLURAL, VERSION
from customevents.resource.operator_state import BreakerState, Key, OperatorState, Resolving
from customevents.resource.status import DeliveryRecord
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import Ambiguous, ClusterName, Link, Silent, ask
from customevents.settings import AGENT_NAMESPACES

#: Seconds after which an operator that says nothing is silent: it says something every minute.
SILENT = 150.0

#: Seconds from which on a difference between a clock and the API server's is told.
SKEW = 2.0

CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Grade(StrEnum):
    """How good it is, what a remark is about."""

    OK = "ok"
    NOTHING = "-"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Remark:
    """One line of the answer; `todo` is what to do about it, where there is something."""

    grade: Grade
    about: str
    says: str
    todo: str = ""


@dataclass(frozen=True)
class Place:
    """Where to look: the author's namespace, and the ConfigMap of the operator's state."""

    namespace: str
    operator_namespace: str
    name: str


async def check(cluster: Cluster, place: Place, clock: ClusterClock) -> list[Remark]:
    """All remarks, in the order of an event's way; `clock` has learnt the API server's time."""
    try:
        version = await cluster.get("/version")
    except ClusterError as error:
        return [_wrong("Kubernetes", str(error), "is KUBECONFIG the right one?")]
    told = version.get("gitVersion")
    if not isinstance(told, str):
        what = "what answers there does not say its version; is something in between?"
        return [_wrong("Kubernetes", what, "is KUBECONFIG the right one?")]
    remarks = [_ok("Kubernetes", f"{told} at {cluster.server}, by {cluster.origin}")]
    remarks += _clock("this machine", clock.skew)
    remarks += await _missing(cluster, place.namespace)
    remarks.append(await _schema(cluster))
    remarks.append(await _right_to_create(cluster, place.namespace))
    said, remark = await _operator(cluster, place, clock.now())
    remarks.append(remark)
    if said is not None:
        remarks += _announced(said, place.namespace)
    return remarks + await _cluster_names(cluster, place, said)


def show(remarks: list[Remark]) -> None:
    """Print them for people."""
    for remark in remarks:
        colour = _COLOURS.get(remark.grade)
        grade = typer.style(f"{remark.grade:8}", fg=colour, bold=colour is not None)
        typer.echo(f"{grade} {remark.about:22} {remark.says}")
        if remark.todo:
            typer.echo(f"{'':31} {remark.todo}")


_COLOURS = {
    Grade.OK: typer.colors.GREEN,
    Grade.WARNING: typer.colors.YELLOW,
    Grade.WRONG: typer.colors.RED,
}


async def _missing(cluster: Cluster, namespace: str) -> list[Remark]:
    try:
        await is_there(cluster, namespace)
    except Gone as error:
        return [_wrong("namespace", str(error), "is -n misspelt?")]
    except ClusterError:
        pass  # whatever it is, the next questions meet it too
    return []


async def _schema(cluster: Cluster) -> Remark:
    about = "CRD"
    install = "install the chart, or kubectl apply -f crds/"
    try:
        crd = await cluster.get(CRD)
    except Gone:
        return _wrong(about, f"{PLURAL}.{GROUP} is not there", install)
    except ClusterError as error:
        return _warning(about, f"it may not be looked at: {error}")
    known = _recorded_fields(crd)
    missing = sorted(_record_fields() - known)
    if missing:
        what = f"it is older than this program, and lacks status.delivery.{missing[0]}"
        return _wrong(about, what, "apply the CRD of this version")
    return _ok(about, f"{PLURAL}.{GROUP} has what {__version__} writes")


def _recorded_fields(crd: dict[str, Any]) -> set[str]:
    for version in crd["spec"]["versions"]:
        if version["name"] == VERSION:
            schema = version["schema"]["openAPIV3Schema"]["properties"]
            delivery = schema.get("status", {}).get("properties", {}).get("delivery", {})
            return set(delivery.get("properties", {}))
    return set()


def _record_fields() -> set[str]:
    return set(TypeAdapter(DeliveryRecord).json_schema(by_alias=True)["properties"])


async def _right_to_create(cluster: Cluster, namespace: str) -> Remark:
    about = "your rights"
    attributes = {"group": GROUP, "resource": PLURAL, "verb": "create", "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    try:
        answer = await cluster.request("POST", REVIEWS, review)
    except ClusterError as error:
        return _warning(about, f"they cannot be asked for: {error}")
    if answer["status"]["allowed"]:
        return _ok(about, f"you may create CustomEvents in {namespace}")
    return _warning(
        about,
        f"you may not create CustomEvents in {namespace}",
        "ask for the role edit there; a release for the whole cluster adds CustomEvents to it",
    )


async def _operator(
    cluster: Cluster, place: Place, now: datetime
) -> tuple[OperatorState | None, Remark]:
    about = "operator"
    where = statement.place(place.operator_namespace, place.name)
    elsewhere = (
        "is the operator installed, and in another namespace? Try --operator-namespace; and of a "
        "release with watchNamespaces, --operator-name=RELEASE-customevents"
    )
    try:
        said = await statement.read(cluster, place.operator_namespace, place.name)
    except Gone:
        missing = f"there is no {where}, which an operator that leads would have"
        return None, _wrong(about, missing, elsewhere)
    except ClusterError as error:
        return None, _warning(about, f"{where} may not be read: {error}")
    if said is None:
        odd = f"{where} does not say what an operator says"
        return None, _wrong(about, odd, "did something else write it? The operator writes it anew")
    return said, _leader(about, where, said, now)


def _leader(about: str, where: str, said: OperatorState, now: datetime) -> Remark:
    """Whether somebody leads, whatever was written there by hand."""
    todo = "look at the operator's pods; events wait until then"
    if said.renewed is None:
        return _wrong(about, f"{where} does not say when it was written", todo)
    if not said.leader:
        since = f"{said.renewed:%Y-%m-%d %H:%M}Z"
        return _wrong(about, f"nobody leads since {since}: the operator was stopped", todo)
    age = (now - said.renewed).total_seconds()
    if age > SILENT:
        return _wrong(about, f"{said.leader} has been silent for {age:.0f} s", todo)
    return _ok(about, f"{said.leader} leads ({where})")


def _announced(said: OperatorState, namespace: str) -> list[Remark]:
    return [
        _version(said),
        *_watched(said, namespace),
        *_seen(said),
        _key(said),
        _endpoint(said),
        _waiting(said),
        *_clock("the operator's node", said.clock_skew),
        _named(said),
    ]


def _version(said: OperatorState) -> Remark:
    if said.version == __version__:
        return _ok("version", said.version)
    return _warning("version", f"the operator is {said.version}, this program {__version__}")


def _watched(said: OperatorState, namespace: str) -> list[Remark]:
    watched = said.settings.watch_namespaces
    if not watched or namespace in watched:
        return []
    shown = ", ".join(watched)
    return [
        _wrong(
            "namespace",
            f"{namespace} is not watched; the operator watches {shown}",
            "add it to watchNamespaces",
        )
    ]


def _seen(said: OperatorState) -> list[Remark]:
    if not said.unwatched:
        return []
    of_some = f"in {said.unwatched} of its namespaces, " if said.settings.watch_namespaces else ""
    todo = "its log and /readyz say where and why; docs/troubleshooting.md says what to look at"
    return [_wrong("watch", f"{of_some}changes of events go unseen", todo)]


def _key(said: OperatorState) -> Remark:
    match said.key:
        case Key.OK:
            return _ok("key", "the events API takes it")
        case Key.REFUSED:
            todo = "use the API key of a user, not the agent's key; it may have expired"
            return _wrong("key", "the events API refuses it", todo)
        case Key.MISSING:
            return _wrong("key", said.paused, "mount a Secret that holds the API key")
        case Key.UNKNOWN:
            return _warning("key", "not tried yet: nothing has been sent since the operator leads")
    assert_never(said.key)


def _endpoint(said: OperatorState) -> Remark:
    if said.halted:
        return _wrong("endpoint", f"nothing is sent: {said.halted}")
    if said.paused:
        return _wrong("endpoint", f"{said.endpoint}: {said.paused}")
    if said.breaker is BreakerState.OPEN:
        return _wrong("endpoint", f"{said.endpoint} does not answer", "it is tried again")
    return _ok("endpoint", said.endpoint)


def _waiting(said: OperatorState) -> Remark:
    if not said.waiting or said.oldest is None:
        return _ok("queue", "nothing waits")
    wait = "1 event waits" if said.waiting == 1 else f"{said.waiting} events wait"
    return _ok("queue", f"{wait}, the oldest since {said.oldest:%Y-%m-%d %H:%M}Z")


def _clock(whose: str, skew: float | None) -> list[Remark]:
    """`skew`: seconds by which it is ahead of the API server's; None: that is not known."""
    if skew is None or abs(skew) <= SKEW:
        return []
    where = "ahead of" if skew > 0 else "behind"
    words = f"that of {whose} is {abs(skew):.0f} s {where} the API server's"
    return [_warning("clock", words, "set it by NTP; events are judged by the API server's")]


def _named(said: OperatorState) -> Remark:
    about = "cluster name"
    if not said.cluster_name:
        todo = "set clusterName in the chart; events that need it are held"
        return _wrong(about, "the operator does not know this cluster's name", todo)
    shown = f"{said.cluster_name} ({said.cluster_name_source})"
    if said.cluster_known is False:
        todo = "events with it would land on no service: set clusterName to the name in the account"
        return _warning(about, f"{shown}, which the account does not know", todo)
    known = ", known to the account" if said.cluster_known else ""
    return _ok(about, shown + known)


async def _cluster_names(
    cluster: Cluster, place: Place, said: OperatorState | None
) -> list[Remark]:
    """Each place that may tell the cluster's name, as it answers to whoever asks here."""
    settings = said.settings if said else Resolving()
    believed = settings.agent_namespaces or (*AGENT_NAMESPACES, place.operator_namespace)
    agents = Agents(believed)
    remarks = [await _link(cluster, link) for link in chain(settings.cluster_name, agents)]
    return remarks + _strangers(agents)


async def _link(cluster: Cluster, link: Link) -> Remark:
    about = f"name: {link.name}"
    try:
        answer = await ask(link, cluster)
    except ClusterError as error:
        return _warning(about, str(error))
    match answer:
        case ClusterName(name, source):
            return _ok(about, f"{name} ({source})")
        case Ambiguous(said):
            words = ", ".join(f"{where} says {name}" for where, name in said)
            return _warning(about, words, "set clusterName in the chart")
        case Silent(why):
            return Remark(Grade.NOTHING, about, why)


def _strangers(agents: Agents) -> list[Remark]:
    if not agents.elsewhere:
        return []
    shown = ", ".join(agents.elsewhere)
    todo = "if one is yours, add its namespace to discovery.agentNamespaces"
    return [_warning("agents", f"not believed about the cluster's name: {shown}", todo)]


def _ok(about: str, says: str) -> Remark:
    return Remark(Grade.OK, about, says)


def _warning(about: str, says: str, todo: str = "") -> Remark:
    return Remark(Grade.WARNING, about, says, todo)


def _wrong(about: str, says: str, todo: str = "") -> Remark:
    return Remark(Grade.WRONG, about, says, todo)
