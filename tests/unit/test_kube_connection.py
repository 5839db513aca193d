"""The connection to the API server, before it is used."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from _common import CONTROLPLANE, run
from kubernetes.aio.config import incluster_config, kube_config

from certificates import serving_context
from customevents import kube


@pytest.mark.asyncio
async def test_certificates_and_keys_of_a_kubeconfig_stay_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving_context(tmp_path)
    made = run([CONTROLPLANE, "kubeconfig", tmp_path, "https://localhost:1", "somebody"])
    (kubeconfig := tmp_path / "kubeconfig").write_text(made.stdout)
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    for _ in range(2):  # the library remembers its files
        async with kube.connect():
            assert list(temporary.iterdir()) == []


# --- What requests carry


def as_json(tmp_path: Path, user: dict[str, object]) -> Path:
    """A kubeconfig with this user."""
    named = {"name": "here", "context": {"cluster": "here", "user": "me"}}
    content = {
        "current-context": "here",
        "contexts": [named],
        "clusters": [{"name": "here", "cluster": {"server": "http://localhost:1"}}],
        "users": [{"name": "me", "user": user}],
    }
    (kubeconfig := tmp_path / "kubeconfig").write_text(json.dumps(content))
    return kubeconfig


def a_token_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    kubeconfig = as_json(tmp_path, {"tokenFile": str(tmp_path / "token")})
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))


def a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    version = "client.authentication.k8s.io/v1"
    answer = json.dumps(
        {"apiVersion": version, "kind": "ExecCredential", "status": {"token": "%s"}}
    )
    script = f"test -s {tmp_path}/token && printf '{answer}' $(cat {tmp_path}/token)"
    plugin = {"apiVersion": version, "command": "sh", "args": ["-c", script]}
    kubeconfig = as_json(tmp_path, {"exec": plugin})
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))


def a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "localhost")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    serving_context(tmp_path)
    authority = next(path for path in tmp_path.iterdir() if b"CERTIFICATE" in path.read_bytes())
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))


@pytest.mark.asyncio
@pytest.mark.parametrize("source", [a_token_file, a_plugin, a_pod])
async def test_a_token_is_read_anew_and_the_last_one_carried_where_that_fails(
    source: Callable[[Path, pytest.MonkeyPatch], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (token := tmp_path / "token").write_text("first")
    source(tmp_path, monkeypatch)
    async with kube.connect() as cluster:
        token.write_text("second")
        assert await cluster.token() == "first", "it is not read for each request"
        monkeypatch.setattr("customevents.renewal.TOKEN_GOOD_FOR", 0.0)
        assert await cluster.token() == "second"
        for spoil in (lambda: token.write_text(""), token.unlink):
            spoil()
            assert await cluster.token() == "second"
        token.write_text("third")
        assert await cluster.token() == "third"
