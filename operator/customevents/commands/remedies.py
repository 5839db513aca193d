"""What happens next with an event, and the one thing to do about it. Pure.

The words are for somebody who was woken up: what comes by itself and when, and a command to type.
docs/troubleshooting.md says the same at length, by the same reasons.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from customevents.commands import announced
from customevents.commands.remarks import Grade, Remark
from customevents.resource.event import CustomEvent
from customevents.resource.operator_state import OperatorState
from customevents.resource.status import Reason, State

#: Answers that are about the key, and not about the endpoint.
_OF_THE_KEY = (401, 403)


@dataclass(frozen=True)
class Next:
    """What comes by itself, not before `when` where that is known; and what to do, if anything."""

    what: str
    todo: str = ""
    when: datetime | None = None


@dataclass(frozen=True)
class Typed:
    """How the reader types: the program's name, and the flags that choose the cluster."""

    program: str = "customevents"
    flags: str = ""


TYPED = Typed()


def follows(
    event: CustomEvent, said: OperatorState | None, operator: list[Remark], typed: Typed = TYPED
) -> Next:
    """What follows for an event, with what the operator says of itself, and remarks on it."""
    if event.unreadable:
        return Next(
            "nothing: its status cannot be read",
            "run the version of the operator that wrote it, or a newer one",
        )
    if event.deleting:
        return Next("nothing more of it is sent: it is being deleted")
    if event.answered and event.status.delivery.state is not State.HELD:
        return _of_reason(event, said, typed)
    if trouble := _first_wrong(operator):
        return Next("nothing until the operator works", trouble.todo)
    if said is not None and said.rests_until and _waits_for_it(event):
        return Next("it is sent once the endpoint's pause is over", when=said.rests_until)
    if said is not None and _waits_for_it(event) and (paused := _of_the_pause(event, said)):
        return Next(paused[0], paused[1].format_map(_commands(event, typed)))
    if not _is_seen(event):
        words = "the operator looks at what was written last, as soon as it sees it"
        return Next(words, _commands(event, typed)["check"])
    return _of_reason(event, said, typed)


def _first_wrong(remarks: list[Remark]) -> Remark | None:
    return next((each for each in remarks if each.grade is Grade.WRONG and each.todo), None)


def _is_seen(event: CustomEvent) -> bool:
    """Whether the operator has answered what its author wrote last, if only that it waits."""
    observed = event.status.delivered.observed_generation
    asked_again = event.resend not in ("", event.status.delivery.resend)
    return observed == event.generation and not asked_again


def _of_reason(event: CustomEvent, said: OperatorState | None, typed: Typed) -> Next:
    """By its reason; of one that only another version knows, its message speaks."""
    reason, record = event.status.delivered.reason, event.status.delivery
    what, todo = REMEDIES.get(reason, ("see what is said of it above", "{check}"))
    if reason in _BY_CASE:
        what, todo = _BY_CASE[reason](event, said) or (what, todo)
    is_due = record.state is State.RETRYING and reason != Reason.ENDPOINT_PAUSED
    when = record.next_attempt_time if is_due else None
    return Next(what, todo.format_map(_commands(event, typed)), when)


def _commands(event: CustomEvent, typed: Typed) -> dict[str, str]:
    """What a remedy can name, for the cluster that was asked."""
    ours, flags = typed.program, f"-n {event.namespace}{typed.flags}"
    suspend = json.dumps({"spec": {"suspend": False}}, separators=(",", ":"))
    return {
        "check": f"if this stays: {ours} check {flags}",
        "resend": f"{ours} resend {event.name} {flags}",
        "delete": f"kubectl delete cev {event.name} {flags}",
        "send": f"kubectl patch cev {event.name} {flags} --type=merge -p '{suspend}'",
        "labels": f"kubectl get deploy,sts,ds {flags} --show-labels",
        "path": event.path,
        "id": event.status.delivery.id,
    }


