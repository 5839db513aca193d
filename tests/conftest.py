"""What the tests share: one real control plane per session, one namespace per test."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes import client, config
from localcluster import Cluster, build

from figures import table
from namespaces import temporary_namespace

ROOT = Path(__file__).parents[1]
CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
FIGURES = pytest.StashKey[list[str]]()

# Temporary folders stay in the checkout; pytest reads this when a test first asks for one.
TEMPORARY = ROOT / ".cache"
TEMPORARY.mkdir(exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(TEMPORARY))


@pytest.fixture(scope="session", autouse=True)
def _nothing_stays_in_the_temporary_folder() -> Iterator[None]:
    """One of the session's own, for all that it starts; whatever is killed leaves nothing there."""
    with (
        tempfile.TemporaryDirectory(dir=TEMPORARY) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield
        left = sorted(path.name for path in Path(folder).iterdir())
    assert not left, f"left in the system's temporary folder: {left}"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Kubernetes itself, with the CRD and nothing else of ours; its first build takes minutes."""
    build()
    with Cluster(tmp_path_factory.mktemp("cluster"), crds=[CRD]) as running:
        yield running


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[client.ApiClient]:
    """The cluster's API as its administrator, without a kubectl per request."""
    configuration = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        str(cluster.kubeconfig),
        client_configuration=configuration,
        temp_file_path=str(cluster.directory),  # it reads the certificates for each connection
    )
    with client.ApiClient(configuration) as administrator:
        yield administrator


@pytest.fixture
def namespace(api: client.ApiClient, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, named after it."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:50].strip("-")
    with temporary_namespace(api, f"{words}-{secrets.token_hex(3)}") as name:
        yield name


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Show a measured figure at the end of the run: `P6 what was done: what was measured`."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if measured := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in table(measured):
            terminalreporter.write_line(line)
