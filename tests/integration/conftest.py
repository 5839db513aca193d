"""The real thing: a control plane, the sandbox, and the operator as a process with few rights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from localcluster import Cluster

from customevents import sandbox
from integration.tenants import CLUSTER, RIGHTS, Tenants, scope_policy
from operator_process import RunningOperator, eventually, operator, operator_environment
from proxy import ApiProxy

HERE = Path(__file__).parent


class Events:
    """The CustomEvents of one namespace: through kubectl, and as they arrive at the other end."""

    def __init__(self, cluster: Cluster, namespace: str, timeline: sandbox.Running) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.timeline = timeline

    def manifest(self, name: str, spec: dict[str, Any], **metadata: Any) -> str:
        return json.dumps(
            {
                "apiVersion": "customevents.dev/v1alpha1",
                "kind": "CustomEvent",
                "metadata": {"name": name, "namespace": self.namespace, **metadata},
                "spec": spec,
            }
        )

    def apply(self, name: str, spec: dict[str, Any], **metadata: Any) -> None:
        self.cluster.kubectl("apply", "-f", "-", input=self.manifest(name, spec, **metadata))

    def create(self, name: str, spec: dict[str, Any], **metadata: Any) -> None:
        self.cluster.kubectl("create", "-f", "-", input=self.manifest(name, spec, **metadata))

    def kubectl(self, *args: str) -> str:
        return self.cluster.kubectl("-n", self.namespace, *args).stdout

    def get(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", "cev", name, "-o", "json"))
        return found

    def until(self, name: str, state: str, *, generation: int = 1) -> dict[str, Any]:
        """The object, once it is in this state and the operator has seen this generation."""

        def look() -> dict[str, Any] | None:
            found = self.get(name)
            condition = found["status"]["conditions"][0]
            reached = found["status"]["delivery"]["state"] == state
            return found if reached and condition.get("observedGeneration") == generation else None

        return eventually(f"{name} is {state}", look)

    def sent(self) -> list[dict[str, Any]]:
        """What the timeline shows of this namespace, oldest first: body, idempotencyKey, ..."""
        return [e for e in self.timeline.call("GET", "/events")["events"] if self._is_ours(e)]

    def in_flight(self, name: str) -> bool:
        """Whether an attempt of this event is in the operator's journal."""
        found = self.cluster.kubectl(
            "get", "lease", "customevents", "-n", "customevents", "-o", "json"
        )
        listed = json.loads(found.stdout)["metadata"]["annotations"]["customevents.dev/in-flight"]
        return any({self.namespace, name} <= {*row} for row in json.loads(listed)["entries"])

    def _is_ours(self, event: dict[str, Any]) -> bool:
        source: str = event["body"]["details"]["customevents.dev/source"]
        return source.startswith(f"{self.namespace}/")


class Existing(Protocol):
    def __call__(self, *objects: dict[str, Any]) -> AbstractContextManager[None]: ...


class Shell:
    """The command line, as the cluster's administrator in the test's namespace."""

    def __init__(self, events: Events) -> None:
        self._namespace = events.namespace
        self.env = operator_environment(events.cluster.kubeconfig)

    def __call__(
        self, *args: str, stdin: str | None = None, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        where = () if "-n" in args else ("-n", self._namespace)
        return subprocess.run(
            [sys.executable, "-m", "customevents", *args, *where],
            env=self.env | ({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


class StartOperator(Protocol):
    def __call__(self, *, kubeconfig: Path | None = None, **settings: str) -> RunningOperator: ...


@pytest.fixture(scope="session")
def account(cluster: Cluster) -> Path:
    """A kubeconfig of the operator's service account."""
    cluster.kubectl("apply", "-f", str(HERE / "rbac.yaml"))
    return cluster.service_account_kubeconfig("customevents", "customevents")


@pytest.fixture
def proxy(account: Path, tmp_path: Path) -> Iterator[ApiProxy]:
    """Between the API server and whoever takes its kubeconfig, which is the operator's own."""
    with ApiProxy(account, tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def komodor(cluster: Cluster) -> str:
    """The namespace in which the agent is believed; it stays, with nothing in it."""
    cluster.kubectl("create", "namespace", "komodor")
    return "komodor"


@pytest.fixture
def existing(cluster: Cluster) -> Existing:
    """Objects of others, for as long as a block lasts: the tests share the cluster."""

    @contextmanager
    def exist(*objects: dict[str, Any]) -> Iterator[None]:
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        cluster.kubectl("create", "-f", "-", input=listed)
        try:
            yield
        finally:
            cluster.kubectl("delete", "-f", "-", input=listed)

    return exist


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "api-key"
    path.write_text("test-key\n")
    return path


@pytest.fixture
def timeline() -> Iterator[sandbox.Running]:
    """A sandbox of the test's own."""
    with sandbox.running() as running:
        yield running


@pytest.fixture
def start_operator(
    account: Path, key_file: Path, timeline: sandbox.Running, tmp_path: Path
) -> Iterator[StartOperator]:
    """Starts operators that watch everything and post to `timeline`, unless told otherwise."""
    with ExitStack() as stack:

        def start(*, kubeconfig: Path | None = None, **settings: str) -> RunningOperator:
            given = {
                "api_key_file": str(key_file),
                "endpoint": timeline.url,
                "cluster_name": "prod-eu-1",
                **settings,
            }
            return stack.enter_context(operator(tmp_path, kubeconfig or account, **given))

        yield start


@pytest.fixture
def events(cluster: Cluster, namespace: str, timeline: sandbox.Running) -> Iterator[Events]:
    yield Events(cluster, namespace, timeline)
    # Its namespace goes later, and the next test's operator would take up what is undelivered.
    collection = f"/apis/customevents.dev/v1alpha1/namespaces/{namespace}/customevents"
    cluster.kubectl("delete", "--raw", collection)


@pytest.fixture
def customevents(events: Events) -> Shell:
    return Shell(events)


@pytest.fixture(scope="session")
def unjudged_tenants(cluster: Cluster) -> Tenants:
    """The users of tenants.yaml, as soon as their roles have what is aggregated into them."""
    cluster.kubectl("apply", "-f", str(RIGHTS))
    tenants = Tenants(cluster)
    may = ("auth", "can-i", "create", "customevents.customevents.dev")
    eventually("edit and admin include CustomEvents", lambda: _all_may(tenants, may) or None)
    return tenants


@pytest.fixture(scope="module")
def tenants(unjudged_tenants: Tenants) -> Iterator[Tenants]:
    """The same users under the policy, for the length of a module: the cluster is shared."""
    with scope_policy(unjudged_tenants, CLUSTER):
        yield unjudged_tenants


def _all_may(tenants: Tenants, question: tuple[str, ...]) -> bool:
    return all(tenants.kubectl(user, *question) == "yes\n" for user in ("own", "admin"))