#: What comes by itself, and what to do, for each reason.
REMEDIES: dict[str, tuple[str, str]] = {
    Reason.PENDING: ("it is sent when it is its turn", "{check}"),
    Reason.DELIVERED: ("nothing: the events API took it", ""),
    Reason.SUSPENDED: ("nothing is sent while spec.suspend is true", "to send it: {send}"),
    Reason.OPERATOR_PAUSED: (
        "it is sent once the operator may send",
        "set delivery.paused to false in the chart",
    ),
    Reason.NOT_SENT: (
        "it is sent once the operator has a key",
        "mount a Secret that holds the API key, and nothing else (apiKeySecret in the chart)",
    ),
    Reason.NEVER_ARRIVED: (
        "it is tried again",
        "if this stays: look at the way from the operator's pod to the endpoint: DNS, network "
        "policies, and whether it needs a proxy (CUSTOMEVENTS_PROXY)",
    ),
    Reason.REFUSED_FOR_NOW: ("it is tried again", ""),
    Reason.ENDPOINT_PAUSED: ("it is sent once the endpoint takes events again", ""),
    Reason.ENDPOINT_LEVEL: (
        "it is tried again",
        "check the settings site and endpoint of the chart",
    ),
    Reason.REFUSED: (
        "nothing by itself: it was refused for good",
        "edit it, which sends it as a new one; or: {resend}",
    ),
    Reason.UNKNOWN_OUTCOME: ("it is tried again (and may then be there twice)", ""),
    Reason.DEADLINE_EXCEEDED: (
        "nothing by itself: it is too old",
        "to tell it all the same: {resend}",
    ),
    Reason.INVALID: (
        "nothing by itself: it can never be sent as it is",
        "kubectl apply the CRD of the operator's version, and edit what that refuses",
    ),
    Reason.CLUSTER_NAME_UNKNOWN: (
        "it is sent once the cluster's name is known",
        "set clusterName in the chart, or name spec.scope.clusters",
    ),
    Reason.NO_SERVICES_MATCH: (
        "it is sent once a workload matches; that is looked at every minute",
        "compare spec.scope.serviceSelector with: {labels}",
    ),
    Reason.TOO_MANY_SERVICES: (
        "it is sent once the selector selects 200 workloads or fewer",
        "select fewer; or, if all of the namespace are meant, set scope.level to Namespace",
    ),
    Reason.SERVICES_UNKNOWN: (
        "it is sent once its workloads can be listed",
        "let the operator's service account list deployments, statefulsets, daemonsets and "
        "rollouts there",
    ),
    Reason.SCOPE_NOT_ALLOWED: (
        "nothing by itself: it may not reach that far",
        "name nothing beyond its namespace; or list that in scope.wideFrom of the chart, "
        "then: {resend}",
    ),
    Reason.RESTORED_FROM_BACKUP: (
        "nothing by itself: it may have been told before the backup",
        "to tell it: {resend}; else: {delete}",
    ),
    Reason.INTERNAL_ERROR: (
        "it is looked at again, every 5 minutes at least",
        "report it: the operator's log has a traceback beside {path}",
    ),
}


Words = tuple[str, str]


def _delivered(event: CustomEvent, _: OperatorState | None) -> Words | None:
    resolved = event.status.resolved
    if not resolved or not resolved.service_names or resolved.matching_services != 0:
        return None
    return (
        "nothing: the events API took it, but no workload here has a name that it names",
        "correct spec.scope.serviceNames, which sends it as a new one",
    )


def _unknown(event: CustomEvent, said: OperatorState | None) -> Words | None:
    if event.status.delivery.state is not State.HELD:
        return None
    marked = said is None or said.settings.provenance_enabled
    mark = "customevents.dev/id {id}" if marked else "its summary, at the time of its last attempt"
    look = f"look on the timeline for {mark}; if it is not there: {{resend}}"
    return "nothing by itself: it may be there", look


def _of_the_pause(_: CustomEvent, said: OperatorState | None) -> Words | None:
    """What keeps the endpoint from taking events; None: nothing does."""
    what = REMEDIES[Reason.ENDPOINT_PAUSED][0]
    if said is None:
        return what, "{check}"
    remarks = (announced.key(said), announced.endpoint(said))
    wrong = next((each for each in remarks if each.grade is Grade.WRONG), None)
    return (what, _plain(wrong.todo or wrong.says)) if wrong else None


def _waits_for_it(event: CustomEvent) -> bool:
    """Whether it is sent as soon as the endpoint takes events; then no other time is due."""
    return event.status.delivered.reason in _SENT_WHEN_IT_WORKS


_SENT_WHEN_IT_WORKS = frozenset(
    {
        Reason.PENDING,
        Reason.NEVER_ARRIVED,
        Reason.REFUSED_FOR_NOW,
        Reason.ENDPOINT_PAUSED,
        Reason.ENDPOINT_LEVEL,
    }
)


def _of_the_endpoint(event: CustomEvent, _: OperatorState | None) -> Words | None:
    last = event.status.delivery.last_outcome
    if last is None or last.code not in _OF_THE_KEY:
        return None
    return REMEDIES[Reason.ENDPOINT_LEVEL][0], announced.OTHER_KEY


def _plain(words: str) -> str:
    """Words that name no command."""
    return words.replace("{", "{{").replace("}", "}}")


_BY_CASE: dict[str, Callable[[CustomEvent, OperatorState | None], Words | None]] = {
    Reason.DELIVERED: _delivered,
    Reason.UNKNOWN_OUTCOME: _unknown,
    Reason.ENDPOINT_PAUSED: _of_the_pause,
    Reason.ENDPOINT_LEVEL: _of_the_endpoint,
}
