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

from containers import CACHE, CONFINED, ENVIRONMENT, IMAGE, ROOT, USER, podman, require, try_podman

from customevents import sandbox

sys.path.insert(0, str(ROOT / "localcluster"))

from localcluster import Cluster, build

CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
RIGHTS = ROOT / "tests" / "integration" / "rbac.yaml"
CONTAINER = "customevents-image-check"

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
        operator = stack.enter_context(_operator(folder, cluster, timeline.url))
        operator.await_words("probes are answered on port ")
        ready = time.monotonic() - begin
        _deliver(cluster)
        sent = len(timeline.call("GET", "/events")["events"])
        require(sent == 1, f"{sent} events arrived instead of one")
        seconds = _terminate(operator)
    return f"started in {ready:.1f} s, 1 event Delivered, SIGTERM -> exit 0 in {seconds:.2f} s"


@contextmanager
def _operator(folder: Path, cluster: Cluster, endpoint: str) -> Iterator[Running]:
    given = _given(folder, cluster)
    settings = {
        "KUBECONFIG": "/given/kubeconfig",
        "CUSTOMEVENTS_API_KEY_FILE": "/given/api-key",
        "CUSTOMEVENTS_ENDPOINT": endpoint,
        "CUSTOMEVENTS_ALLOW_HTTP": "true",
        "CUSTOMEVENTS_CLUSTER_NAME": "image-check",
        "CUSTOMEVENTS_HEALTH_HOST": "127.0.0.1",
        "CUSTOMEVENTS_HEALTH_PORT": "0",
        "CUSTOMEVENTS_LOG_FORMAT": "text",
    }
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    where = (f"--name={CONTAINER}", "--network=host", f"--volume={given}:/given:ro")
    log = folder / "operator.log"
    with log.open("wb") as written:
        command = ["podman", *CONFINED, *where, *variables, IMAGE]
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=written, stderr=written)
    try:
        yield Running(process, log)
    finally:
        try_podman("rm", "--force", "--ignore", CONTAINER)
        process.wait(timeout=PATIENCE)


def _given(folder: Path, cluster: Cluster) -> Path:
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
    return given


def _deliver(cluster: Cluster) -> None:
    event = {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"name": "image-check", "namespace": "default"},
        "spec": {"eventType": "release", "summary": "the image runs"},
    }
    cluster.kubectl("create", "-f", "-", input=json.dumps(event))
    cluster.kubectl("wait", "--for=condition=Delivered", "cev/image-check", "--timeout=60s")


def _terminate(operator: Running) -> float:
    begin = time.monotonic()
    podman("stop", f"--time={GRACE}", CONTAINER)
    code = operator.process.wait(timeout=PATIENCE)
    seconds = time.monotonic() - begin
    require(code == 0, f"SIGTERM ended it with exit code {code}:\n{operator.log.read_text()}")
    return seconds
