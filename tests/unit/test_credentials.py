"""The token that a request to the API server carries may be anything, for a while."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.incluster_config import InClusterConfigLoader

from customevents.kube import Cluster
from customevents.resource.errors import ClusterError
from unit.raw_server import Connection, serving

TOKEN = "test-token"


def in_a_pod(folder: Path, port: int) -> tuple[Cluster, Path]:
    """A connection with a service account's token, and its file, which is read each time."""
    (token := folder / "token").write_text(TOKEN)
    (certificate := folder / "ca.crt").write_text("is not used")
    environment = {"KUBERNETES_SERVICE_HOST": "localhost", "KUBERNETES_SERVICE_PORT": "1"}
    loader: Any = InClusterConfigLoader(token, certificate, environ=environment)  # type: ignore[no-untyped-call]
    loader._token_refresh_period *= 0
    configuration = Configuration()
    loader.load_and_set(configuration)
    configuration.host, configuration.ssl_ca_cert = f"http://127.0.0.1:{port}", None
    loader.host, loader.ssl_ca_cert = configuration.host, None
    return Cluster(ApiClient(configuration)), token


@pytest.mark.asyncio
@pytest.mark.parametrize("content", [b"", b"two\nlines", b"\xff\xfe"], ids=repr)
async def test_a_token_that_is_none_is_trouble_with_the_api_server_and_ends_nothing(
    tmp_path: Path, content: bytes
) -> None:
    async def silent(connection: Connection) -> None:
        await connection.reader.read()

    async with serving(silent) as server:
        cluster, token = in_a_pod(tmp_path, server.port)
        token.write_bytes(content)
        async with cluster._client:
            with pytest.raises(ClusterError, match=r"^the Kubernetes API cannot be asked: \w+$"):
                await cluster.get("/version")


@pytest.mark.asyncio
async def test_a_token_is_sent_without_the_blanks_around_it(tmp_path: Path) -> None:
    heads: list[bytes] = []

    async def answer(connection: Connection) -> None:
        heads.append(await connection.reader.readuntil(b"\r\n\r\n"))
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with serving(answer) as server:
        cluster, token = in_a_pod(tmp_path, server.port)
        token.write_text(f"{TOKEN}\n")
        async with cluster._client:
            assert await cluster.get("/version") == {}
    assert f"uthorization: bearer {TOKEN}\r\n".encode() in heads[0]
