"""The operator in its container, against a real control plane and the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from containers import CACHE, CONFINED, ENVIRONMENT, IMAGE, ROOT, USER, podman, require, try_podman

from customevents import sandbox

__all__ = [
    "ClusterError",
    "commands_with_a_kubeconfig",
    "in_a_strangers_pod",
    "operator_drains",
]

sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "localcluster"))

from localcluster import Cluster, ClusterError, build

from plain_cluster import PlainCluster

CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
RIGHTS = ROOT / "tests" / "integration" / "rbac.yaml"
CONTAINER = "customevents-image-check"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

#: A user such as OpenShift gives out.
STRANGER = 1000680000

#: Seconds; above anything that a busy machine takes.
PATIENCE = 60.0
#: What a pod is given to end in: the longest POST and 20 seconds (terminationGracePeriodSeconds).
GRACE = 50


@dataclass(frozen=True)
class Running:
    """The operator in its container."""

    process: subprocess.Popen[bytes]
    log: Path

    def await_words(self, words: str) -> None:
        """Wait until the operator has said this."""
        end = time.monotonic() + PATIENCE
        while words not in self.log.read_text():
            ended = self.process.poll() is not None or time.monotonic() > end
            require(not ended, f"the operator did not say {words!r}:\n{self.log.read_text()}")
            time.sleep(0.02)


def operator_drains() -> str:
    """It delivers an event on a real control plane, and SIGTERM ends it in order."""
    build()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
        cluster = stack.enter_context(Cluster(folder / "cluster", crds=[CRD]))
        cluster.kubectl("apply", "-f", str(RIGHTS))
        timeline = stack.enter_context(sandbox.running())
        begin = time.monotonic()
        operator = stack.enter_context(_operator(folder, _given(folder, cluster), timeline.url))
        operator.await_words("probes are answered on port ")
        ready = time.monotonic() - begin
        _deliver(cluster)
        sent = len(timeline.call("GET", "/events")["events"])
        require(sent == 1, f"{sent} events arrived instead of one")
        seconds = _terminate(operator)
    return f"started in {ready:.1f} s, 1 event Delivered, SIGTERM -> exit 0 in {seconds:.2f} s"


def in_a_strangers_pod() -> str:
    """In a pod without a name server, as a user of OpenShift's choice, on a plain authority."""
    build()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
        cluster = stack.enter_context(PlainCluster(folder / "cluster", crds=[CRD]))
        cluster.kubectl("apply", "-f", str(RIGHTS))
        timeline = stack.enter_context(sandbox.running())
        pod = _pod(folder, cluster)
        operator = stack.enter_context(_operator(folder, pod, timeline.url))
        operator.await_words("probes are answered on port ")
        begin = time.monotonic()
        _deliver(cluster)
        seconds = time.monotonic() - begin
        _edit(cluster)
        sent = len(timeline.call("GET", "/events")["events"])
        require(sent == 2, f"{sent} events arrived instead of two")
        said = podman(*pod.run(), IMAGE, "list", "--all-namespaces")
        _terminate(operator)
    return f"Python {_python()}: Delivered in {seconds:.1f} s, and its edit; {said or 'listed'}"


def commands_with_a_kubeconfig() -> str:
    """`list` and `check` as a stranger, with all that a kubeconfig holds inside it."""
    build()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
        cluster = stack.enter_context(PlainCluster(folder / "cluster", crds=[CRD]))
        given = folder / "kubeconfig"
        given.write_text(cluster.kubeconfig.read_text())
        given.chmod(0o400)
        os.chown(given, STRANGER, 0)
        flags = (f"--user={STRANGER}:0", "--passwd=false", f"--volume={given}:/kubeconfig:ro")
        place = Place(flags, {"KUBECONFIG": "/kubeconfig"})
        listed, checked = (try_podman(*place.run(), IMAGE, name) for name in ("list", "check"))
    nothing = "Everything in default is delivered."
    require(nothing in listed.stderr, f"list says {listed.stdout}{listed.stderr}")
    asked = f"at {cluster.server}"
    require(asked in checked.stdout, f"check says {checked.stdout}{checked.stderr}")
    return f"list and check ask {cluster.server}"


@dataclass(frozen=True)
class Place:
    """How a container finds its cluster."""

    #: Flags of podman, and variables of the container.
    flags: tuple[str, ...]
    variables: dict[str, str]

    def run(self) -> list[str]:
        """The beginning of a command that runs something there."""
        variables = [f"--env={name}={value}" for name, value in self.variables.items()]
        return [*CONFINED, "--network=host", *self.flags, *variables]


