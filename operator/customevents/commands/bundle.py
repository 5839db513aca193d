"""What somebody needs who shall help from afar: files that a person can read before they go out.

It is gathered with the rights of whoever asks. There is no key in it, of what events say only the
types and messages of one namespace, and of other namespaces than that and the operator's no names.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import zipfile
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from customevents import __version__
from customevents.clocks import ClusterClock
from customevents.commands import announced, checkup, output, statement, table
from customevents.commands.checkup import Place
from customevents.commands.masking import Names
from customevents.commands.options import Form
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, CustomEventsError, Gone, InvalidName
from customevents.resource.names import namespace as checked
from customevents.resource.names import of_object
from customevents.resource.operator_state import OperatorState, Resolving
from customevents.settings import AGENT_NAMESPACES, PREFIX, Settings

#: Of each place the newest: lines of a log, Warning Events; pods.
MOST_LINES, MOST_WARNINGS, MOST_PODS = 500, 50, 3

#: Bytes of a log, and events that are counted.
MOST_OF_A_LOG, MOST_EVENTS = 1024 * 1024, 20_000

#: Namespaces whose names tell nothing about who is here.
OF_ANYBODY = ("default", "kube-system", "kube-public", "kube-node-lease", *AGENT_NAMESPACES)

#: The operator's container, as the chart calls it.
CONTAINER = "operator"

README = """\
A report of customevents {version}, made at {now}.

Please read it before you send it to anybody. There is no API key and no token in it. Of events it
has names, types and messages of the namespace {namespace} alone. That namespace and the
operator's are named; the names of other namespaces, and of events there, are masked.

  check.txt            what `customevents check` says
  versions.json        of this program, the operator, Kubernetes
  state.json           what the operator says of itself
  lease.json           who leads, and how many events are just being sent
  settings.json        the operator's settings, where its Deployment may be read
  counts.json          how many events there are by state and reason, as far as they may be listed
  undelivered.json     what is not delivered in {namespace}
  warnings.json        the last Warning Events about events there, and about the operator
  log.txt              the last lines of the operator's log, where it may be read
  log-before.txt       the same of its last run, if it was restarted

What could not be had says why in its place.
"""


@dataclass(frozen=True)
class Inquiry:
    """Who is asked about what, and what is known before."""

    cluster: Cluster
    place: Place
    clock: ClusterClock
    said: announced.Announced
    census: Census

    @property
    def state(self) -> OperatorState | None:
        """What the operator says of itself."""
        return self.said.said

    @property
    def names(self) -> Names:
        """Which names are those of others."""
        settings = self.state.settings if self.state else Resolving()
        kept = {self.place.namespace, self.place.operator_namespace, *OF_ANYBODY}
        elsewhere = self.state.agents_elsewhere if self.state else ()
        named = {*self.census.namespaces, *settings.watch_namespaces, *settings.scope_wide_from}
        named |= {path.partition("/")[0] for path in elsewhere}
        events = self.census.events - self.census.kept_events
        return Names(kept, named - kept - {"*"}, events)


@dataclass
class Census:
    """Who is here: the namespaces, the events' names, and how many are in which state."""

    namespaces: set[str] = field(default_factory=set)
    #: Why the namespaces may not be listed; empty: they are all known.
    unknown: str = ""
    events: set[str] = field(default_factory=set)
    kept_events: set[str] = field(default_factory=set)
    #: Where they were counted; empty: they may not be listed.
    of: str = ""
    states: Counter[str] = field(default_factory=Counter)
    is_whole: bool = True


async def gather(cluster: Cluster, place: Place, clock: ClusterClock) -> dict[str, str]:
    """The files by their names. What is refused to the asker says so in its place.

    Raises ClusterError if the API server cannot be asked at all.
    """
    await cluster.get("/version")
    said, census = await asyncio.gather(
        announced.ask(cluster, place.operator_namespace, place.name), _count(cluster, place)
    )
    asked = Inquiry(cluster, place, clock, said, census)
    parts: dict[str, Awaitable[Any]] = {
        "check.txt": _check(asked),
        "versions.json": _versions(asked),
        "state.json": _state(asked),
        "lease.json": _lease(asked),
        "settings.json": _settings(asked),
        "counts.json": _counts(asked),
        "undelivered.json": _undelivered(asked),
        "warnings.json": _warnings(asked),
        "log.txt": _logs(asked),
        "log-before.txt": _logs(asked, before=True),
    }
    texts = await asyncio.gather(*(_text(part, asked.names) for part in parts.values()))
    found = dict(zip(parts, texts, strict=True))
    return {"README.txt": _readme(place, clock.now())} | {
        name: _without_home(text) for name, text in found.items()
    }


