"""`customevents probe`: what the API makes of what its documents leave open is found out."""

from __future__ import annotations

import itertools
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from localcluster import Cluster
from typer.testing import CliRunner

from customevents import sandbox
from customevents.cli import app
from integration.conftest import Events, Shell
from integration.tenants import CLUSTER, HOME, Tenants
from namespaces import temporary_namespace
from operator_process import PATIENCE, eventually, operator, operator_environment

#: The switches that the events of a probe can meet, and the others.
MET = {
    "eventType": ("60", "30", "30 cut"),
    "unknownNames": ("taken", "refused"),
    "errorShape": ("first", "second", "none"),
    "longestBody": (1048576, 20000),
}
OTHERS = {
    "unknownKeys": ("refused", "ignored"),
    "details": ("strings", "any value"),
    "emptyLists": ("refused", "not narrowed"),
}

#: What the account knows, where it refuses names that it does not know.
INVENTORY = {CLUSTER: {"shop": ["checkout"]}}

Switches = dict[str, Any]


def combinations(switches: dict[str, tuple[Any, ...]]) -> list[Switches]:
    return [
        dict(zip(switches, values, strict=True)) for values in itertools.product(*switches.values())
    ]


#: All that the events can meet; of the others each in turn.
COMBINATIONS = [
    met | others
    for met, others in zip(
        combinations(MET), itertools.cycle(combinations(OTHERS)[:-1]), strict=False
    )
]

#: Each with each; the rest of them is for `make promises`.
ALL = [
    pytest.param(switches, marks=[] if switches in COMBINATIONS else pytest.mark.full)
    for switches in combinations(MET | OTHERS)
]


