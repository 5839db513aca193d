"""One event, told from its author to the timeline: what `customevents explain` says.

Top down, as somebody reads who was woken up: what was written, whom it is about and how that is
known, what was tried, whether the operator and the endpoint work, and what happens next.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text
from rich.tree import Tree

from customevents.answers import one_line
from customevents.clocks import ClusterClock
from customevents.commands import announced, output, remedies, statement
from customevents.commands.announced import Announced
from customevents.commands.remarks import STYLES as GRADES
from customevents.commands.remarks import Grade, Remark, flat
from customevents.commands.remedies import TYPED, Next, Typed
from customevents.commands.table import STYLES, UNREADABLE
from customevents.commands.usage import printable
from customevents.kube import Cluster
from customevents.resource.errors import UnreadableEvent
from customevents.resource.event import CustomEvent, read_event, read_without_status
from customevents.resource.lease import Listed
from customevents.resource.operator_state import OperatorState
from customevents.resource.status import DeliveryRecord, ResolvedScope, State

#: The parts of a scope, by their names in the status, and where each came from.
PARTS = ("clusters", "namespaces", "serviceNames")
WIDEST = max(map(len, PARTS))

#: Names of a part that are shown; of more, the rest are counted.
MOST_NAMES = 10


@dataclass(frozen=True)
class InFlight:
    """The attempt of this event that the journal lists, if that can be read."""

    attempt: int | None = None
    #: Why the journal cannot be read from here.
    unread: str = ""


@dataclass(frozen=True)
class Explanation:
    """What is known of an event at this time."""

    event: CustomEvent
    #: Why its status cannot be read; empty: it can.
    unreadable: str
    said: Announced
    #: Whether somebody leads, watches its namespace and sees what changes there.
    operator: tuple[Remark, ...]
    in_flight: InFlight
    now: datetime
    #: How the reader types commands for this cluster.
    typed: Typed = TYPED

    @property
    def next(self) -> Next:
        """What happens next, or the one thing to do."""
        if self.in_flight.attempt is not None and not self.event.needs_nothing:
            words = f"attempt {self.in_flight.attempt} is under way: its answer is awaited"
            return Next(f"{words}, for half a minute or so")
        return remedies.follows(self.event, self.said.said, list(self.operator), self.typed)


async def explain(
    cluster: Cluster,
    namespace: str,
    name: str,
    operator: tuple[str, str],
    clock: ClusterClock,
    typed: Typed = TYPED,
) -> Explanation:
    """Ask about an event, all at once. `operator`: namespace and name of what it says of itself.

    Raises ClusterError if the event cannot be read, and UnreadableEvent if it is none.
    """
    raw, said, listed = await asyncio.gather(
        cluster.get_event(namespace, name),
        announced.ask(cluster, *operator),
        statement.under_way(cluster, *operator),
    )
    event, unreadable = _read(raw)
    now = clock.now()
    operators = tuple(_of_the_operator(said, namespace, now))
    in_flight = _in_flight(listed, event)
    return Explanation(event, unreadable, said, operators, in_flight, now, typed)


def _read(raw: dict[str, Any]) -> tuple[CustomEvent, str]:
    try:
        return read_event(raw), ""
    except UnreadableEvent as error:
        return read_without_status(raw), str(error)


def _in_flight(listed: Listed | str, event: CustomEvent) -> InFlight:
    if isinstance(listed, str):
        return InFlight(unread=listed)
    record = event.status.delivery
    told = (record.sequence, record.attempts)
    # What is told already stands in the list until something else is written there.
    ours = [
        entry.attempt
        for entry in listed.entries
        if entry.uid == event.uid and (entry.sequence, entry.attempt) > told
    ]
    return InFlight(ours[0] if ours else None)


def _of_the_operator(said: Announced, namespace: str, now: datetime) -> Iterator[Remark]:
    yield announced.leads(said, now)
    if said.said is not None:
        yield from announced.watched(said.said, namespace)
        yield from announced.seen(said.said)
        yield from announced.halted(said.said)


# For people.


def tree(told: Explanation) -> Tree:
    """The whole as a tree."""
    root = Tree(_headline(told), guide_style="dim")
    for title, says, below in _branches(told):
        branch = root.add(Text.assemble((f"{title:9} ", "bold"), says))
        for line in below:
            branch.add(line)
    return root


Branch = tuple[str, Text, list[Text]]


def _headline(told: Explanation) -> Text:
    event, condition = told.event, told.event.status.delivered
    if told.unreadable:
        return output.text(told.unreadable, "red")
    state = event.status.delivery.state
    words = printable(one_line(condition.message)).removeprefix(f"{state}: ")
    reason = "" if condition.reason == state else f" ({condition.reason})"
    shown = (printable(f"{state}{reason}"), STYLES.get(state, ""))
    return Text.assemble(f"{event.path} is ", shown, f": {words}" if words else "")


def _branches(told: Explanation) -> Iterator[Branch]:
    yield _written(told)
    yield _scope(told)
    yield _attempts(told)
    yield _operator(told)
    if told.said.said is not None:
        said = told.said.said
        yield "endpoint", _graded(announced.endpoint(said)), [_graded(announced.key(said), "key: ")]
        yield _account(said)
    yield _next(told)


def _written(told: Explanation) -> Branch:
    event, spec = told.event, told.event.spec
    what = f"{spec.get('eventType', '')}, {spec.get('severity') or 'Info'}: {spec.get('summary')}"
    below = [_text(f"last changed {_at(event.changed, told.now)}, generation {event.generation}")]
    if at := spec.get("occurredAt"):
        below.append(_text(f"happened at {at}"))
    return "written", _text(one_line(what)), below


def _scope(told: Explanation) -> Branch:
    event, resolved = told.event, told.event.status.resolved
    if resolved is None:
        written = json.dumps(event.spec.get("scope"), ensure_ascii=False)
        below = [_text(f"as written: {one_line(written)}")] if event.spec.get("scope") else []
        flags = f"-n {event.namespace}{told.typed.flags}"
        look = f"{told.typed.program} render {event.name} {flags}"
        return "scope", _text(f"not worked out yet; as it would be now: {look}"), below
    parts = [_text(line) for line in _parts(resolved)]
    return "scope", _text(resolved.reach), [*parts, *_matching(resolved)]


def _parts(resolved: ResolvedScope) -> Iterator[str]:
    for part, names in _named(resolved):
        source = resolved.sources.get(part)
        from_there = f" ({source})" if source else ""
        yield f"{part:{WIDEST}} {_names(names)}{from_there}"


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more if names else "not narrowed"


def _named(resolved: ResolvedScope) -> list[tuple[str, tuple[str, ...]]]:
    lists = (resolved.clusters, resolved.namespaces, resolved.service_names)
    return list(zip(PARTS, lists, strict=True))


def _matching(resolved: ResolvedScope) -> list[Text]:
    match resolved.matching_services:
        case None:
            return []
        case 0:
            style = "yellow" if resolved.service_names else ""
            return [_text("no workload of this cluster matches", style)]
        case 1:
            return [_text("1 workload of this cluster matches")]
        case count:
            return [_text(f"{count} workloads of this cluster match")]


def _attempts(told: Explanation) -> Branch:
    record, under_way = told.event.status.delivery, told.in_flight
    below = [_text(line) for line in _last(record, told.now)]
    if under_way.attempt is not None:
        below.append(_text(f"in flight: attempt {under_way.attempt}"))
    elif under_way.unread:
        below.append(_text(f"in flight: not to be seen from here ({under_way.unread})"))
    return "attempts", _text(f"{record.attempts or 'none yet'}{_copies(record)}"), below


def _copies(record: DeliveryRecord) -> str:
    """How often it may be on the timeline, where that is not sure."""
    if not record.unknown_outcomes:
        return ""
    most = record.unknown_outcomes + (record.state is State.DELIVERED)
    return "; it may be on the timeline" + (f", up to {most} times" if most > 1 else "")


def _last(record: DeliveryRecord, now: datetime) -> Iterator[str]:
    if record.last_attempt_time is None:
        return
    last = record.last_outcome
    yield f"last {_at(record.last_attempt_time, now)}" + (f": {_outcome(record)}" if last else "")
    yield f"delivery id {record.id}"


def _outcome(record: DeliveryRecord) -> str:
    last = record.last_outcome
    if last is None:
        return ""
    code = f", HTTP {last.code}" if last.code else ""
    about = f", about {', '.join(last.fields)}" if last.fields else ""
    request = f", request {last.request_id}" if last.request_id else ""
    return f"{last.outcome_class}{code}{about}{request}"


def _operator(told: Explanation) -> Branch:
    first, *others = map(_graded, told.operator)
    return "operator", first, others


def _account(said: OperatorState) -> Branch:
    name, known = said.cluster_name, said.cluster_known
    if not name:
        return "account", _text("the operator does not know this cluster's name", "yellow"), []
    shown = f"{name} ({said.cluster_name_source})"
    if known is None:
        return "account", _text(f"not known yet whether it has a cluster {shown}"), []
    if not known:
        words = f"has no cluster {shown}: what names it lands on no service"
        return "account", _text(words, "yellow"), []
    return "account", _text(f"has a cluster {shown}"), []


def _next(told: Explanation) -> Branch:
    coming = told.next
    when = "" if coming.when is None else f", {_due(coming.when, told.now)}"
    below = [_text(coming.todo, "bold")] if coming.todo else []
    return "next", _text(coming.what + when), below


def _graded(remark: Remark, before: str = "") -> Text:
    """What is said; of all that there is to do, the last branch names the one thing."""
    style = "" if remark.grade is Grade.OK else GRADES.get(remark.grade, "")
    return _text(before + remark.says, style)


def _due(time: datetime, now: datetime) -> str:
    return _at(time, now) if time > now else "now"


def _at(time: datetime, now: datetime) -> str:
    """A time, and how far off it is."""
    seconds = (now - time).total_seconds()
    off = f"{output.span(seconds)} ago" if seconds >= 0 else f"in {output.span(-seconds)}"
    return f"{off} ({time:%Y-%m-%d %H:%M:%S}Z)"


def _text(words: str, style: str = "") -> Text:
    return output.text(words, style)


# For programs.


def data(told: Explanation) -> dict[str, Any]:
    """The whole as plain data; what is not known is left out."""
    event, status = told.event, told.event.status
    coming = told.next
    whole = {
        "namespace": event.namespace,
        "name": event.name,
        **_state_data(told),
        "written": {
            **{key: event.spec.get(key) for key in ("eventType", "summary", "severity")},
            "changed": output.rfc3339(event.changed),
            "generation": event.generation,
        },
        "scope": _scope_data(status.resolved),
        "attempts": None if told.unreadable else _attempts_data(told),
        "operator": [flat(remark) for remark in told.operator],
        **_said_data(told.said.said),
        "next": {
            "what": coming.what,
            "todo": coming.todo,
            "when": output.rfc3339(coming.when) if coming.when else None,
        },
    }
    return _known(whole)


def _state_data(told: Explanation) -> dict[str, Any]:
    """As `list` has it."""
    if told.unreadable:
        return {"state": UNREADABLE, "message": told.unreadable}
    status = told.event.status
    condition = status.delivered
    return {
        "state": status.delivery.state.value,
        "reason": condition.reason,
        "message": condition.message,
    }


def _scope_data(resolved: ResolvedScope | None) -> dict[str, Any] | None:
    if resolved is None:
        return None
    parts = {
        part: {"names": list(names), "source": resolved.sources.get(part)}
        for part, names in _named(resolved)
    }
    return {"reach": resolved.reach, **parts, "matchingServices": resolved.matching_services}


def _attempts_data(told: Explanation) -> dict[str, Any]:
    record = told.event.status.delivery
    last = record.last_outcome
    return {
        "count": record.attempts,
        "unknownOutcomes": record.unknown_outcomes,
        "deliveryId": record.id,
        "last": record.last_attempt_time and output.rfc3339(record.last_attempt_time),
        "outcome": last and last.outcome_class.value,
        "code": last and last.code,
        "fields": last and last.fields and list(last.fields),
        "requestId": last and last.request_id,
        "inFlight": told.in_flight.attempt,
        "journal": told.in_flight.unread or "read",
    }


def _said_data(said: OperatorState | None) -> dict[str, Any]:
    if said is None:
        return {}
    return {
        "endpoint": flat(announced.endpoint(said)),
        "key": flat(announced.key(said)),
        "clusterName": flat(announced.cluster_name(said)),
    }


def _known(whole: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known."""
    return {
        key: _known(value) if isinstance(value, dict) else value
        for key, value in whole.items()
        if value not in (None, "")
    }
