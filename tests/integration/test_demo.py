"""`make demo`: its tour is walked as a newcomer does, with the very commands that it prints."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcluster import Cluster

from curling import path_with_curl
from operating import eventually

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "examples/demo.py"]

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
            ["sh", "-c", script],
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


def test_it_works_on_a_cluster_of_ones_own_and_says_what_stays_there(
    cluster: Cluster, tmp_path: Path
) -> None:
    try:
        with touring(tmp_path, "--kubeconfig", str(cluster.kubeconfig)) as tour:
            apply, *_, namespaces, crd = tour.steps
            tour.run(apply)
            eventually("it has arrived", lambda: tour.has_arrived("checkout 1.4.3 is live"))
            assert namespaces == "kubectl delete namespace demo customevents"
            assert crd == "kubectl delete -f crds/customevents.customevents.dev.yaml"
    finally:
        cluster.kubectl("delete", "namespace", "demo", "--ignore-not-found")  # others use the rest
