"""`make demo`: its tour is walked as a newcomer does, with the very commands that it prints."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from localcluster import Cluster, build

from operator_process import eventually
from real_curl import path_with_curl

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "examples/demo.py"]
CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"

#: `--for=condition=` fails on a CRD that has no conditions yet.
ESTABLISHED = """jsonpath={.status.conditions[?(@.type=="Established")].status}=True"""

#: What stands behind this is to be pasted.
_COMMAND = re.compile(r"^ {6}(\S.*)$", re.MULTILINE)


class Tour:
    """A demo that has come to its tour."""

    def __init__(self, said: str) -> None:
        found = re.search(r"The timeline: (\S+)/", said)
        assert found, said
        self.page = found[1]
        commands = _COMMAND.findall(said[found.end() :])
        self.before, self.steps = commands[:2], commands[2:]

    def paste(self, *commands: str) -> subprocess.Popen[str]:
        """Paste them into a new terminal."""
        script = "\n".join(["set -e", *self.before, *commands])
        return subprocess.Popen(
            # A terminal's Ctrl-C; what runs behind a shell, as these tests may, ignores it.
            ["env", "--default-signal=INT", "sh", "-c", script],
            cwd=ROOT,
            env={"PATH": path_with_curl(), "HOME": os.environ.get("HOME", "/")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *commands: str) -> str:
        pasted = self.paste(*commands)
        said, _ = pasted.communicate(timeout=60)
        assert pasted.returncode == 0, said
        return said

    def watch(self, command: str, *, until: str) -> None:
        """Paste one that does not end, and end it once it says this."""
        pasted = self.paste(command)
        given_up = threading.Timer(60, lambda: os.killpg(pasted.pid, signal.SIGINT))
        given_up.start()
        try:
            assert pasted.stdout
            assert any(until in line for line in pasted.stdout), f"it never said {until}"
            os.killpg(pasted.pid, signal.SIGINT)
        finally:
            given_up.cancel()
            pasted.communicate(timeout=10)

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.page + path, timeout=10) as answer:
            return json.load(answer)

    def has_arrived(self, summary: str) -> bool:
        return any(each["body"]["summary"] == summary for each in self.ask("/events")["events"])


@contextmanager
def touring(folder: Path, *options: str) -> Iterator[Tour]:
    log = folder / "demo.log"
    with log.open("w") as output:
        demo = subprocess.Popen(
            [*DEMO, *options], cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )

    def said() -> str | None:
        assert demo.poll() is None, log.read_text()
        return log.read_text() if "Ctrl-C stops everything." in log.read_text() else None

    try:
        yield Tour(eventually("the demo comes to its tour", said, within=120))
    finally:
        demo.send_signal(signal.SIGINT)
        status = demo.wait(timeout=60)
    assert status == 0, log.read_text()
    assert log.read_text().endswith("Stopped; nothing is left running.\n")


@contextmanager
def port_8090_taken() -> Iterator[None]:
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a demo has just left it
        with suppress(OSError):  # somebody else has it
            ours.bind(("127.0.0.1", 8090))
            ours.listen()
        yield


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with nothing of ours in it."""
    build()
    with Cluster(tmp_path_factory.mktemp("own-cluster")) as running:
        yield running


def test_each_step_of_the_tour_does_what_it_says(tmp_path: Path) -> None:
    with touring(tmp_path) as tour:
        apply, break_, again, watch, mend = tour.steps
        tour.run(apply)
        eventually("it has arrived", lambda: tour.has_arrived("checkout 1.4.3 is live"))
        tour.run(break_)
        assert tour.ask("/sandbox/faults") == {"faults": [{"status": 503}]}
        tour.run(again)
        tour.watch(watch, until="Retrying")
        assert not tour.has_arrived("checkout 1.4.4 is live")
        tour.run(mend)
        arrived = lambda: tour.has_arrived("checkout 1.4.4 is live")  # noqa: E731
        eventually("it arrives within a minute", arrived, within=60)
        first = tour.ask("/events?limit=1")["events"][0]
        assert first["services"], "the page shows whom an event lands on"


def test_on_a_cluster_of_ones_own_it_can_be_repeated_and_removed(
    own: Cluster, tmp_path: Path
) -> None:
    given = ("--kubeconfig", str(own.kubeconfig))
    for _ in range(2):
        with port_8090_taken(), touring(tmp_path, *given) as tour:
            assert not tour.page.endswith(":8090")
            assert tour.has_arrived("checkout 1.4.2 is live"), "the timeline would be empty"
            apply, *_, namespace, crd = tour.steps
            tour.run(apply)
            eventually("it has arrived", lambda: tour.has_arrived("checkout 1.4.3 is live"))
    tour.run(namespace, crd)
    assert own.kubectl("get", "namespace", "demo", "customevents", check=False).stdout == ""
    assert own.kubectl("get", "crd").stdout == ""


def test_on_a_cluster_of_ones_own_it_touches_no_event_but_its_own(
    own: Cluster, tmp_path: Path
) -> None:
    own.kubectl("create", "-f", str(CRD))
    own.kubectl("wait", f"--for={ESTABLISHED}", "-f", str(CRD))
    try:
        own.kubectl("create", "-n", "default", "-f", str(ROOT / "examples" / "01-quickstart.yaml"))
        with touring(tmp_path, "--kubeconfig", str(own.kubeconfig)) as tour:
            assert tour.steps[5:] == ["kubectl delete namespace demo"], "the CRD is not the demo's"
            tour.run(tour.steps[0])
            eventually("it has arrived", lambda: tour.has_arrived("checkout 1.4.3 is live"))
        path = "jsonpath={.items[*].status.delivery.state}"
        assert own.kubectl("get", "cev", "-n", "default", "-o", path).stdout == "Pending"
    finally:
        own.kubectl("delete", "namespace", "demo", "--ignore-not-found")
        own.kubectl("delete", "-f", str(CRD))


def test_without_a_tour_it_says_what_stays_too(own: Cluster) -> None:
    done = without_a_tour(own)
    own.kubectl("delete", "namespace", "demo")
    own.kubectl("delete", "-f", str(CRD))
    assert (done.returncode, done.stderr) == (0, "")
    assert _COMMAND.findall(done.stdout) == [
        "kubectl delete namespace demo",
        "kubectl delete -f crds/customevents.customevents.dev.yaml",
    ]


def test_where_an_operator_is_at_work_it_starts_nothing(own: Cluster) -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "customevents",
            "namespace": "default",
            "annotations": {"customevents.dev/in-flight": "{}"},
        },
        "spec": {
            "holderIdentity": "customevents-7d9f",
            "renewTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        },
    }
    own.kubectl("create", "-f", "-", input=json.dumps(lease))
    try:
        assert "an operator is at work in this cluster (Lease default/customevents)" in refusal(own)
    finally:
        own.kubectl("delete", "lease", "customevents", "-n", "default")


def test_a_namespace_of_somebody_elses_is_left_as_it_is(own: Cluster) -> None:
    own.kubectl("create", "namespace", "demo")
    try:
        assert "has a namespace demo that is not the demo's" in refusal(own)
        assert own.kubectl("get", "namespace", "demo").stdout
    finally:
        own.kubectl("delete", "namespace", "demo")


def refusal(own: Cluster) -> str:
    """The one line that it ends with; it has changed nothing."""
    done = without_a_tour(own)
    assert done.returncode == 1, done.stdout
    assert own.kubectl("get", "crd").stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def without_a_tour(own: Cluster) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, "--wait", "no", "--kubeconfig", str(own.kubeconfig)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
