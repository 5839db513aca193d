"""`customevents explain`: an object is brought into each reason, and what is said is kept.

The files in `explained/` are what a user reads, for reviewers to read as well. To write them anew:
`EXPLAINED=write pytest tests/integration/test_explain.py`; what changed is then seen in the diff.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from customevents import sandbox
from customevents.clocks import now
from customevents.delivery.state import Moment, Policy, stumbled, to_status
from customevents.resource.event import read_event
from customevents.resource.lease import IN_FLIGHT, read_entries
from customevents.resource.status import Reason
from integration import workloads
from integration.conftest import Events, Shell, StartOperator
from operator_process import RunningOperator, eventually, said_of_itself
from proxy import Answer, ApiProxy, Hold, Rule

KEPT = Path(__file__).parent / "explained"

CRD = Path(__file__).parents[2] / "crds" / "customevents.customevents.dev.yaml"
SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: More workloads than one event can name.
TOO_MANY = 201

EVENT_TYPE = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/eventType"

#: What the operator says of itself, unless a state says otherwise.
WELL = {"key": "ok", "clusterKnown": True, "paused": False}


@dataclass
class World:
    """What a state is made with."""

    events: Events
    timeline: sandbox.Running
    starts: StartOperator
    folder: Path
    proxy: ApiProxy
    operators: list[RunningOperator] = field(default_factory=list)

    def start(self, **settings: Any) -> None:
        self.operators.append(self.starts(**settings))

    def start_and_keep_the_first_status(self, **settings: Any) -> None:
        """After its backoff, it would say that it waits for the endpoint."""
        self.proxy.add(Rule("PATCH", "/customevents/checkout/status", Hold(after=True)))
        self.start(kubeconfig=self.proxy.kubeconfig, **settings)

    def let(self, number: int) -> None:
        """SIGSTOP keeps the world as it is while it is looked at; SIGCONT lets it go on."""
        for running in self.operators:
            running.process.send_signal(number)

    def settle(self, case: Case) -> None:
        """Stop the operator between two attempts, once it says what this state is about."""

        def settled() -> bool:
            if not self.reached(case):
                return False
            self.let(signal.SIGSTOP)
            if self.reached(case):
                return True
            self.let(signal.SIGCONT)
            return False

        eventually(f"it is {case.reason}", lambda: settled() or None)

    def reached(self, case: Case) -> bool:
        return reason_of(self.events) == case.reason and (not self.operators or self.says(case))

    def says(self, case: Case) -> bool:
        state = said_of_itself(self.events.cluster)
        said = {**state, "paused": bool(state.get("paused"))}
        return case.said.items() <= said.items() and not self.is_in_flight()

    def is_in_flight(self) -> bool:
        get = ("get", "lease", "customevents", "-n", "customevents", "-o", "json")
        found = json.loads(self.events.cluster.kubectl(*get).stdout)["metadata"]["annotations"]
        record = self.events.get("checkout")["status"]["delivery"]
        return any(
            self.events.namespace == entry.namespace and entry.attempt > record.get("attempts", 0)
            for entry in read_entries(found[IN_FLIGHT]).entries
            if entry.name == "checkout"
        )

    def fault(self, **fault: Any) -> None:
        self.timeline.call("PUT", "/sandbox/faults", fault)

    def apply(self, spec: dict[str, Any] | None = None, **metadata: Any) -> None:
        self.events.apply("checkout", SPEC | (spec or {}), **metadata)

    def apply_workloads(self, *manifests: dict[str, Any]) -> None:
        workloads.apply(self.events.cluster, self.events.namespace, *manifests)


@dataclass(frozen=True)
class Case:
    """A state: how it is made, the reason that is reached, and what the operator says then."""

    make: Callable[[World], AbstractContextManager[None] | None]
    reason: str
    said: dict[str, Any]


CASES: dict[str, Case] = {}


def case(reason: Reason, kept: str = "", **said: Any) -> Callable[[Any], Any]:
    """Its file in `explained/` is called by its reason, unless there is another one of it."""

    def keep(make: Any) -> Any:
        CASES[kept or reason.value] = Case(make, reason, WELL | said)
        return make

    return keep


NOT_SENT_YET = {"key": "unknown"}


@case(Reason.PENDING)
def nobody_has_looked_at_it(world: World) -> None:
    world.apply()


@case(Reason.DELIVERED)
def it_is_on_the_timeline(world: World) -> None:
    world.apply_workloads(workloads.workload("checkout"))
    world.start()
    world.apply({"scope": {"serviceNames": ["checkout"]}})


@case(Reason.DELIVERED, "Delivered-misspelt")
def it_names_a_service_that_is_not_there(world: World) -> None:
    world.start()
    world.apply({"scope": {"serviceNames": ["checkuot"]}})


@case(Reason.SUSPENDED, **NOT_SENT_YET)
def its_author_suspended_it(world: World) -> None:
    world.start()
    world.apply({"suspend": True})


@case(Reason.OPERATOR_PAUSED, **NOT_SENT_YET)
def the_operator_is_told_to_send_nothing(world: World) -> None:
    world.start(delivery_paused="true")
    world.apply()


@case(Reason.NOT_SENT, key="missing", clusterKnown=None, paused=True)
def there_is_no_key(world: World) -> None:
    world.start(api_key_file=str(world.folder / "absent"))
    world.apply()


@case(Reason.NEVER_ARRIVED, clusterKnown=None, **NOT_SENT_YET)
@contextmanager
def nobody_listens_at_the_endpoint(world: World) -> Iterator[None]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        world.start(endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        world.apply()
        yield


@case(Reason.REFUSED_FOR_NOW, **NOT_SENT_YET)
def the_endpoint_is_busy(world: World) -> None:
    world.fault(status=408)
    world.start()
    world.apply()


@case(Reason.ENDPOINT_PAUSED, key="refused", clusterKnown=None, paused=True)
def another_event_met_the_agents_key(world: World) -> None:
    key = world.folder / "key"
    key.write_text("not-the-test-key")
    world.start(api_key_file=str(key))
    world.events.apply("another", SPEC)
    eventually("another meets it", lambda: reason_of(world.events, "another") != "Pending" or None)
    world.apply()


@case(Reason.ENDPOINT_LEVEL, key="refused", clusterKnown=None, paused=True)
def it_is_the_first_to_meet_the_agents_key(world: World) -> None:
    key = world.folder / "key"
    key.write_text("not-the-test-key")
    world.start_and_keep_the_first_status(api_key_file=str(key))
    world.apply()


@case(Reason.ENDPOINT_LEVEL, "EndpointLevel-site", paused=True, **NOT_SENT_YET)
def it_is_the_first_to_meet_a_wrong_site(world: World) -> None:
    world.fault(status=404)
    world.start_and_keep_the_first_status()
    world.apply()


@case(Reason.REFUSED)
def the_events_api_refuses_it(world: World) -> None:
    world.timeline.call("PUT", "/sandbox/behaviour", {"eventType": "30", "errorShape": "second"})
    world.start()
    world.apply({"eventType": "a release of some very long train"})


@case(Reason.UNKNOWN_OUTCOME, **NOT_SENT_YET)
def its_answer_was_lost(world: World) -> None:
    world.fault(status=500)
    world.start()
    world.apply()


@case(Reason.UNKNOWN_OUTCOME, "UnknownOutcome-held", **NOT_SENT_YET)
def its_answer_was_lost_and_its_author_wants_it_once(world: World) -> None:
    world.fault(status=500)
    world.start()
    world.apply({"onUnknownOutcome": "Hold"})


@case(Reason.DEADLINE_EXCEEDED, **NOT_SENT_YET)
def it_is_two_years_old(world: World) -> None:
    world.start()
    world.apply({"occurredAt": "2024-01-31T12:00:00Z"})


@case(Reason.INVALID, **NOT_SENT_YET)
@contextmanager
def an_older_crd_let_it_in(world: World) -> Iterator[None]:
    cluster, name = world.events.cluster, "customevents.customevents.dev"
    change = [{"op": "replace", "path": f"{EVENT_TYPE}/maxLength", "value": 100}]
    cluster.kubectl("patch", "crd", name, "--type=json", "-p", json.dumps(change))
    try:
        world.start()
        long = world.events.manifest("checkout", {**SPEC, "eventType": "release" * 9})
        create = ("create", "-f", "-")
        eventually(
            "it is let in",
            lambda: cluster.kubectl(*create, input=long, check=False).returncode == 0 or None,
        )
        yield
    finally:
        cluster.kubectl("replace", "-f", str(CRD))


@case(Reason.CLUSTER_NAME_UNKNOWN, clusterKnown=None, **NOT_SENT_YET)
def nothing_tells_the_name(world: World) -> None:
    world.start(cluster_name="")
    world.apply()


@case(Reason.NO_SERVICES_MATCH, **NOT_SENT_YET)
def its_selector_selects_nothing(world: World) -> None:
    world.start()
    world.apply({"scope": {"serviceSelector": {"matchLabels": {"app": "checkuot"}}}})


@case(Reason.TOO_MANY_SERVICES, **NOT_SENT_YET)
def its_selector_selects_too_many(world: World) -> None:
    labels = {"team": "shop"}
    names = [f"checkout-{number}" for number in range(TOO_MANY)]
    world.apply_workloads(*(workloads.workload(name, labels=labels) for name in names))
    world.start()
    world.apply({"scope": {"serviceSelector": {"matchLabels": labels}}})


@case(Reason.SERVICES_UNKNOWN, **NOT_SENT_YET)
def the_operator_may_not_list_workloads(world: World) -> None:
    refusal = Answer(403, message="statefulsets.apps is forbidden")
    world.proxy.add(Rule("GET", r"/statefulsets\?", refusal, count=None))
    world.start(kubeconfig=world.proxy.kubeconfig)
    world.apply({"scope": {"serviceSelector": {"matchLabels": {"app": "checkout"}}}})


@case(Reason.SCOPE_NOT_ALLOWED, **NOT_SENT_YET)
def it_reaches_too_far(world: World) -> None:
    world.start(scope_wide_from="-")
    world.apply({"scope": {"level": "Account"}})


@case(Reason.RESTORED_FROM_BACKUP, **NOT_SENT_YET)
def a_backup_brought_it_back(world: World) -> None:
    world.start()
    world.apply(labels={"velero.io/restore-name": "monday"})


@case(Reason.INTERNAL_ERROR, **NOT_SENT_YET)
def the_operator_tripped_over_it(world: World) -> None:
    """No defect is known that could be met here: the status is written as one would be."""
    world.start()
    eventually(
        "it knows the cluster", lambda: said_of_itself(world.events.cluster).get("clusterKnown")
    )
    world.let(signal.SIGSTOP)
    world.apply()
    event = read_event(world.events.get("checkout"))
    ending = stumbled(event, "KeyError", 60.0, Moment(Policy(), now()))
    assert ending.verdict is not None
    status = to_status(ending.verdict, event, event.generation, now())
    patch = ("patch", "cev", "checkout", "--subresource=status", "--type=merge", "-p")
    world.events.kubectl(*patch, json.dumps({"status": status.to_json()}))


def reason_of(events: Events, name: str = "checkout") -> str:
    (condition,) = events.get(name)["status"]["conditions"]
    return str(condition["reason"])


@pytest.fixture
def world(
    events: Events,
    timeline: sandbox.Running,
    proxy: ApiProxy,  # it outlives the operator
    start_operator: StartOperator,
    tmp_path: Path,
) -> Iterator[World]:
    timeline.call("PUT", "/sandbox/inventory", {"prod-eu-1": {events.namespace: ["checkout"]}})
    forget = ("delete", "configmap", "customevents", "-n", "customevents", "--ignore-not-found")
    events.cluster.kubectl(*forget)
    made = World(events, timeline, start_operator, tmp_path, proxy)
    yield made
    made.let(signal.SIGCONT)
    proxy.clear()


def kept(world: World, said: str) -> str:
    """What is said, without what is another each time."""
    told = said.replace(world.events.namespace, "shop").replace(str(world.folder), "/run")
    for pattern, word in (
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
        (r"\boperator_\w+", "operator_1"),
        (r"\d+[smhd] ago \(\d{4}-[^)]*Z\)", "N ago (TIME)"),
        (r"in \d+[smhd] \(\d{4}-[^)]*Z\)", "in N (TIME)"),
        (r"(?m)(it is tried again.*), now$", r"\1, in N (TIME)"),
        (r"(Retrying(?s:.)*attempts +)\d+", r"\1N"),
        (r"; it may be on the timeline, up to \d+ times", "; it may be on the timeline"),
        (r" +\n", "\n"),
    ):
        told = re.sub(pattern, word, told)
    return told


def test_every_reason_is_explained() -> None:
    assert {case.reason for case in CASES.values()} == {reason.value for reason in Reason}
    assert sorted(path.stem for path in KEPT.glob("*.txt")) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_an_event_is_what_was_kept(
    world: World, customevents: Shell, name: str
) -> None:
    case = CASES[name]
    with case.make(world) or nullcontext():
        world.settle(case)
        done = customevents("explain", "checkout")
        world.let(signal.SIGCONT)
    assert (done.returncode, done.stderr) == (0, "")
    said = kept(world, done.stdout)
    file = KEPT / f"{name}.txt"
    if os.environ.get("EXPLAINED") == "write":
        file.write_text(said)
    assert said == file.read_text()
