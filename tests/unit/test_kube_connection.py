"""The connection to the API server, before it is used."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from _common import CONTROLPLANE, run
from kubernetes.aio.config import kube_config

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