@dataclass(frozen=True)
class Account:
    """A namespace whose events an operator sends to a sandbox."""

    cluster: Cluster
    api: client.ApiClient
    namespace: str
    timeline: sandbox.Running

    def behave(self, **switches: Any) -> None:
        self.timeline.call("PUT", "/sandbox/behaviour", switches)
        self.timeline.call("PUT", "/sandbox/inventory", INVENTORY)
        self.timeline.call("DELETE", "/events")

    def probe(
        self, *args: str, namespace: str = "", code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end; whatever that is, nothing is left, and no name is told."""
        where = namespace or self.namespace
        done = subprocess.run(
            [sys.executable, "-m", "customevents", "probe", *args, "-n", where],
            env=operator_environment(self.cluster.kubeconfig),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self._ended(where, done.stdout + done.stderr)
        assert done.returncode == code, done
        return done

    def found(self) -> Any:
        """All that a program reads; in this process, as it is asked for so often."""
        command = ["probe", "--yes", "-o", "json", "-n", self.namespace]
        env = {"KUBECONFIG": str(self.cluster.kubeconfig)}
        done = CliRunner().invoke(app, command, env=env)
        self._ended(self.namespace, done.output)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def _ended(self, namespace: str, output: str) -> None:
        assert left(self.api, namespace) == []
        endpoint = self.timeline.url.removeprefix("http://")
        for name in (CLUSTER, namespace, endpoint):
            assert name not in output

    def shown(self, summary: str) -> dict[str, Any]:
        """The row of the timeline that a person is told to look at."""
        rows = self.timeline.call("GET", "/events?limit=100")["events"]
        (body,) = (r["body"] for r in rows if r["body"]["summary"].startswith(summary))
        return dict(body)


def left(api: client.ApiClient, namespace: str) -> list[str]:
    """The names of the CustomEvents that are there."""
    where = ("customevents.dev", "v1alpha1", namespace, "customevents")
    listed: Any = client.CustomObjectsApi(api).list_namespaced_custom_object(*where)
    return [item["metadata"]["name"] for item in listed["items"]]


@pytest.fixture(scope="module")
def probed(
    cluster: Cluster,
    api: client.ApiClient,
    account: Path,
    key_file: Path,
    tenants: Tenants,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Account]:
    """One operator for all tests; another namespace than these two is seen by none."""
    assert tenants
    with (
        temporary_namespace(api, f"quiet-{secrets.token_hex(3)}") as namespace,
        sandbox.running() as timeline,
        operator(
            tmp_path_factory.mktemp("probe"),
            account,
            api_key_file=str(key_file),
            endpoint=timeline.url,
            cluster_name=CLUSTER,
            watch_namespaces=f"{namespace},{HOME}",
            delivery_rate="0",
        ),
    ):
        yield Account(cluster, api, namespace, timeline)


def by_topic(found: Any) -> dict[str, Any]:
    return {finding["about"]: finding for finding in found["findings"]}


def decided(account: Account, found: Any) -> str:
    """How long a type may be: what is said of it, and by the timeline where that does not tell."""
    answers = by_topic(found)["eventType"]["answers"]
    looks = [look["summary"] for look in found["look"] if look["about"] == "eventType"]
    if not looks:
        (only,) = answers
        return str(only)
    assert answers == ["60", "30 cut"]
    return "60" if account.shown(looks[0])["eventType"].endswith("end") else "30 cut"


def shapes(switches: Switches) -> list[str]:
    """The shapes of errors that cannot be told apart under these switches."""
    of_a_field = switches["eventType"] == "30" or switches["unknownNames"] == "refused"
    if not of_a_field and switches["longestBody"] != 20000:
        return []
    if of_a_field or switches["errorShape"] == "second":
        return [switches["errorShape"]]
    return ["first", "none"]


@pytest.mark.parametrize("switches", ALL, ids=lambda s: " ".join(map(str, s.values())))
def test_it_finds_out_how_the_api_behaves(probed: Account, switches: Switches) -> None:
    probed.behave(**switches)
    found = probed.found()
    assert decided(probed, found) == switches["eventType"]
    findings = by_topic(found)
    assert findings["unknownNames"]["answers"] == [switches["unknownNames"]]
    assert findings["errorShape"]["answers"] == shapes(switches)
    body = findings["longestBody"]
    assert (body["atLeast"], body.get("below")) == (
        (16384, 34816) if switches["longestBody"] == 20000 else (73728, None)
    )
    assert findings["summary"]["atLeast"] == 4096
    assert len(found["events"]) == 14


def test_each_value_of_each_switch_was_met() -> None:
    assert (len(COMBINATIONS), len(ALL)) == (36, 288)
    for name, values in (MET | OTHERS).items():
        assert {switches[name] for switches in COMBINATIONS} == set(values)


def test_the_other_switches_change_nothing(probed: Account) -> None:
    told = []
    for at in (0, 1):
        probed.behave(eventType="30", **{name: values[at] for name, values in OTHERS.items()})
        found = probed.found()
        told.append([{k: v for k, v in each.items() if k != "name"} for each in found["events"]])
        told[-1] += found["findings"]
    assert told[0] == told[1]


def test_a_person_reads_what_came_of_each_and_where_to_look(probed: Account) -> None:
    probed.behave(eventType="30", longestBody=20000, unknownNames="refused")
    done = probed.probe("--yes")
    (about,) = done.stderr.splitlines()
    run = about.partition("customevents.dev/probe=")[2]
    table, findings, looks = done.stdout.split("\n\n")
    rows = dict(line.split("  ", 1) for line in table.splitlines())
    assert {asked: answer.strip() for asked, answer in rows.items()} == {
        "ASKED": "ANSWER",
        "a plain event": "taken: HTTP 201",
        "an eventType of 30 characters": "taken: HTTP 201",
        "an eventType of 31 characters": "refused: HTTP 400, names eventType",
        "an eventType of 60 characters": "refused: HTTP 400, names eventType",
        "a summary of 100 characters": "taken: HTTP 201",
        "a summary of 101 characters": "taken: HTTP 201",
        "a summary of 4096 characters": "taken: HTTP 201",
        "details of 8 KB": "taken: HTTP 201",
        "details of 16 KB": "taken: HTTP 201",
        "details of 32 KB": "refused: HTTP 413, names no field",
        "details of 64 KB": "refused: HTTP 413, names no field",
        "details of 72 KB": "refused: HTTP 413, names no field",
        "a service that does not exist": "refused: HTTP 400, names scope.servicesNames",
        "a cluster that does not exist": "refused: HTTP 400, names scope.clusters",
    }
    assert findings.splitlines() == [
        "eventType: 30 characters are taken, 31 are refused",
        "unknownNames: a service that does not exist is refused; "
        "a cluster that does not exist is refused",
        "errorShape: the first: it names fields, and no request",
        "longestBody: 16 KB are taken, 32 are refused",
        "summary: 4096 characters are taken, and no event here has more",
        "Unknown keys, details that are no strings, and empty lists need no probe: "
        "no event of this operator has any.",
    ]
    assert looks.splitlines() == [
        "Look at these on the timeline, the answers cannot tell:",
        f'  "probe {run}: a summary of 4096 characters": '
        'is its summary whole (then it ends in "end"), or cut?',
        f'  "probe {run}: details of 16 KB": are all of its details there?',
    ]


def test_what_the_rules_of_the_cluster_forbid_stays_open(probed: Account) -> None:
    probed.behave()
    done = probed.probe("--yes", "--as", "own", namespace=HOME)
    assert "not asked: you may not create it (the cluster's HTTP 403)" in done.stdout
    assert (
        "unknownNames: a service that does not exist is taken; a cluster that does not exist is "
        "not asked (it may take the verb broadcast on customevents)\n"
    ) in done.stdout


def test_where_not_even_a_plain_event_is_delivered_nothing_else_is_asked(probed: Account) -> None:
    probed.behave()
    probed.timeline.call("DELETE", "/sandbox/requests")
    probed.timeline.call("PUT", "/sandbox/faults", {"status": 503})
    try:
        done = probed.probe("--yes", code=1)
        asked = probed.timeline.call("GET", "/sandbox/requests?target=events&limit=100")
    finally:
        probed.timeline.call("DELETE", "/sandbox/faults")
    assert "no answer: HTTP 503" in done.stdout
    assert "nothing can be concluded: see customevents check" in done.stdout
    assert "eventType" not in done.stdout
    (sent,) = (json.loads(request["body"])["summary"] for request in asked["requests"])
    assert sent.endswith("a plain event")
    assert by_topic(probed.found()), "mended, it is asked again"


def test_without_yes_it_only_says_what_it_would_do(probed: Account) -> None:
    probed.behave()
    done = probed.probe(code=2)
    assert done.stdout == ""
    *asks, last = done.stderr.splitlines()
    assert (len(asks), asks[0]) == (14, "  a plain event")
    assert last == (
        "customevents: these 14 events would be on the account's timeline, and stay there; "
        "nothing was created: give --yes to send them"
    )
    assert probed.timeline.call("GET", "/events")["events"] == []


def test_what_is_not_answered_in_time_is_said_and_removed(probed: Account, events: Events) -> None:
    done = probed.probe("--yes", "--timeout", "1", namespace=events.namespace, code=1)
    assert "no answer: Pending (Pending)" in done.stdout


def test_ctrl_c_removes_what_was_created(
    events: Events, customevents: Shell, api: client.ApiClient
) -> None:
    command = [sys.executable, "-m", "customevents", "probe", "--yes", "-n", events.namespace]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        # What runs behind a shell may be told to ignore it, and its children with it.
        ["env", "--default-signal=INT", *command],
        env=customevents.env,
        text=True,
        stdout=pipe,
        stderr=pipe,
    ) as running:
        eventually("it has begun", lambda: left(api, events.namespace))
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=PATIENCE)
    assert (running.returncode, said[0], "Traceback" in said[1]) == (130, "", False)
    assert left(api, events.namespace) == []


def test_what_cannot_be_deleted_is_named(
    events: Events, customevents: Shell, api: client.ApiClient
) -> None:
    verbs, of = "--verb=create,get,list", "--resource=customevents.customevents.dev"
    events.kubectl("create", "role", "teller", verbs, of)
    events.kubectl("create", "rolebinding", "teller", "--role=teller", "--user=teller")
    done = customevents("probe", "--yes", "--timeout", "1", "--as", "teller")
    (there,) = left(api, events.namespace)
    assert done.returncode == 4
    last = done.stderr.splitlines()[-1]
    delete = f"kubectl delete cev -n {events.namespace} {there}"
    assert last == f"customevents: not deleted, so delete them: {delete}"


def test_who_may_create_none_gets_one_line(
    events: Events, customevents: Shell, api: client.ApiClient
) -> None:
    done = customevents("probe", "--yes", "--as", "nobody")
    assert (done.returncode, done.stdout) == (4, "")
    assert "cannot create resource" in done.stderr.splitlines()[-1]
    assert left(api, events.namespace) == []
