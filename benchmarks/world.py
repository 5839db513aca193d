"""What all contestants meet: a real API server with etcd, and an events API, on one core."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import machine
from localcluster import Cluster, build, build_module

from promises.crowd import OPEN, Api, administrator

T = TypeVar("T")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CRDS = sorted((ROOT / "crds").glob("*.yaml"))
RIGHTS = (
    ROOT / "tests" / "integration" / "rbac.yaml",  # the chart's
    HERE / "naive-rbac.yaml",
    HERE / "rivals-rbac.yaml",
)

_EVENTS = "/apis/customevents.dev/v1alpha1"

#: Seconds; far above anything that is measured.
PATIENCE = 600.0


class Call(NamedTuple):
    """One kind of request, as the API server counts them."""

    verb: str
    resource: str
    subresource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{'/' if self.subresource else ''}{self.subresource}"


class Created(NamedTuple):
    """An event, when it was due to be created, and when that was answered; ns since 1970."""

    name: str
    intended: int
    answered: int


@dataclass(frozen=True)
class World:
    """A cluster and an events API that run."""

    cluster: Cluster
    api: Api
    sink: str
    sink_process: int
    folder: Path

    @property
    def processes(self) -> dict[str, int]:
        """Theirs, by name."""
        etcd, api_server, *_ = self.cluster.processes
        return {"etcd": etcd, "API server": api_server, "events API": self.sink_process}

    @property
    def key_file(self) -> Path:
        """Holds what the events API takes for a key: anything."""
        return self.folder / "key"

    def account(self, name: str) -> Path:
        """A kubeconfig with the token of the service account of this name, and its namespace's."""
        return self.cluster.service_account_kubeconfig(name, name)

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """A namespace, and its events only as long as the block lasts."""
        self.cluster.kubectl("create", "namespace", name)
        try:
            yield name
        finally:
            self.api.call("DELETE", f"{_EVENTS}/namespaces/{name}/customevents")
            self.cluster.kubectl("delete", "namespace", name, "--wait=false")

    def create(
        self,
        namespaces: Sequence[str],
        count: int,
        *,
        prefix: str = "event",
        rate: float = 0,
        status: Path | None = None,
    ) -> list[Created]:
        """Create events, so many a second whatever the answers do (0: as fast as it goes)."""
        command = [
            *(str(machine.RIVALS), "create", "--kubeconfig", str(self.cluster.kubeconfig)),
            *("--namespaces", ",".join(namespaces), "--prefix", prefix),
            *("--count", str(count), "--rate", str(rate)),
            *(("--status", str(status)) if status else ()),
        ]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        rows = (line.split() for line in told.splitlines())
        return [Created(name, int(intended), int(answered)) for name, intended, answered in rows]

    def posts(self) -> int:
        """How many events the events API has got."""
        return int(self._sink("GET", "/count"))

    def arrivals(self) -> dict[str, int]:
        """When each event got there first, by what it calls itself; ns since 1970."""
        found: dict[str, int] = {}
        for line in self._sink("GET", "/arrivals").splitlines():
            row = json.loads(line)
            found.setdefault(row["bench"], row["at"])
        return found

    def forget(self) -> None:
        """Have the events API forget what it got."""
        self._sink("POST", "/reset")

    def calls(self) -> Counter[Call]:
        """How many requests of each kind were answered; a watch counts when it ends."""
        counted: Counter[Call] = Counter()
        for line in self.api.call("GET", "/metrics").decode().splitlines():
            if line.startswith("apiserver_request_total{"):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
                call = Call(labels["verb"], labels["resource"], labels["subresource"])
                counted[call] += int(float(line.split()[-1]))
        return counted

    def any_open(self, namespace: str) -> bool:
        """Whether an event is not delivered yet."""
        query = {"fieldSelector": OPEN, "limit": "1"}
        path = f"{_EVENTS}/namespaces/{namespace}/customevents"
        return bool(json.loads(self.api.call("GET", path, query=query))["items"])

    def one(self, namespace: str) -> dict[str, Any]:
        """Any event of a namespace."""
        path = f"{_EVENTS}/namespaces/{namespace}/customevents"
        found: dict[str, Any] = json.loads(self.api.call("GET", path, query={"limit": "1"}))
        return dict(found["items"][0])

    def _sink(self, method: str, path: str) -> str:
        request = urllib.request.Request(f"{self.sink}{path}", method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return str(answer.read().decode())


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Build what is missing, and start it all on the first core."""
    build()
    machine.RIVALS.parent.mkdir(parents=True, exist_ok=True)
    build_module(HERE / "rivals", machine.RIVALS)
    with ExitStack() as stack:
        with machine.on(machine.THEIRS):
            cluster = stack.enter_context(Cluster(folder / "cluster", crds=CRDS))
            port = _free_port()
            sink = stack.enter_context(
                running(
                    [str(machine.RIVALS), "sink", "--listen", f"127.0.0.1:{port}"], folder, "ready"
                )
            )
        for file in RIGHTS:
            cluster.kubectl("apply", "-f", str(file))
        (folder / "key").write_text("test-key\n")
        api = stack.enter_context(administrator(cluster.kubeconfig))
        yield World(cluster, api, f"http://127.0.0.1:{port}", sink.pid, folder)


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    says: str,
    *,
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """A process that has said this, until the block ends; what it says stands in a file."""
    log = folder / f"{time.monotonic_ns()}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        until(lambda: says in log.read_text() or _ended(process, log))
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ended(process: subprocess.Popen[str], log: Path) -> bool:
    if process.poll() is not None:
        raise SystemExit(f"{process.args!r} ended at once: {log.read_text()[-1000:]}")
    return False


def until(asked: Callable[[], T], *, every: float = 0.02, within: float = PATIENCE) -> T:
    """Ask until there is an answer. Raises TimeoutError."""
    end = time.monotonic() + within
    while not (answer := asked()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {within:.0f} s")
        time.sleep(every)
    return answer


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
