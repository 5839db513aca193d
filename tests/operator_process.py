"""The operator as its users run it: a process with an environment, under a service account."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from localcluster import Cluster

from metrics_page import Scrape

T = TypeVar("T")

#: Seconds; above anything that a busy machine of two cores takes.
PATIENCE = 30.0

#: What Python is given, to be the command line.
PROGRAM = ("-m", "customevents")


def eventually(what: str, ask: Callable[[], T | None], within: float = PATIENCE) -> T:
    """Ask until there is an answer; fail with `what` if there is none in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {within:.0f} s: {what}")


@dataclass(frozen=True)
class RunningOperator:
    """An operator that a test started."""

    process: subprocess.Popen[bytes]
    log_file: Path
    port: int

    @property
    def log(self) -> str:
        """All that it has said."""
        return self.log_file.read_text()

    def says(self, words: str) -> None:
        """Wait until it has said this; what it does may be seen before its log is written."""
        eventually(f"the log says: {words}", lambda: words in self.log or None)

    def terminate(self) -> int:
        """SIGTERM, as Kubernetes does it; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        """SIGKILL, as a node does it that runs out of memory."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE)


def operator_environment(kubeconfig: Path, **settings: str) -> dict[str, str]:
    """The environment of an operator; settings are named as in settings.py."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTOMEVENTS_", "KUBE"))}
    return {
        **clean,
        "KUBECONFIG": str(kubeconfig),
        "CUSTOMEVENTS_HEALTH_HOST": "127.0.0.1",
        "CUSTOMEVENTS_HEALTH_PORT": "0",
        "CUSTOMEVENTS_ALLOW_HTTP": "true",
        "CUSTOMEVENTS_LOG_FORMAT": "text",
        **{f"CUSTOMEVENTS_{name.upper()}": value for name, value in settings.items()},
    }


@contextmanager
def operator(
    folder: Path, kubeconfig: Path, *, program: Sequence[str] = PROGRAM, **settings: str
) -> Iterator[RunningOperator]:
    """Run an operator until the block ends; it must be ready first, and gone after."""
    with starting(folder, kubeconfig, program=program, **settings) as running:
        eventually("the operator is ready", lambda: probe(running, "/readyz") == 200 or None)
        yield running


@contextmanager
def starting(
    folder: Path,
    kubeconfig: Path,
    *,
    pod_name: str = "operator",
    program: Sequence[str] = PROGRAM,
    **settings: str,
) -> Iterator[RunningOperator]:
    """Run an operator until the block ends, as soon as it answers its probes, whatever it says."""
    log_file = folder / f"operator-{time.monotonic_ns()}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "run"],
            env={**operator_environment(kubeconfig, **settings), "POD_NAME": pod_name},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        port = eventually("the operator answers its probes", lambda: _port(process, log_file))
        yield RunningOperator(process, log_file, port)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def probe(running: RunningOperator, path: str) -> int:
    """The status of one probe."""
    return probed(running, path)[0]


def probed(running: RunningOperator, path: str) -> tuple[int, str]:
    """The status of one probe, and what it says."""
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{running.port}{path}", timeout=PATIENCE
        ) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def scrape(running: RunningOperator) -> Scrape:
    """What Prometheus would read."""
    with urllib.request.urlopen(
        f"http://127.0.0.1:{running.port}/metrics", timeout=PATIENCE
    ) as answer:
        return Scrape.of(answer.read().decode())


def _port(process: subprocess.Popen[bytes], log_file: Path) -> int | None:
    said = log_file.read_text()
    if process.poll() is not None:
        raise AssertionError(f"the operator ended at once:\n{said}")
    _, found, rest = said.partition("probes are answered on port ")
    return int(rest.split()[0]) if found and "\n" in rest else None


def said_of_itself(cluster: Cluster) -> dict[str, Any]:
    """What the operator says of itself, as everybody may read it; empty: nothing yet."""
    where = ("-n", "customevents", "get", "configmap", "customevents", "--ignore-not-found")
    told = cluster.kubectl(*where, "-o", r"jsonpath={.data.state\.json}").stdout
    return dict(json.loads(told or "{}"))
