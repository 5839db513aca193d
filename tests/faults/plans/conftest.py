"""The rig of a plan, and the table of all that were played."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from kubernetes import client
from localcluster import Cluster

from customevents import sandbox
from faults.oracles import CANARY
from faults.plans.plan import Plan
from faults.plans.rig import SETTINGS, Rig
from integration.conftest import account  # noqa: F401
from namespaces import temporary_namespace
from promises import crowd
from promises.fleet import fleet
from proxy import ApiProxy, PlainProxy

ROWS = pytest.StashKey[list[tuple[str, ...]]]()

#: Notes how a plan ends, and after how many seconds.
Played = Callable[[Plan], AbstractContextManager[None]]


@pytest.fixture
def rig(
    cluster: Cluster,
    api: client.ApiClient,
    namespace: str,
    account: Path,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Rig]:
    """No operator yet; whoever is started ends before the proxies do."""
    key = tmp_path / "api-key"
    key.write_text(CANARY)
    with ExitStack() as stack:
        other = stack.enter_context(
            temporary_namespace(api, f"fault-plan-other-{secrets.token_hex(3)}")
        )
        administrator = stack.enter_context(crowd.administrator(cluster.kubeconfig))
        timeline = stack.enter_context(sandbox.running(key=CANARY))
        remote = stack.enter_context(PlainProxy(timeline.url, keep="/events$"))
        kubernetes = stack.enter_context(ApiProxy(account, tmp_path, keep="/leases"))
        operators = stack.enter_context(
            fleet(administrator, tmp_path, kubernetes.kubeconfig, key, remote.url, **SETTINGS)
        )
        yield Rig(
            cluster,
            administrator,
            namespace,
            other,
            operators,
            kubernetes,
            remote,
            timeline,
            key,
        )


@pytest.fixture
def played(request: pytest.FixtureRequest) -> Played:
    rows = request.config.stash.setdefault(ROWS, [])

    @contextmanager
    def playing(plan: Plan) -> Iterator[None]:
        begun, verdict = time.monotonic(), "WRONG"
        try:
            yield
            verdict = "ok"
        finally:
            seconds = f"{time.monotonic() - begun:.1f}"
            rows.append((plan.name, plan.done, plan.holds, seconds, verdict))

    return playing


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not (rows := config.stash.get(ROWS, [])):
        return
    terminalreporter.section("fault plans")
    whole = [("plan", "what is done", "what must hold", "s", ""), *rows]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    for row in whole:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())
