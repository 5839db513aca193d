"""The two API servers of which each case is asked: the model, and Kubernetes itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from localcluster import Cluster

from promises.crowd import Api, administrator
from simulation.apiserver import ApiServer
from simulation.comparing import JSON, MERGE_PATCH, Said

CRD = Path(__file__).parents[2] / "crds" / "customevents.customevents.dev.yaml"

#: What a write without a name of its own is called after in managedFields.
_AGENT = "unknown"

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_EVENTS = "/apis/customevents.dev/v1alpha1/customevents"

#: Seconds.
_PATIENCE, _BETWEEN = 30.0, 0.05


class ModelServer:
    """The model, with a clock that goes on where it is told to."""

    def __init__(self) -> None:
        self._clock = datetime(2026, 1, 31, 12, tzinfo=UTC)
        self.model = ApiServer(lambda: self._clock, yaml.safe_load(CRD.read_text()))

    def ask(self, method: str, path: str, body: Any, content_type: str, accept: str) -> Said:
        reply = self.model.handle(method, path, body, content_type=content_type, accept=accept)
        return Said(reply.status, reply.body)

    def tick(self) -> None:
        self._clock += timedelta(seconds=1)

    def forget(self, token_path: str) -> None:  # noqa: ARG002 - it needs nothing to wait for
        self.model.compact()

    def remove_crd(self) -> None:
        self.model.remove_crd()

    def restore_crd(self) -> None:
        self.model.restore_crd()


@dataclass
class RealServer:
    """Kubernetes' own."""

    cluster: Cluster
    api: Api

    def ask(self, method: str, path: str, body: Any, content_type: str, accept: str) -> Said:
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": _AGENT}
        sent = None if body is None else json.dumps(body).encode()
        found = self.api.pool.request(
            method,
            f"{self.api.server}{path}",
            body=sent,
            headers=headers,
            retries=False,
            timeout=30,
        )
        return Said(found.status, found.data)

    def tick(self) -> None:
        """Its clock is the machine's."""
        second = int(time.time())
        _until(lambda: int(time.time()) > second)

    def forget(self, token_path: str) -> None:
        """An API server that starts knows of nothing before, and this one has etcd forget it.

        Each few seconds, and not more often: what is asked next must not be forgotten as well.
        """
        self.cluster.restart("kube-apiserver", ["--etcd-compaction-interval=3s"])
        _until(lambda: self._status(token_path) == 410)
        # That it has forgotten is told before all of it is ready.
        _until(lambda: self._status("/readyz") == 200)
        _until(lambda: self._status(token_path.partition("?")[0]) == 200)

    def remove_crd(self) -> None:
        """Finalizers that other cases left would hold it."""
        for found in self._get(_EVENTS).json["items"]:
            meta = found["metadata"]
            inside = _EVENTS.replace("customevents.dev/v1alpha1", "customevents.dev/v1alpha1/{}")
            path = f"{inside.format('namespaces/' + meta['namespace'])}/{meta['name']}"
            self.ask("PATCH", path, {"metadata": {"finalizers": None}}, MERGE_PATCH, JSON)
        self.ask("DELETE", f"{_CRDS}/{_crd()['metadata']['name']}", None, JSON, JSON)
        _until(lambda: self._status(_EVENTS) == 404)

    def restore_crd(self) -> None:
        self.ask("POST", _CRDS, _crd(), JSON, JSON)
        _until(lambda: self._status(_EVENTS) == 200)

    def _get(self, path: str) -> Said:
        return self.ask("GET", path, None, JSON, JSON)

    def _status(self, path: str) -> int:
        return self._get(path).status


@contextmanager
def real_server(folder: Path) -> Iterator[RealServer]:
    """A control plane of its own, without controllers: nothing else writes there."""
    with (
        Cluster(folder, crds=[CRD], controllers=False) as cluster,
        administrator(cluster.kubeconfig) as api,
    ):
        yield RealServer(cluster, api)


def _crd() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CRD.read_text())
    return found


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not within {_PATIENCE:g} s"
        time.sleep(_BETWEEN)