def _pod(folder: Path, cluster: Cluster) -> Place:
    """What the kubelet gives a pod, and nothing else; the names that it knows are its own."""
    account = folder / "account"
    account.mkdir()
    kubeconfig = json.loads(
        cluster.service_account_kubeconfig("customevents", "customevents").read_text()
    )
    (account / "token").write_text(kubeconfig["users"][0]["user"]["token"])
    (account / "ca.crt").write_bytes(cluster.ca_file.read_bytes())
    (account / "namespace").write_text("customevents")
    (account / "api-key").write_text("test-key\n")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    server = urlsplit(cluster.server)
    return Place(
        (
            f"--user={STRANGER}:0",
            "--passwd=false",  # podman would give the user a name, which Kubernetes does not
            f"--volume={account}:{SERVICE_ACCOUNT}:ro",
            f"--volume={folder / 'resolv.conf'}:/etc/resolv.conf:ro",
        ),
        {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "CUSTOMEVENTS_API_KEY_FILE": f"{SERVICE_ACCOUNT}/api-key",
        },
    )


def _python() -> str:
    return podman("run", "--rm", "--entrypoint=python", IMAGE, "-c", _VERSION)


_VERSION = "import platform, ssl; print(platform.python_version(), ssl.OPENSSL_VERSION, sep=', ')"


@contextmanager
def _operator(folder: Path, place: Place, endpoint: str) -> Iterator[Running]:
    settings = {
        "CUSTOMEVENTS_ENDPOINT": endpoint,
        "CUSTOMEVENTS_ALLOW_HTTP": "true",
        "CUSTOMEVENTS_CLUSTER_NAME": "image-check",
        "CUSTOMEVENTS_HEALTH_PORT": "0",
        "CUSTOMEVENTS_LOG_FORMAT": "text",
    }
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    log = folder / "operator.log"
    with log.open("wb") as written:
        command = ["podman", *place.run(), f"--name={CONTAINER}", *variables, IMAGE]
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=written, stderr=written)
    try:
        yield Running(process, log)
    finally:
        try_podman("rm", "--force", "--ignore", CONTAINER)
        process.wait(timeout=PATIENCE)


def _given(folder: Path, cluster: Cluster) -> Place:
    """What a pod would mount, readable by the container's user alone."""
    given = folder / "given"
    given.mkdir(mode=0o700)
    account = cluster.service_account_kubeconfig("customevents", "customevents")
    kubeconfig = json.loads(account.read_text())
    # The authority in a file, as in a pod: for one inside, the client wants a temporary file.
    authority = kubeconfig["clusters"][0]["cluster"]
    (given / "ca.crt").write_bytes(b64decode(authority.pop("certificate-authority-data")))
    authority["certificate-authority"] = "/given/ca.crt"
    (given / "kubeconfig").write_text(json.dumps(kubeconfig))
    (given / "api-key").write_text("test-key\n")
    for path in (given, *given.iterdir()):
        os.chown(path, USER, USER)
    variables = {
        "KUBECONFIG": "/given/kubeconfig",
        "CUSTOMEVENTS_API_KEY_FILE": "/given/api-key",
    }
    return Place((f"--volume={given}:/given:ro",), variables)


def _deliver(cluster: Cluster) -> None:
    event = {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"name": "image-check", "namespace": "default"},
        "spec": {"eventType": "release", "summary": "the image runs"},
    }
    cluster.kubectl("create", "-f", "-", input=json.dumps(event))
    cluster.kubectl("wait", "--for=condition=Delivered", "cev/image-check", "--timeout=60s")


def _edit(cluster: Cluster) -> None:
    """What only the watch tells: an edit of what is finished."""
    patch = json.dumps({"spec": {"summary": "the image watches"}})
    cluster.kubectl("patch", "cev", "image-check", "--type=merge", f"--patch={patch}")
    told = "jsonpath={.status.delivery.sequence}=2"
    cluster.kubectl("wait", f"--for={told}", "cev/image-check", "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=Delivered", "cev/image-check", "--timeout=60s")


def _terminate(operator: Running) -> float:
    begin = time.monotonic()
    podman("stop", f"--time={GRACE}", CONTAINER)
    code = operator.process.wait(timeout=PATIENCE)
    seconds = time.monotonic() - begin
    require(code == 0, f"SIGTERM ended it with exit code {code}:\n{operator.log.read_text()}")
    return seconds
