"""Programs that give credentials: run in time, once for all requests, ended where they run on."""

from __future__ import annotations

import asyncio
import json
import os
import select
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from customevents import plugins
from customevents.resource.errors import NoWay
from unit.doorkeeper import BETA, VERSION, asking, plugin, prints, runs


@pytest.mark.asyncio
async def test_a_plugin_is_run_again_when_what_it_gave_has_expired(tmp_path: Path) -> None:
    expired = prints(token="a", expirationTimestamp="2020-01-01T00:00:00Z")
    good = prints(token="b", expirationTimestamp="2999-01-01T00:00:00Z")
    script = f"if test -e {tmp_path}/again; then\n{good}\nelse\n{expired}\nfi"
    async with asking(tmp_path, plugin(tmp_path, script)) as (cluster, doorkeeper):
        (tmp_path / "again").touch()
        for _ in range(3):
            await cluster.get("/version")
    assert doorkeeper.authorizations == ["Bearer b"] * 3
    assert runs(tmp_path) == 2


@pytest.mark.asyncio
async def test_a_plugin_that_fails_later_is_told_once_and_the_last_token_is_carried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "PATIENCE", 0.0)
    expired = prints(token="a", expirationTimestamp="2020-01-01T00:00:00Z")
    script = f"test -e {tmp_path}/again && echo no session >&2 && exit 3\n{expired}"
    async with asking(tmp_path, plugin(tmp_path, script)) as (cluster, doorkeeper):
        (tmp_path / "again").touch()
        for _ in range(3):
            await cluster.get("/version")
    assert doorkeeper.authorizations == ["Bearer a"] * 3
    (record,) = caplog.records
    assert record.getMessage().endswith("sh ended with 3: no session")


@pytest.mark.asyncio
async def test_a_plugin_is_told_of_the_cluster_and_has_its_own_environment(tmp_path: Path) -> None:
    script = f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info\necho "$WHO" > {tmp_path}/who\n'
    env = [{"name": "WHO", "value": "me"}]
    user = plugin(tmp_path, script + prints(token="a"), env=env, provideClusterInfo=True)
    async with asking(tmp_path, user) as (cluster, _):
        server = cluster.server
    info = json.loads((tmp_path / "info").read_text())
    assert info == {
        "apiVersion": VERSION,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": server, "config": None}},
    }
    assert (tmp_path / "who").read_text() == "me\n"


@pytest.mark.asyncio
async def test_a_plugin_stands_in_the_folder_of_its_kubeconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program := tmp_path / "bin" / "plugin").parent.mkdir()
    program.write_text(f"#!/bin/sh\n{prints(token='a').replace(VERSION, BETA)}\n")
    program.chmod(0o755)
    monkeypatch.chdir("/")
    user = {"exec": {"apiVersion": BETA, "command": "bin/plugin"}}
    async with asking(tmp_path, user) as (cluster, _):
        assert await cluster.token() == "a"


WRONG_PLUGINS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": (
        {"command": "no-such-plugin", "installHint": "install\nit"},
        "cannot be run: No such file or directory; install it",
    ),
    "silent": ({"command": "true"}, "did not print an ExecCredential as JSON"),
    "failing": (
        {"command": "sh", "args": ["-c", "echo log in >&2; exit 1"]},
        "ended with 1: log in",
    ),
    "of another version": (
        {"command": "echo", "args": ['{"kind": "ExecCredential", "apiVersion": "x"}']},
        f"did not print an ExecCredential of {VERSION}: update it, or its apiVersion here",
    ),
    "without a token": (
        {
            "command": "echo",
            "args": [json.dumps({"kind": "ExecCredential", "apiVersion": VERSION, "status": {}})],
        },
        "gave neither a token nor a certificate with its key",
    ),
    "of two lines": (
        {
            "command": "echo",
            "args": [
                json.dumps(
                    {"kind": "ExecCredential", "apiVersion": VERSION, "status": {"token": "a\nb"}}
                )
            ],
        },
        "holds no token: it must be one line of plain characters",
    ),
    "asking": (
        {"command": "true", "interactiveMode": "Always"},
        "must ask you something, and there is no terminal",
    ),
    "of no version": (
        {"command": "true", "apiVersion": "v1"},
        "apiVersion must be client.authentication.k8s.io/v1 or "
        "client.authentication.k8s.io/v1beta1",
    ),
    "of no mode": (
        {"command": "true", "interactiveMode": ""},
        "interactiveMode must be Never, IfAvailable or Always",
    ),
    "nameless": ({}, "command must name the program"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("wrong", "words"), WRONG_PLUGINS.values(), ids=WRONG_PLUGINS)
