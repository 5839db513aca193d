"""In a pod the API server is where the environment says, for the watch as for everything else.

A pod finds its service account's files in one place, which only root could make here: the process
is told of another one. No name server of a cluster is asked, and there is none.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from customevents import sandbox
from integration.conftest import Events, StartOperator
from operator_process import PATIENCE, operator_environment

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: Starts a command with the service account's files in the folder that it is given.
POD = """
import pathlib, sys
from customevents import way
way.SERVICE_ACCOUNT = pathlib.Path(sys.argv.pop(1))
from customevents.cli import main
main()
"""


def service_account(kubeconfig: Path, folder: Path) -> dict[str, str]:
    """Lay out what a pod finds in its files; what it finds in its environment."""
    content = yaml.safe_load(kubeconfig.read_text())
    cluster = content["clusters"][0]["cluster"]
    (folder / "token").write_text(content["users"][0]["user"]["token"])
    (folder / "ca.crt").write_bytes(b64decode(cluster["certificate-authority-data"]))
    server = urlsplit(cluster["server"])
    return {
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }


def test_the_watch_goes_where_the_rest_goes_and_needs_no_name_server(
    events: Events, account: Path, key_file: Path, timeline: sandbox.Running, tmp_path: Path
) -> None:
    clean = operator_environment(
        account, api_key_file=str(key_file), endpoint=timeline.url, cluster_name="prod-eu-1"
    )
    del clean["KUBECONFIG"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", POD, str(tmp_path), "run"],
            env={**clean, **service_account(account, tmp_path)},
            stderr=log,
        )
    try:
        events.apply("checkout", SPEC)
        events.until("checkout", "Delivered")
        # What only the watch tells: an edit of what is finished.
        events.apply("checkout", {**SPEC, "summary": "checkout 1.4.3 is live"})
        events.until("checkout", "Delivered", generation=2)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0, (tmp_path / "log").read_text()


class Exec:
    """`kubectl exec deploy/customevents -- customevents ...`: a command in the operator's pod."""

    def __init__(self, kubeconfig: Path, namespace: str, folder: Path) -> None:
        self.folder = folder
        self.env = {"HOME": "/", **service_account(kubeconfig, folder)}
        (folder / "namespace").write_text(namespace)

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", POD, str(self.folder), *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def succeed(self, *words: str) -> str:
        """Run it; what it said."""
        done = self(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def test_what_only_looks_works_in_the_pod_and_in_its_namespace(
    events: Events, account: Path, start_operator: StartOperator, tmp_path: Path
) -> None:
    in_the_pod = Exec(account, events.namespace, tmp_path)
    events.apply("checkout", SPEC)
    assert "checkout" in in_the_pod.succeed("list")
    start_operator()
    assert "checkout is Delivered" in in_the_pod.succeed("wait", "checkout")
    assert SPEC["summary"] in in_the_pod.succeed("render", "checkout")
    checked = in_the_pod("check")
    assert f"at https://{in_the_pod.env['KUBERNETES_SERVICE_HOST']}" in checked.stdout
    assert "by this pod" in checked.stdout
    assert f"create CustomEvents in {events.namespace}" in checked.stdout


@pytest.mark.parametrize(
    ("words", "code", "verb"),
    [
        (("send", "--type", "release", "--summary", "checkout is live"), 4, "create"),
        (("resend", "checkout"), 1, "patch"),
    ],
    ids=["send", "resend"],
)
def test_what_the_operator_may_not_is_refused_in_one_line(
    events: Events, account: Path, tmp_path: Path, words: tuple[str, ...], code: int, verb: str
) -> None:
    events.apply("checkout", SPEC)
    done = Exec(account, events.namespace, tmp_path)(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert f'cannot {verb} resource "customevents"' in done.stderr
