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

import yaml

from customevents import sandbox
from integration.conftest import Events
from operator_process import PATIENCE, operator_environment

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: Starts the operator with the service account's files in the folder that it is given.
POD = """
import pathlib, sys
from customevents import way
way.SERVICE_ACCOUNT = pathlib.Path(sys.argv[1])
sys.argv[1:] = ["run"]
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
            [sys.executable, "-c", POD, str(tmp_path)],
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
