"""What requests carry to show who asks: of a file, a plugin or a pod, while it is good."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from authorities import Authority, Issued
from customevents import kube, way
from customevents.chosen import Chosen
from customevents.credentials import Credentials, Given
from customevents.resource.errors import ClusterError
from kubeconfigs import write
from unit.doorkeeper import Doorkeeper, asking, plugin, prints, runs
from unit.raw_server import Connection, serving
from unit.socks import socks


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
@pytest.mark.parametrize("through", ["", "socks"])
async def test_certificates_of_files_are_shown_as_they_are_now_also_on_old_connections(
    tmp_path: Path, through: str
) -> None:
    authority, people = Authority(), Authority("people")
    seen: list[str] = []

    async def behave(connection: Connection) -> None:
        doorkeeper = Doorkeeper()
        doorkeeper.heard = lambda: seen.append(
            connection.writer.get_extra_info("peercert")["subject"][0][0][1]
        )
        await doorkeeper(connection)

    def give(issued: Issued) -> None:
        (tmp_path / "me.crt").write_bytes(issued.certificate)
        (tmp_path / "me.key").write_bytes(issued.key)

    (tmp_path / "ca.pem").write_bytes(authority.pem)
    give(people.issue(name="ann"))
    tls = authority.issue("127.0.0.1").serving(clients_of=people.pem)
    async with (
        serving(behave, tls=tls) as server,
        serving(socks([], server.port)) as proxy,
    ):
        port = server.port
        about = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.pem"}
        about |= {"proxy-url": f"socks5://127.0.0.1:{proxy.port}"} if through else {}
        user = {"client-certificate": "me.crt", "client-key": "me.key"}
        async with kube.connect(chosen=Chosen(str(write(tmp_path, about, user)))) as cluster:
            await cluster.get("/version")
            bob = people.issue(name="bob")
            (tmp_path / "me.crt").write_bytes(bob.certificate)
            await cluster.get("/version")  # its key is not there yet
            give(bob)
            await cluster.get("/version")
            assert server.connections == 2
    assert seen == ["ann", "ann", "bob"]
