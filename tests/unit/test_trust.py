"""TLS, as kubectl and curl speak it: on every Python, with every authority that they accept."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
import pytest

from authorities import Authority, Issued
from customevents import kube, trust
from customevents.chosen import Chosen
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.resource.errors import ClusterError
from kubeconfigs import write
from unit.poster import BODY, CREATED
from unit.raw_server import Behaviour, Connection, answering, serving
from unit.socks import socks

VERSION = b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"gitVersion": "v1.37"}'

LOCAL = ("localhost", "127.0.0.1")


async def version(connection: Connection) -> None:
    """Answer as an API server."""
    await connection.reader.readuntil(b"\r\n\r\n")
    await connection.send(VERSION)


@pytest.fixture(params=[False, True], ids=["a good authority", "a plain authority"])
def authority(request: pytest.FixtureRequest) -> Authority:
    """One with key usage and identifiers, and one without."""
    return Authority(plain=request.param)


async def ask(folder: Path, port: int, authority: bytes, **cluster: str) -> None:
    """One request of ours, and one of kopf's."""
    (folder / "ca.pem").write_bytes(authority)
    about = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.pem", **cluster}
    async with kube.connect(chosen=Chosen(str(write(folder, about)))) as cluster_:
        assert await cluster_.get("/version") == {"gitVersion": "v1.37"}
        async with cluster_.session() as session, session.get(f"{cluster_.server}/version") as got:
            assert got.status == 200


async def post(
    folder: Path, key: KeyFile, issued: Issued, authority: bytes, behaviour: Behaviour
) -> Answer | NoAnswer:
    (folder / "ca.pem").write_bytes(authority)
    async with serving(behaviour, tls=issued.serving()) as server:
        endpoint = f"https://localhost:{server.port}"
        async with EventsClient(endpoint, key, timeout=5.0, ca_file=folder / "ca.pem") as api:
            return await api.post(BODY, "5e0c")


def test_the_strict_flag_of_python_3_13_is_set_nowhere() -> None:
    for context in (trust.client_context(), trust.client_context(insecure=True)):
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
        assert not context.keylog_filename


@pytest.mark.asyncio
async def test_all_three_take_what_kubectl_takes(
    tmp_path: Path, key: KeyFile, authority: Authority
) -> None:
    issued = authority.issue(*LOCAL)
    async with serving(version, tls=issued.serving()) as server:
        await ask(tmp_path, server.port, authority.pem)
    assert await post(tmp_path, key, issued, authority.pem, answering(CREATED)) == Answer(201)


@pytest.mark.asyncio
async def test_a_server_is_trusted_by_its_own_certificate_alone(tmp_path: Path) -> None:
    issued = Authority().issue(*LOCAL)
    async with serving(version, tls=issued.serving()) as server:
        await ask(tmp_path, server.port, issued.certificate)


WRONG = {
    "an unknown authority": "unable to get local issuer certificate",
    "the wrong host": "is not valid for",
    "expired": "certificate has expired",
}


def wrong(kind: str, authority: Authority) -> Issued:
    if kind == "an unknown authority":
        return Authority("somebody").issue(*LOCAL)
    if kind == "the wrong host":
        return authority.issue("elsewhere.example")
    return authority.issue(*LOCAL, expired=True)


@pytest.mark.asyncio
@pytest.mark.parametrize(("kind", "words"), WRONG.items())
async def test_what_is_wrong_with_a_certificate_is_said_in_openssls_words(
    tmp_path: Path, key: KeyFile, authority: Authority, kind: str, words: str
) -> None:
    issued = wrong(kind, authority)
    said = "the certificate of 127.0.0.1:[0-9]+ is refused: "
    async with serving(version, tls=issued.serving()) as server:
        with pytest.raises(ClusterError, match=f"did not answer: {said}.*{words}"):
            await ask(tmp_path, server.port, authority.pem)
    result = await post(tmp_path, key, issued, authority.pem, answering(CREATED))
    assert isinstance(result, NoAnswer)
    assert result.stage is Stage.CERTIFICATE
    assert words in result.detail


@pytest.mark.asyncio
async def test_a_server_is_known_by_the_name_that_the_kubeconfig_says(tmp_path: Path) -> None:
    authority = Authority()
    issued = authority.issue("kube.teleport.example")
    seen: list[str | None] = []
    context = issued.serving()
    context.sni_callback = lambda *said: seen.append(said[1])
    async with serving(version, tls=context) as server:
        await ask(
            tmp_path, server.port, authority.pem, **{"tls-server-name": "kube.teleport.example"}
        )
    assert set(seen) == {"kube.teleport.example"}


@pytest.mark.asyncio
async def test_a_socks_proxy_is_asked_for_the_name_and_the_certificate_is_the_servers(
    tmp_path: Path,
) -> None:
    authority = Authority()
    asked: list[str] = []
    async with (
        serving(version, tls=authority.issue("api.far.example").serving()) as server,
        serving(socks(asked, server.port)) as proxy,
    ):
        way = {"server": "https://api.far.example:6443"}
        through = {"proxy-url": f"socks5://127.0.0.1:{proxy.port}"}
        await ask(tmp_path, server.port, authority.pem, **way, **through)
        other = {"tls-server-name": "elsewhere.example"}
        with pytest.raises(ClusterError, match="is not valid for"):
            await ask(tmp_path, server.port, authority.pem, **way, **through, **other)
    assert set(asked) == {"api.far.example:6443"}


@pytest.mark.asyncio
async def test_a_socks_proxy_that_refuses_is_said_in_one_line(tmp_path: Path) -> None:
    async def refuse(connection: Connection) -> None:
        await connection.reader.read(3)
        await connection.send(b"\x05\xff")

    async with serving(refuse) as proxy:
        through = {"proxy-url": f"socks5://127.0.0.1:{proxy.port}"}
        words = r"^the Kubernetes API did not answer: the proxy makes no connection \(.+\)$"
        with pytest.raises(ClusterError, match=words):
            await ask(tmp_path, 1, Authority().pem, **through)


@pytest.mark.asyncio
async def test_what_does_not_speak_tls_is_said_in_words(tmp_path: Path) -> None:
    async def greet(connection: Connection) -> None:
        await connection.send(VERSION)

    async with serving(greet) as server:
        with pytest.raises(ClusterError, match=r"did not answer: 127\.0\.0\.1:\d+: TLS failed: "):
            await ask(tmp_path, server.port, Authority().pem)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "not in time"),
        (aiohttp.ServerDisconnectedError(), "the connection was dropped"),
        (ConnectionResetError(), "the connection was dropped"),
        (aiohttp.ClientPayloadError("of the other side"), "ClientPayloadError"),
    ],
)
def test_why_there_was_no_answer_is_said_without_words_of_the_other_side(
    error: BaseException, words: str
) -> None:
    assert trust.why(error) == words
