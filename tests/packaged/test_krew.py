"""`kubectl customevents`, installed by krew itself from an index, as users have it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from localcluster import KREW, KUBECTL, build, build_krew

from customevents import __version__
from integration.conftest import Events
from packaged.conftest import ONE_FILE


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server of these files on loopback; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Kubectl:
    """A user's kubectl, with krew and what krew has installed on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = folder / "krew"
        on_the_path = [root / "bin", KUBECTL.parent, KREW.parent]
        self.env = {
            "PATH": os.pathsep.join([*map(str, on_the_path), os.environ["PATH"]]),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "KREW_ROOT": str(root),
            "KREW_NO_UPGRADE_CHECK": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "a@example.test" for who, what in COMMITTER},
        }

    def __call__(self, *words: str | Path, **more: str) -> str:
        """Run it; all that it said. It must succeed."""
        return succeed([KUBECTL, *words], {**self.env, **more})

    def index(self, manifest: Path) -> str:
        """Make an index with this plugin alone; its address."""
        folder = self.folder / "index"
        (folder / "plugins").mkdir(parents=True)
        manifest.rename(folder / "plugins" / manifest.name)
        for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "One plugin")):
            succeed(["git", "-C", folder, *words], self.env)
        return folder.as_uri()


COMMITTER = [(who, what) for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]


def succeed(command: list[str | Path], env: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def released(folder: Path, address: str) -> Path:
    """What `make krew` writes, there; the manifest."""
    program = [sys.executable, ONE_FILE / "render_krew.py", folder, "--address", address]
    succeed([str(word) for word in program], os.environ)
    return folder / "krew" / "customevents.yaml"


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    build()
    build_krew()
    return Kubectl(tmp_path)


def test_krew_installs_it_from_an_index(kubectl: Kubectl, events: Events, tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    with serving(tmp_path / "release") as address:
        kubectl(
            "krew", "index", "add", "local", kubectl.index(released(tmp_path / "release", address))
        )
        assert "Installed plugin: customevents" in kubectl("krew", "install", "local/customevents")
    assert f"v{__version__}" in kubectl("krew", "info", "local/customevents")
    assert kubectl("customevents", "--version") == f"customevents {__version__}\n"
    assert "oldest first" in kubectl("customevents", "list", "-h")
    events.apply("checkout", {"eventType": "release", "summary": "checkout 1.4.2 is live"})
    reached = {"KUBECONFIG": str(events.cluster.kubeconfig)}
    assert "checkout" in kubectl("customevents", "list", "-n", events.namespace, **reached)
    kubectl("krew", "uninstall", "customevents")
    assert "customevents" not in kubectl("krew", "list")


def test_krew_installs_it_from_two_files(kubectl: Kubectl, tmp_path: Path) -> None:
    manifest = released(tmp_path, "https://example.test/v1")
    archive = tmp_path / "customevents.tar.gz"
    kubectl("krew", "install", f"--manifest={manifest}", f"--archive={archive}")
    assert kubectl("customevents", "--version") == f"customevents {__version__}\n"
