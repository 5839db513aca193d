"""What somebody needs who shall help from afar: files that a person can read before they go out.

It is gathered with the rights of whoever asks. There is no key in it, nothing that an event says,
and of other namespaces than the one that is asked about and the operator's no names.
"""

from __future__ import annotations

import asyncio
import json
import platform
import zipfile
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from customevents import __version__
from customevents.clocks import ClusterClock
from customevents.commands import announced, checkup, masking, output, statement, table
from customevents.commands.checkup import Place
from customevents.commands.options import Form
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Gone, InvalidName
from customevents.resource.names import namespace as checked
from customevents.resource.names import of_object
from customevents.resource.operator_state import OperatorState, Resolving
from customevents.settings import AGENT_NAMESPACES

#: Lines of a log, and Warning Events, of each place; the newest.
MOST_LINES, MOST_WARNINGS = 500, 50

#: Namespaces whose names tell nothing about who is here.
OF_ANYBODY = ("default", "kube-system", "kube-public", "kube-node-lease", *AGENT_NAMESPACES)

#: What of a Deployment's environment is shown: settings, of which none holds a secret.
PREFIX = "CUSTOMEVENTS_"

README = """\
A report of customevents {version}, made at {now}.

Please read it before you send it to anybody. There is no API key and no token in it, and of what
an event says only its type, of the namespace {namespace} alone. That namespace and the
operator's are named, with their events; names of other namespaces, and in these, are masked.

  check.txt            what `customevents check` says
  versions.json        of this program, the operator, Kubernetes
  state.json           what the operator says of itself
  lease.json           who leads, and how many events are just being sent
  settings.json        the operator's settings, where its Deployment may be read
  counts.json          how many events there are by state and reason, as far as they may be listed
  undelivered.json     what is not delivered in {namespace}
  warnings.json        the last Warning Events about it, there and in the operator's namespace
  log.txt              the last lines of the operator's log, where pods/log may be read
  log-before.txt       the same of its last run, if it was restarted

What could not be had says why in its place.
"""


@dataclass(frozen=True)
class Inquiry:
    """Who is asked about what."""

    cluster: Cluster
    place: Place
    clock: ClusterClock

    @property
    def kept(self) -> set[str]:
        """The namespaces that may be named: the two that are asked about, and those of anybody."""
        return {self.place.namespace, self.place.operator_namespace, *OF_ANYBODY}


async def gather(cluster: Cluster, place: Place, clock: ClusterClock) -> dict[str, str]:
    """The files by their names. What is refused to the asker says so in its place."""
    asked = Inquiry(cluster, place, clock)
    said = await announced.ask(cluster, place.operator_namespace, place.name)
    others = await _known_elsewhere(asked, said.said)
    parts: dict[str, Awaitable[Any]] = {
        "check.txt": _check(asked),
        "versions.json": _versions(asked, said.said),
        "state.json": _state(said),
        "lease.json": _lease(asked),
        "settings.json": _settings(asked),
        "counts.json": _counts(asked),
        "undelivered.json": _undelivered(asked),
        "warnings.json": _warnings(asked),
        "log.txt": _log(asked, said.said),
        "log-before.txt": _log(asked, said.said, before=True),
    }
    texts = await asyncio.gather(*map(_text, parts.values()))
    home = str(Path.home())
    files = {
        name: masking.masked(text.replace(home, "~"), asked.kept, others)
        for name, text in zip(parts, texts, strict=True)
    }
    return {"README.txt": _readme(place, clock.now())} | files


def write(files: dict[str, str], target: Path) -> None:
    """Put them into a zip, in a folder called as it is. Raises InvalidName if that cannot be."""
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in files.items():
                bundle.writestr(f"{target.stem}/{name}", text)
    except FileExistsError:
        raise InvalidName(f"{target} is there already: give another --file") from None
    except OSError as error:
        raise InvalidName(f"cannot write {target}: {error.strerror}") from None


def _readme(place: Place, now: datetime) -> str:
    return README.format(
        version=__version__, now=f"{now:%Y-%m-%d %H:%M:%S}Z", namespace=place.namespace
    )


async def _text(part: Awaitable[Any]) -> str:
    """What a file holds: text as it is, data as JSON, or why there is none."""
    try:
        found = await part
    except ClusterError as error:
        return f"not to be had: {error}\n"
    return found if isinstance(found, str) else output.for_programs(found, Form.JSON) + "\n"