async def test_a_plugin_that_gives_nothing_is_one_line_that_names_the_user(
    tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    user = {"exec": {"apiVersion": VERSION, "interactiveMode": "Never", **wrong}}
    with pytest.raises(NoWay) as refused:
        async with asking(tmp_path, user):
            pass
    assert str(refused.value).startswith(f"{tmp_path}/kubeconfig: user 'me': exec: ")
    assert str(refused.value).endswith(words)


@pytest.mark.asyncio
async def test_a_plugin_that_never_ends_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "PLUGIN_WITHIN", 0.2)
    user = {"exec": {"apiVersion": BETA, "command": "sleep", "args": ["600"]}}
    with pytest.raises(NoWay, match=r"sleep did not end within 0 s$"):
        async with asking(tmp_path, user):
            pass


def when_told(folder: Path, first: str, then: str) -> str:
    """A plugin that prints this at first, and later that, but not before `go` is there."""
    waits = f"until test -e {folder}/go; do sleep 0.02; done"
    return f"if test -e {folder}/again; then {waits}\n{then}\nelse\n{first}\nfi"


LATER = "2999-01-01T00:00:00Z"


@pytest.mark.asyncio
async def test_a_plugin_that_is_slower_than_a_request_may_wait_is_not_begun_anew_for_each(
    tmp_path: Path,
) -> None:
    expired = prints(token="a", expirationTimestamp="2020-01-01T00:00:00Z")
    script = when_told(tmp_path, expired, prints(token="b", expirationTimestamp=LATER))
    async with asking(tmp_path, plugin(tmp_path, script)) as (cluster, doorkeeper):
        (tmp_path / "again").touch()
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):  # as the Lease's swap has its own
                    await cluster.get("/version")
        (tmp_path / "go").touch()
        await cluster.get("/version")
    assert doorkeeper.authorizations == ["Bearer b"]
    assert runs(tmp_path) == 2


@pytest.mark.asyncio
async def test_a_plugin_is_run_ahead_of_the_expiry_while_requests_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_again = [datetime.now(UTC), None]
    monkeypatch.setattr(plugins, "_next_run", lambda *_, **__: runs_again.pop(0))
    good = (prints(token=token, expirationTimestamp=LATER) for token in "ab")
    async with asking(tmp_path, plugin(tmp_path, when_told(tmp_path, *good))) as (cluster, door):
        (tmp_path / "again").touch()
        await cluster.get("/version")  # has it run, and does not wait
        assert door.authorizations == ["Bearer a"]
        (tmp_path / "go").touch()
        renewing = cluster._credentials._renewing
        assert renewing is not None
        await renewing
        await cluster.get("/version")
    assert door.authorizations == ["Bearer a", "Bearer b"]


@pytest.mark.parametrize(
    ("expires", "is_new", "again"),
    [
        (None, True, None),
        (3600, True, 3540),
        (100, True, 50),
        (-5, True, -2.5),
        (3600, False, 10),
        (4, False, 4),
        (-5, False, 10),
    ],
)
def test_a_plugin_is_run_again_a_minute_ahead_and_not_all_the_time(
    expires: float | None, is_new: bool, again: float | None
) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)

    def then(seconds: float | None) -> datetime | None:
        return None if seconds is None else now + timedelta(seconds=seconds)

    assert plugins._next_run(then(expires), now, is_new=is_new) == then(again)


@pytest.mark.asyncio
@pytest.mark.parametrize("stream", [1, 2])
async def test_a_plugin_that_prints_without_end_is_ended_before_it_fills_the_memory(
    tmp_path: Path, stream: int
) -> None:
    user = {"exec": {"apiVersion": BETA, "command": "sh", "args": ["-c", f"yes >&{stream}"]}}
    with pytest.raises(NoWay, match=r"sh prints more than 1 MiB$"):
        async with asyncio.timeout(10), asking(tmp_path, user):
            pass


@pytest.mark.asyncio
@pytest.mark.parametrize("then", ["wait", "exit 0"])
async def test_what_a_plugin_began_is_ended_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(plugins, "PLUGIN_WITHIN", 3.0)  # it must have begun
    user = plugin(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; {then}")
    with pytest.raises(NoWay, match="did not end"):
        async with asking(tmp_path, user):
            pass
    assert is_gone(tmp_path / "child")


def is_gone(pid: Path) -> bool:
    """Whether it ends: it is killed, and the system takes a moment for that."""
    try:
        process = os.pidfd_open(int(pid.read_text()))
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10.0)[0])
    finally:
        os.close(process)


@pytest.mark.asyncio
async def test_a_certificate_of_half_characters_is_one_line(tmp_path: Path) -> None:
    user = plugin(tmp_path, prints(clientCertificateData="\ud800", clientKeyData="x"))
    with pytest.raises(NoWay, match="is no certificate"):
        async with asking(tmp_path, user):
            pass