def write(files: dict[str, str], target: Path) -> None:
    """Put them into a zip, in a folder called as it is. Raises InvalidName if that cannot be."""
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in files.items():
                bundle.writestr(f"{target.stem}/{name}", text.encode(errors="backslashreplace"))
    except FileExistsError:
        raise InvalidName(f"{target} is there already: give another --file") from None
    except OSError as error:
        raise InvalidName(f"cannot write {target}: {error.strerror}") from None


def _readme(place: Place, now: datetime) -> str:
    return README.format(
        version=__version__, now=f"{now:%Y-%m-%d %H:%M:%S}Z", namespace=place.namespace
    )


def _without_home(text: str) -> str:
    home = os.path.expanduser("~").rstrip("/")
    return text.replace(f"{home}/", "~/") if home.startswith("/") else text


async def _text(part: Awaitable[Any], names: Names) -> str:
    """What a file holds: text as it is, data as JSON, or why there is none."""
    try:
        found = await part
    except CustomEventsError as error:
        return f"not to be had: {names.mask(str(error))}\n"
    except Exception as error:  # whatever somebody has stored, the other files are made
        return f"not to be had: {type(error).__name__}\n"
    if isinstance(found, str):
        return found
    return output.for_programs(names.mask_data(found), Form.JSON) + "\n"


async def _count(cluster: Cluster, place: Place) -> Census:
    """In all namespaces, or in the one where those may not be listed."""
    census = Census()
    try:
        async for item in cluster.metadata("/api/v1/namespaces"):
            census.namespaces.add(item["name"])
    except ClusterError as error:
        census.unknown = str(error)
    for of, namespace in (("all namespaces", ""), (place.namespace, place.namespace)):
        try:
            await _count_in(cluster, namespace, place, census)
        except ClusterError:
            census.states.clear()
        else:
            census.of = of
            break
    return census


async def _count_in(cluster: Cluster, namespace: str, place: Place, census: Census) -> None:
    async for raw in cluster.all_events(namespace):
        line = table.read_line(raw)
        census.states[f"{line.state} ({line.reason})"] += 1
        census.namespaces.add(line.namespace)
        ours = line.namespace in (place.namespace, place.operator_namespace)
        if ours or not line.name.isdigit():  # a number tells nobody's name
            (census.kept_events if ours else census.events).add(line.name)
        if census.states.total() >= MOST_EVENTS:
            census.is_whole = False
            return


async def _check(asked: Inquiry) -> str:
    made = await checkup.check(asked.cluster, asked.place, asked.clock)
    lines = (f"{each.grade:8} {each.about:22} {asked.names.mask(each.line)}\n" for each in made)
    return "".join(lines)


async def _versions(asked: Inquiry) -> dict[str, Any]:
    return {
        "program": __version__,
        "python": platform.python_version(),
        "operator": asked.state.version if asked.state else None,
        "kubernetes": (await asked.cluster.get("/version")).get("gitVersion"),
    }


async def _state(asked: Inquiry) -> Any:
    if asked.state is None:
        return f"not to be had: {asked.said.operator.says}\n"
    return json.loads(asked.state.to_json())


async def _lease(asked: Inquiry) -> dict[str, Any]:
    """Without its list, which names events of all tenants."""
    place = asked.place
    found = await statement.election(asked.cluster, place.operator_namespace, place.name)
    listed = statement.journal(found)
    return {"spec": found["spec"], "inFlight": len(listed.entries), "listIsWhole": listed.whole}


async def _deployment(asked: Inquiry) -> dict[str, Any]:
    where = checked(asked.place.operator_namespace)
    name = of_object("Deployment", asked.place.name)
    return await asked.cluster.get(f"/apis/apps/v1/namespaces/{where}/deployments/{name}")


async def _settings(asked: Inquiry) -> Any:
    """Those of its Deployment. What is no setting of ours may hold anything, and is only named."""
    found = await _deployment(asked)
    containers = found["spec"]["template"]["spec"]["containers"]
    container = next((each for each in containers if each["name"] == CONTAINER), containers[0])
    return {
        "image": container.get("image"),
        "replicas": found["spec"].get("replicas"),
        "conditions": found.get("status", {}).get("conditions"),
        "environment": {each["name"]: _setting(each) for each in container.get("env", ())},
    }