async def _known_elsewhere(asked: Inquiry, said: OperatorState | None) -> set[str]:
    """Names of other namespaces, and of the events there, as far as they may be listed."""
    settings = said.settings if said else Resolving()
    known = {*settings.watch_namespaces, *settings.scope_wide_from} - {*asked.kept, "*"}
    for path in ("/api/v1/namespaces", "/apis/customevents.dev/v1alpha1/customevents"):
        try:
            async for item in asked.cluster.metadata(path):
                where = item.get("namespace", item["name"])
                if where not in asked.kept:
                    known |= {where, item["name"]}
        except ClusterError:
            continue  # then only what looks like a name is masked
    return known


async def _check(asked: Inquiry) -> str:
    made = await checkup.check(asked.cluster, asked.place, asked.clock)
    return "".join(f"{each.grade:8} {each.about:22} {each.line}\n" for each in made)


async def _versions(asked: Inquiry, said: OperatorState | None) -> dict[str, Any]:
    return {
        "program": __version__,
        "python": platform.python_version(),
        "operator": said.version if said else None,
        "kubernetes": (await asked.cluster.get("/version")).get("gitVersion"),
    }


async def _state(said: announced.Announced) -> Any:
    if said.said is None:
        return f"not to be had: {said.operator.says}\n"
    return json.loads(said.said.to_json())


async def _lease(asked: Inquiry) -> dict[str, Any]:
    """Without its list, which names events of all tenants."""
    place = asked.place
    found = await statement.election(asked.cluster, place.operator_namespace, place.name)
    listed = statement.journal(found)
    return {
        "spec": found["spec"],
        "inFlight": len(listed.entries),
        "listIsWhole": listed.whole,
    }


async def _settings(asked: Inquiry) -> Any:
    """Those of its Deployment; what comes from elsewhere is named alone."""
    path = f"/apis/apps/v1/namespaces/{checked(asked.place.operator_namespace)}/deployments"
    found = await asked.cluster.get(f"{path}/{asked.place.name}")
    spec = found["spec"]["template"]["spec"]
    (container, *_) = spec["containers"]
    return {
        "image": container.get("image"),
        "replicas": found["spec"].get("replicas"),
        "status": found.get("status", {}).get("conditions"),
        "environment": {
            each["name"]: each.get("value", "(from elsewhere)")
            for each in container.get("env", ())
            if each["name"].startswith(PREFIX)
        },
    }


async def _counts(asked: Inquiry) -> dict[str, Any]:
    """In all namespaces, or in the one where those may not be listed; without a name."""
    try:
        return {"of": "all namespaces", **await _counted(asked, "")}
    except ClusterError:
        return {"of": asked.place.namespace, **await _counted(asked, asked.place.namespace)}


async def _counted(asked: Inquiry, namespace: str) -> dict[str, Any]:
    counter: Counter[str] = Counter()
    async for raw in asked.cluster.all_events(namespace):
        line = table.read_line(raw)
        counter[f"{line.state} ({line.reason})"] += 1
    return {"events": counter.total(), "byState": dict(sorted(counter.items()))}


async def _undelivered(asked: Inquiry) -> list[dict[str, Any]]:
    found = asked.cluster.undelivered(asked.place.namespace)
    return [table.flat(table.read_line(raw)) async for raw in found]


async def _warnings(asked: Inquiry) -> list[dict[str, Any]]:
    both = dict.fromkeys((asked.place.namespace, asked.place.operator_namespace))
    found = [each for namespace in both for each in await _warnings_in(asked, namespace)]
    return sorted(found, key=lambda each: str(each["time"]))[-MOST_WARNINGS:]


async def _warnings_in(asked: Inquiry, namespace: str) -> list[dict[str, Any]]:
    path = f"/apis/events.k8s.io/v1/namespaces/{checked(namespace)}/events"
    page = await asked.cluster.get(f"{path}?fieldSelector=type%3DWarning&limit=500")
    return [
        {
            "time": each.get("eventTime") or each["metadata"].get("creationTimestamp"),
            "about": f"{about.get('kind')} {about.get('namespace')}/{about.get('name')}",
            "reason": each.get("reason"),
            "note": each.get("note"),
        }
        for each in page["items"]
        if (about := each.get("regarding") or {}).get("kind") in ("CustomEvent", "Lease", "Pod")
    ]


async def _log(asked: Inquiry, said: OperatorState | None, *, before: bool = False) -> str:
    """Of the pod that leads, or led last."""
    if said is None or not said.leader:
        raise Gone("nobody says which pod leads", 404)
    pod = said.leader.rpartition("_")[0] or said.leader
    named = of_object("Pod", pod)
    where = f"/api/v1/namespaces/{checked(asked.place.operator_namespace)}/pods/{named}/log"
    return await asked.cluster.text(
        f"{where}?tailLines={MOST_LINES}" + ("&previous=true" if before else "")
    )
