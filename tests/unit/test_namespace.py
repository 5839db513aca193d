"""The namespace that a command in a pod is about when nobody names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from customevents import kube


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a pod's namespace stands in; there is none yet."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr(kube, "OWN_NAMESPACE", tmp_path / "namespace")
    return kube.OWN_NAMESPACE


def test_it_is_the_pods_own(own: Path) -> None:
    own.write_text("customevents\n")
    assert kube.current_namespace() == "customevents"


@pytest.mark.usefixtures("own")
def test_without_a_service_account_it_is_default() -> None:
    assert kube.current_namespace() == "default"