def _setting(variable: dict[str, Any]) -> str:
    field_name = variable["name"].removeprefix(PREFIX).lower()
    if not variable["name"].startswith(PREFIX) or field_name not in Settings.model_fields:
        return "(not a setting)"
    return str(variable.get("value", "(from elsewhere)"))


async def _counts(asked: Inquiry) -> dict[str, Any]:
    census = asked.census
    if not census.of:
        raise ClusterError("events may not be listed, neither everywhere nor in this namespace")
    counted = {"events": census.states.total(), "thatIsAll": census.is_whole}
    return {"of": census.of, **counted, "byState": dict(sorted(census.states.items()))}


async def _undelivered(asked: Inquiry) -> list[dict[str, Any]]:
    found = asked.cluster.undelivered(asked.place.namespace)
    return [table.flat(table.read_line(raw)) async for raw in found]


async def _warnings(asked: Inquiry) -> list[Any]:
    """About events here, and about the operator's Lease and pods; or why they are not to be had."""
    own, there = asked.place.namespace, asked.place.operator_namespace
    kinds = ((own, "CustomEvent"), (there, "Lease"), (there, "Pod"))
    found: list[Any] = []
    for namespace, kind in kinds:
        try:
            found += [each async for each in _warnings_about(asked, namespace, kind)]
        except ClusterError as error:
            found.append(f"of {kind}s not to be had: {error}")
    return found


async def _warnings_about(
    asked: Inquiry, namespace: str, kind: str
) -> AsyncIterator[dict[str, Any]]:
    path = f"/apis/events.k8s.io/v1/namespaces/{checked(namespace)}/events"
    query = {"fieldSelector": f"type=Warning,regarding.kind={kind}", "limit": "2000"}
    newest: deque[dict[str, Any]] = deque(maxlen=MOST_WARNINGS)
    page = await asked.cluster.get(f"{path}?{urlencode(query)}")
    for each in sorted(page["items"], key=_time_of):
        name = (each.get("regarding") or {}).get("name", "")
        if kind == "CustomEvent" or name.startswith(asked.place.name):
            newest.append(each)
    for each in newest:
        yield {
            "time": _time_of(each),
            "about": f"{kind} {namespace}/{each['regarding'].get('name')}",
            "reason": each.get("reason"),
            "note": each.get("note"),
        }


def _time_of(event: dict[str, Any]) -> str:
    return str(event.get("eventTime") or event["metadata"].get("creationTimestamp"))


async def _logs(asked: Inquiry, *, before: bool = False) -> str:
    """Of the pod that leads, and of two others."""
    if asked.census.unknown:
        why = "it names events of all tenants, and which names are theirs you may not list"
        return f"left out: {why} ({asked.names.mask(asked.census.unknown)})\n"
    pods = await _pods(asked)
    logs = await asyncio.gather(*(_log(asked, pod, before=before) for pod in pods))
    return "".join(f"--- {pod}\n{log}" for pod, log in zip(pods, logs, strict=True))


async def _log(asked: Inquiry, pod: str, *, before: bool) -> str:
    query = {"container": CONTAINER, "tailLines": str(MOST_LINES), "limitBytes": str(MOST_OF_A_LOG)}
    if before:
        query["previous"] = "true"
    where = checked(asked.place.operator_namespace)
    path = f"/api/v1/namespaces/{where}/pods/{of_object('Pod', pod)}/log"
    try:
        text = await asked.cluster.text(f"{path}?{urlencode(query)}")
    except ClusterError as error:
        return f"not to be had: {asked.names.mask(str(error))}\n"
    return asked.names.mask_log(text)


async def _pods(asked: Inquiry) -> list[str]:
    """The leader first; where nobody leads, those of the Deployment."""
    leader = asked.state.leader if asked.state else ""
    try:
        labels = (await _deployment(asked))["spec"]["selector"]["matchLabels"]
        where = checked(asked.place.operator_namespace)
        wanted = ",".join(f"{key}={value}" for key, value in labels.items())
        query = urlencode({"labelSelector": wanted, "limit": str(MOST_PODS)})
        listed = await asked.cluster.list_metadata(f"/api/v1/namespaces/{where}/pods?{query}")
        there = [item["name"] for item in listed]
    except ClusterError:
        there = []
    pods = list(dict.fromkeys(filter(None, [leader, *there])))[:MOST_PODS]
    if not pods:
        raise Gone("no pod of the operator is there, or may be seen", 404)
    return pods
