"""Each command that is named as a remedy is run as it stands there, and ends as documented."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from localcluster import KUBECTL

from customevents import sandbox
from integration import workloads
from integration.conftest import Events, StartOperator
from operator_process import RunningOperator, eventually

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


def commands(text: str) -> list[str]:
    """All that a page tells its readers to type."""
    inline = re.findall(r"`((?:customevents|kubectl|curl) [^`]+)`", text)
    blocks = re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    return list(dict.fromkeys(" ".join(each.split()) for each in [*inline, *blocks]))


@dataclass
class Bench:
    """A namespace, an operator, and a shell in which commands are typed as they stand."""

    events: Events
    timeline: sandbox.Running
    operator: RunningOperator
    env: dict[str, str]

    def types(self, command: str, name: str = "checkout") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", re.sub(r"\bNAME\b", name, command)],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def refused(self, name: str = "checkout") -> None:
        self.timeline.call("PUT", "/sandbox/faults", {"status": 400})
        self.events.apply(name, SPEC)
        self.events.until(name, "Failed")
        self.timeline.call("DELETE", "/sandbox/faults")


@pytest.fixture
def bench(
    events: Events, timeline: sandbox.Running, start_operator: StartOperator, tmp_path: Path
) -> Bench:
    operator = start_operator()
    (programs := tmp_path / "programs").mkdir()
    for name, program in (
        ("customevents", f'exec {shlex.quote(sys.executable)} -m customevents "$@"'),
        ("kubectl", f'exec {shlex.quote(str(KUBECTL))} "$@"'),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{program}\n")
        (programs / name).chmod(0o755)
    kubeconfig = yaml.safe_load(events.cluster.kubeconfig.read_text())
    kubeconfig["contexts"][0]["context"]["namespace"] = events.namespace
    (here := tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    path = f"{programs}:{os.environ['PATH']}"
    env = {"PATH": path, "KUBECONFIG": str(here), "HOME": str(programs)}
    return Bench(events, timeline, operator, env)


Ends = Callable[[Bench, str], None]


def resends_it(bench: Bench, command: str) -> None:
    bench.refused()
    assert bench.types(command).returncode == 0
    bench.events.until("checkout", "Delivered")


def waits_for_it(bench: Bench, command: str) -> None:
    bench.refused()
    assert bench.types(command).returncode == 1
    bench.events.apply("delivered", SPEC)
    assert bench.types(command, "delivered").returncode == 0


def shows_it(bench: Bench, command: str) -> None:
    bench.refused()
    done = bench.types(command)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"{bench.events.namespace}[ /]+checkout .*Refused", done.stdout)


def says_all_is_well(bench: Bench, command: str) -> None:
    bench.events.apply("checkout", SPEC)
    bench.events.until("checkout", "Delivered")
    eventually("all is well", lambda: bench.types(command).returncode == 0 or None)


def writes_a_file(bench: Bench, command: str) -> None:
    done = bench.types(f"cd $HOME && {command}")
    assert done.stdout.endswith(".zip is written\n"), done.stderr


def shows_labels(bench: Bench, command: str) -> None:
    labelled = workloads.workload("checkout", labels={"team": "shop"})
    workloads.apply(bench.events.cluster, bench.events.namespace, labelled)
    assert "team=shop" in bench.types(command).stdout


def describes_the_lease(bench: Bench, command: str) -> None:
    assert "Lease" in bench.types(command).stdout


def answers_what_is_wrong(bench: Bench, command: str) -> None:
    """There is no kubelet that would forward a port: the operator's own is asked."""
    command = command.replace("8080", str(bench.operator.port))
    eventually("it is ready", lambda: bench.types(command).stdout == "ok\n" or None)


ENDS: dict[str, Ends | None] = {
    "customevents explain NAME": shows_it,
    "kubectl get cev -A": shows_it,
    "customevents list -A": shows_it,
    "customevents check": says_all_is_well,
    "customevents report": writes_a_file,
    "customevents resend NAME": resends_it,
    "customevents resend --failed": resends_it,
    'kubectl annotate cev NAME customevents.dev/resend="$(date +%s)" --overwrite': resends_it,
    "customevents wait NAME --timeout 60": waits_for_it,
    "kubectl get deploy,sts,ds --show-labels": shows_labels,
    "kubectl -n customevents describe lease": describes_the_lease,
    "kubectl -n customevents port-forward pod/NAME-OF-THE-POD 8080 &": None,  # takes a kubelet
    "kubectl get pods": None,  # so does a pod
    "curl localhost:8080/readyz": answers_what_is_wrong,
}


def test_every_command_of_the_page_is_tried() -> None:
    assert set(commands(PAGE.read_text())) == set(ENDS)


@pytest.mark.parametrize("command", [each for each, ends in ENDS.items() if ends])
def test_a_command_of_the_page_ends_as_documented(bench: Bench, command: str) -> None:
    ends = ENDS[command]
    assert ends is not None
    ends(bench, command)


# What `explain` itself names as the thing to do.


def suspended(bench: Bench) -> str:
    bench.events.apply("checkout", {**SPEC, "suspend": True})
    return "Suspended"


def failed(bench: Bench) -> str:
    bench.refused()
    return "Failed"


def held(bench: Bench) -> str:
    bench.timeline.call("PUT", "/sandbox/faults", {"status": 500, "count": 1})
    bench.events.apply("checkout", {**SPEC, "onUnknownOutcome": "Hold"})
    return "Held"


def expired(bench: Bench) -> str:
    bench.events.apply("checkout", {**SPEC, "occurredAt": "2024-01-31T12:00:00Z"})
    return "Expired"


def restored(bench: Bench) -> str:
    bench.events.apply("checkout", SPEC, labels={"velero.io/restore-name": "monday"})
    return "Held"


@pytest.mark.parametrize("brings_about", [suspended, failed, held, expired, restored])
def test_the_one_thing_to_do_is_done_and_the_event_is_delivered(
    bench: Bench, brings_about: Callable[[Bench], str]
) -> None:
    bench.events.until("checkout", brings_about(bench))
    told = json.loads(bench.types("customevents explain checkout -o json").stdout)
    command, *others = re.findall(r"(?:customevents|kubectl) [^;]+", told["next"]["todo"])
    assert bench.types(command).returncode == 0
    delivered = bench.types("customevents wait checkout --timeout 30")
    assert delivered.returncode == 0, delivered.stdout
    for delete in others:
        assert "deleted" in bench.types(delete).stdout
