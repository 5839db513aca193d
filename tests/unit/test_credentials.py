"""What requests carry to show who asks: of a file, a plugin or a pod, while it is good."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authorities import Authority, Issued
from customevents import credentials, kube, way
from customevents.chosen import Chosen
from customevents.credentials import Credentials, Given
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, NoWay
from kubeconfigs import write
from unit.raw_server import Connection, serving

VERSION = "client.authentication.k8s.io/v1"
BETA = f"{VERSION}beta1"


class Doorkeeper:
    """A server that notes who asks, and lets in only whom it knows."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.heads: list[str] = []

    @property
    def authorizations(self) -> list[str]:
        return [self._header(head, "authorization") for head in self.heads]

    def names(self, header: str) -> list[str]:
        """The values of this header in the last request."""
        lines = self.heads[-1].split("\r\n")
        return [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{header}: ")]

    async def __call__(self, connection: Connection) -> None:
        while True:
            head = (await connection.reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            is_known = not self.known or self._header(head, "authorization") in self.known
            status, body = ("200 OK", "{}") if is_known else ("401 No", "{}")
            answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            await connection.send(answer.encode())

    @staticmethod
    def _header(head: str, name: str) -> str:
        found = [line for line in head.split("\r\n") if line.lower().startswith(f"{name}: ")]
        return found[0].partition(": ")[2] if found else ""


@asynccontextmanager
async def asking(
    folder: Path, user: dict[str, Any], *known: str, **chosen: Any
) -> AsyncIterator[tuple[Cluster, Doorkeeper]]:
    """A connection as this user to a server that knows these."""
    doorkeeper = Doorkeeper(*known)
    async with serving(doorkeeper) as server:
        kubeconfig = write(folder, {"server": f"http://127.0.0.1:{server.port}"}, user)
        async with kube.connect(chosen=Chosen(str(kubeconfig), **chosen)) as cluster:
            yield cluster, doorkeeper


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    """A user whose plugin this shell script is; it counts how often it runs in `runs`."""
    program = f"echo >> {folder}/runs; {script}"
    about = {"apiVersion": VERSION, "interactiveMode": "Never", **more}
    return {"exec": {"command": "sh", "args": ["-c", program], **about}}


def prints(**status: str) -> str:
    answer = json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": status})
    return f"cat <<'END'\n{answer}\nEND"


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


@pytest.mark.asyncio
async def test_a_token_of_a_file_is_read_again_when_it_changes_and_blanks_are_left_out(
    tmp_path: Path,
) -> None:
    (token := tmp_path / "token").write_text("first\n")
    async with asking(tmp_path, {"tokenFile": "token"}) as (cluster, doorkeeper):
        await cluster.get("/version")
        (tmp_path / "new").write_text(" second ")
        os.replace(tmp_path / "new", token)
        await cluster.get("/version")
        for spoil in (lambda: token.write_text(""), lambda: token.write_text("a\nb"), token.unlink):
            spoil()
            await cluster.get("/version")
    assert doorkeeper.authorizations == ["Bearer first", *["Bearer second"] * 4]


@pytest.mark.asyncio
async def test_a_token_that_is_taken_no_longer_is_read_again_at_once(tmp_path: Path) -> None:
    script = (
        f"if test -e {tmp_path}/again; then\n{prints(token='new')}\nelse\n{prints(token='old')}\nfi"
    )
    user = plugin(tmp_path, script)
    async with asking(tmp_path, user, "Bearer new") as (cluster, doorkeeper):
        (tmp_path / "again").touch()
        assert await cluster.get("/version") == {}
    assert doorkeeper.authorizations == ["Bearer old", "Bearer new"]
    assert runs(tmp_path) == 2


@pytest.mark.asyncio
async def test_a_refusal_that_stays_does_not_run_a_plugin_for_each_request(tmp_path: Path) -> None:
    user = plugin(tmp_path, prints(token="unknown"))
    async with asking(tmp_path, user, "Bearer known") as (cluster, _):
        for _ in range(5):
            with pytest.raises(ClusterError, match="401"):
                await cluster.get("/version")
        await asyncio.gather(*(cluster.get("/version") for _ in range(5)), return_exceptions=True)
    assert runs(tmp_path) == 2


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
    monkeypatch.setattr(credentials, "PATIENCE", 0.0)
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
    monkeypatch.setattr(credentials, "PLUGIN_WITHIN", 0.2)
    user = {"exec": {"apiVersion": BETA, "command": "sleep", "args": ["600"]}}
    with pytest.raises(NoWay, match=r"sleep did not end within 0 s$"):
        async with asking(tmp_path, user):
            pass


@pytest.mark.asyncio
async def test_a_plugin_may_give_a_certificate_and_another_one_later(tmp_path: Path) -> None:
    authority = Authority()
    people = Authority("people")
    seen: list[Any] = []

    async def behave(connection: Connection) -> None:
        seen.append(connection.writer.get_extra_info("peercert")["subject"][0][0][1])
        await Doorkeeper()(connection)

    def given(issued: Issued, expires: str) -> str:
        return prints(
            clientCertificateData=issued.certificate.decode(),
            clientKeyData=issued.key.decode(),
            expirationTimestamp=expires,
        )

    first = given(people.issue(name="ann"), "2020-01-01T00:00:00Z")
    second = given(people.issue(name="bob"), "2999-01-01T00:00:00Z")
    script = f"if test -e {tmp_path}/again; then\n{second}\nelse\n{first}\nfi"
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    tls = authority.issue("127.0.0.1").serving(clients_of=people.pem)
    async with serving(behave, tls=tls) as server:
        about = {"server": f"https://127.0.0.1:{server.port}", "certificate-authority": "ca.pem"}
        kubeconfig = write(tmp_path, about, plugin(tmp_path, script))
        async with kube.connect(chosen=Chosen(str(kubeconfig))) as cluster:
            (tmp_path / "again").touch()
            await cluster.get("/version")
    assert seen == ["bob"]


@pytest.mark.asyncio
async def test_whom_a_user_acts_as_is_said_with_each_request(tmp_path: Path) -> None:
    user = {
        "token": "a",
        "as": "read-only",
        "as-uid": "7",
        "as-groups": ["one", "two"],
        "as-user-extra": {"example.com/Why": ["x"]},
    }
    async with asking(tmp_path, user) as (cluster, doorkeeper):
        await cluster.get("/version")
        ours = doorkeeper.heads[-1]
        async with cluster.session() as session, session.get(f"{cluster.server}/version"):
            pass
    assert doorkeeper.names("impersonate-user") == ["read-only"]
    assert doorkeeper.names("impersonate-uid") == ["7"]
    assert doorkeeper.names("impersonate-group") == ["one", "two"]
    assert doorkeeper.names("impersonate-extra-example.com%2fwhy") == ["x"]
    assert "Impersonate-User: read-only" in ours, "and not of kopf's session alone"


@pytest.mark.asyncio
async def test_a_flag_says_whom_to_act_as_before_the_kubeconfig(tmp_path: Path) -> None:
    user = {"token": "a", "as": "one", "as-groups": ["g"]}
    async with asking(tmp_path, user, as_user="two") as (cluster, doorkeeper):
        await cluster.get("/version")
    assert doorkeeper.names("impersonate-user") == ["two"]
    assert doorkeeper.names("impersonate-group") == ["g"]


@pytest.mark.asyncio
async def test_a_pods_token_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = pod(tmp_path, monkeypatch, ("127.0.0.1", 1))
    async with kube.connect() as cluster:
        assert (await cluster.token(), cluster.namespace) == ("first", "shop")
        (account / "token").write_text("second!")
        await cluster._credentials.current()
        assert await cluster.token() == "second!"


def pod(folder: Path, monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> Path:
    """The environment of a pod; the folder of its service account."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", address[0])
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(address[1]))
    monkeypatch.setattr(way, "SERVICE_ACCOUNT", folder)
    (folder / "ca.crt").write_bytes(Authority().pem)
    (folder / "token").write_text("first")
    (folder / "namespace").write_text("shop\n")
    return folder


@pytest.mark.asyncio
async def test_in_a_pod_the_environment_says_the_address_and_not_the_dns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod(tmp_path, monkeypatch, ("fd00::1", 6443))
    async with kube.connect() as cluster:
        assert cluster.server == "https://[fd00::1]:6443"


class Slow:
    """A source that gives something else each time, when it may."""

    is_stale = True
    is_due = False

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.reads = 0
        self.threads = set[int]()

    async def read(self) -> Given:
        await self.may.wait()
        self.reads += 1
        self.is_stale = False
        self.threads.add(threading.get_ident())
        return Given(str(self.reads))


@pytest.mark.asyncio
async def test_many_requests_at_once_renew_credentials_once_and_on_one_thread() -> None:
    source = Slow()
    shown = Credentials(source, lambda *_: None)
    ours = [asyncio.create_task(shown.current()) for _ in range(20)]
    kopfs = asyncio.create_task(asyncio.to_thread(asyncio.run, shown.current()))
    await asyncio.sleep(0)
    source.may.set()
    given = await asyncio.gather(*ours, kopfs)
    assert {each.authorization for each in given} == {"1"}
    assert source.threads == {threading.get_ident()}


@pytest.mark.asyncio
async def test_a_plugin_that_is_slower_than_a_request_may_wait_is_not_begun_anew_for_each(
    tmp_path: Path,
) -> None:
    expired = prints(token="a", expirationTimestamp="2020-01-01T00:00:00Z")
    good = prints(token="b", expirationTimestamp="2999-01-01T00:00:00Z")
    script = f"if test -e {tmp_path}/again; then sleep 1.5\n{good}\nelse\n{expired}\nfi"
    async with asking(tmp_path, plugin(tmp_path, script)) as (cluster, doorkeeper):
        (tmp_path / "again").touch()
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.6):  # as the Lease's swap has its own
                    await cluster.get("/version")
        await cluster.get("/version")
    assert doorkeeper.authorizations == ["Bearer b"]
    assert runs(tmp_path) == 2


@pytest.mark.asyncio
async def test_a_plugin_is_run_ahead_of_the_expiry_while_requests_go_on(tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    first = prints(token="a", expirationTimestamp=soon.isoformat().replace("+00:00", "Z"))
    second = prints(token="b", expirationTimestamp="2999-01-01T00:00:00Z")
    script = f"if test -e {tmp_path}/again; then sleep 0.5\n{second}\nelse\n{first}\nfi"
    async with asking(tmp_path, plugin(tmp_path, script)) as (cluster, doorkeeper):
        (tmp_path / "again").touch()
        while (carried := await asked_within(cluster, doorkeeper, 0.4)) == "Bearer a":
            await asyncio.sleep(0.05)
        assert datetime.now(UTC) < soon
    assert carried == "Bearer b"


async def asked_within(cluster: Cluster, doorkeeper: Doorkeeper, seconds: float) -> str:
    async with asyncio.timeout(seconds):
        await cluster.get("/version")
    return doorkeeper.authorizations[-1]


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

    assert credentials._next_run(then(expires), now, is_new=is_new) == then(again)


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
async def test_what_a_plugin_began_is_ended_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "PLUGIN_WITHIN", 0.5)
    user = plugin(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(NoWay, match="did not end"):
        async with asking(tmp_path, user):
            pass
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    assert not child.exists() or child.read_text().split()[2] == "Z"


@pytest.mark.asyncio
async def test_a_certificate_of_half_characters_is_one_line(tmp_path: Path) -> None:
    user = plugin(tmp_path, prints(clientCertificateData="\ud800", clientKeyData="x"))
    with pytest.raises(NoWay, match="is no certificate"):
        async with asking(tmp_path, user):
            pass
