"""What the operator says of itself, as remarks: whether it works, and what to do if it does not.

What only the operator can know (the key, the endpoint, the account) is read where it says so, so
that nobody needs the key for this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from customevents import __version__
from customevents.commands import statement
from customevents.commands.remarks import Remark, ok, warning, wrong
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Gone
from customevents.resource.operator_state import BreakerState, Key, OperatorState

#: Seconds after which an operator that says nothing is silent: it says something every minute.
SILENT = 150.0

#: Seconds from which on a difference between a clock and the API server's is told.
SKEW = 2.0

#: More seconds than that are not counted; the clock of whoever wrote them may be of any size.
FAR = 1e9

#: What to do about a key that the events API refuses.
OTHER_KEY = "use the API key of a user, not the agent's key; it may have expired"

_DOWN = "does not answer, or only with errors of its own (HTTP 5xx)"
_WAY = (
    "it is tried again; where there is no answer at all, look at the way there from the operator's "
    "pod: DNS, network policies, and whether it needs a proxy (CUSTOMEVENTS_PROXY)"
)
_PODS = "look at the operator's pods and their log; events wait until then"
_ELSEWHERE = (
    "install the chart, or say where it is by --operator-namespace; and of a release with "
    "watchNamespaces, --operator-name=RELEASE-customevents"
)


@dataclass(frozen=True)
class Announced:
    """What it says, if that can be read, and a remark on whether it is there and leads."""

    said: OperatorState | None
    operator: Remark


async def ask(cluster: Cluster, namespace: str, name: str) -> Announced:
    """Read what the operator of this place says. Raises InvalidName."""
    where = statement.place(namespace, name)
    try:
        said = await statement.read(cluster, namespace, name)
    except Gone:
        missing = f"there is no {where}, which an operator that leads would have"
        return Announced(None, wrong("operator", missing, _ELSEWHERE))
    except ClusterError as error:
        unread = f"{where} may not be read ({error})"
        return Announced(None, warning("operator", unread, "ask an administrator to look"))
    if said is None:
        odd = f"{where} does not say what an operator says"
        todo = "delete it; an operator that runs writes it anew within a minute"
        return Announced(None, wrong("operator", odd, todo))
    return Announced(said, ok("operator", f"{said.leader} leads ({where})"))


def leads(announced: Announced, now: datetime) -> Remark:
    """Whether somebody leads, whatever was written there by hand."""
    said = announced.said
    if said is None:
        return announced.operator
    if said.renewed is None:
        return wrong("operator", "it does not say when it was last there", _PODS)
    if not said.leader:
        since = f"{said.renewed:%Y-%m-%d %H:%M}Z"
        return wrong("operator", f"nobody leads since {since}, when it was stopped", _PODS)
    age = (now - said.renewed).total_seconds()
    if age > SILENT:
        return wrong("operator", f"{said.leader} has been silent for {age:.0f} s", _PODS)
    return announced.operator


def all_remarks(said: OperatorState, namespace: str) -> list[Remark]:
    """All that it says, in the order of an event's way."""
    return [
        _version(said),
        *watched(said, namespace),
        *seen(said),
        *sends(said),
        key(said),
        endpoint(said),
        _waiting(said),
        *clock("the operator's node", said.clock_skew),
        cluster_name(said),
    ]


def _version(said: OperatorState) -> Remark:
    if said.version == __version__:
        return ok("version", said.version)
    words = f"the operator is {said.version or 'of no known version'}, this program {__version__}"
    return warning("version", words, "use the program of the operator's version")


def watched(said: OperatorState, namespace: str) -> list[Remark]:
    """A remark if the operator leaves this namespace alone."""
    those = said.settings.watch_namespaces
    if not those or namespace in those:
        return []
    words = f"{namespace} is not watched; the operator watches {', '.join(those)}"
    return [wrong("namespace", words, "add it to watchNamespaces in the chart")]


def seen(said: OperatorState) -> list[Remark]:
    """A remark if changes of events do not reach the operator."""
    if not said.unwatched:
        return []
    of_some = f"in {said.unwatched} of its namespaces, " if said.settings.watch_namespaces else ""
    todo = "its log and /readyz say where and why; docs/troubleshooting.md says what to look at"
    return [wrong("watch", f"{of_some}changes of events go unseen", todo)]


def halted(said: OperatorState) -> list[Remark]:
    """A remark if nothing is sent until somebody has mended what it names, and restarted it."""
    return [wrong("endpoint", "nothing is sent", said.halted)] if said.halted else []


def sends(said: OperatorState) -> list[Remark]:
    """A remark if a setting keeps it from sending anything."""
    if not said.settings.delivery_paused:
        return []
    return [warning("sending", "it is told to send nothing", "set delivery.paused to false")]


def key(said: OperatorState) -> Remark:
    """Whether the events API takes the key."""
    match said.key:
        case Key.OK:
            return ok("key", "the events API takes it")
        case Key.REFUSED:
            return wrong("key", "the events API refuses it", OTHER_KEY)
        case Key.MISSING:
            words = said.paused or "the operator has none that it can use"
            return wrong("key", words, "mount a Secret that holds the API key (apiKeySecret)")
        case Key.UNKNOWN:
            words = "not known yet whether the events API takes it"
            return warning("key", words, "the first event that is sent shows it: customevents send")
    assert_never(said.key)


def endpoint(said: OperatorState) -> Remark:
    """Whether events are sent there."""
    if said.halted:
        return halted(said)[0]
    if said.key in (Key.REFUSED, Key.MISSING):
        return warning("endpoint", f"{said.endpoint}; nothing is sent until the key works")
    if said.paused:
        return wrong("endpoint", f"{said.endpoint}: {said.paused}")
    if said.rests_until is not None:
        until = f"{said.rests_until:%Y-%m-%d %H:%M:%S}Z"
        words = f"{said.endpoint} asked to be left alone until {until} (Retry-After)"
        return warning("endpoint", words, "nothing; sending goes on by itself then")
    if said.breaker is BreakerState.OPEN:
        return wrong("endpoint", f"{said.endpoint} {_DOWN}", _WAY)
    return ok("endpoint", said.endpoint)


def _waiting(said: OperatorState) -> Remark:
    if not said.waiting or said.oldest is None:
        return ok("queue", "nothing waits")
    wait = "1 event waits" if said.waiting == 1 else f"{said.waiting} events wait"
    since = f"the oldest since {said.oldest:%Y-%m-%d %H:%M}Z"
    return ok("queue", f"{wait}, {since}; customevents list -A says why")


def clock(whose: str, skew: float | None) -> list[Remark]:
    """A remark if a clock is off.

    `skew`: seconds by which it is ahead of the API server's; None: that is not known.
    """
    if skew is None or abs(skew) <= SKEW:
        return []
    where = "ahead of" if skew > 0 else "behind"
    words = f"that of {whose} is {min(abs(skew), FAR):.0f} s {where} the API server's"
    return [warning("clock", words, "set it by NTP; events are judged by the API server's")]


def cluster_name(said: OperatorState) -> Remark:
    """Whether the operator knows this cluster's name, and the account knows a cluster of it."""
    if not said.cluster_name:
        todo = "set clusterName in the chart; events that need it are held"
        return wrong("cluster name", "the operator does not know this cluster's name", todo)
    shown = f"{said.cluster_name} ({said.cluster_name_source})"
    if said.cluster_known is False:
        todo = "events with it would land on no service; set clusterName to the name in the account"
        return warning("cluster name", f"{shown}, which the account does not know", todo)
    known = ", known to the account" if said.cluster_known else ""
    return ok("cluster name", shown + known)
