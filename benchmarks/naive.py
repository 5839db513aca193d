"""The baseline: the same job as kopf's documentation teaches it, in a page of Python.

Nothing is left out to make it worse: it is what one would write in an afternoon, and run. It has
no journal and no record of its own; kopf keeps the progress in annotations of the object.

    NAIVE_ENDPOINT=http://127.0.0.1:8080 NAIVE_KEY_FILE=key python benchmarks/naive.py

What it may do in the cluster stands in naive-rbac.yaml.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import kopf

CLUSTER = "prod-eu-1"
SEVERITIES = {"info": "information"}


def key() -> str:
    """The API key out of its file."""
    return Path(os.environ["NAIVE_KEY_FILE"]).read_text().strip()


@kopf.on.startup()
async def connect(memo: kopf.Memo, **_: Any) -> None:
    """Open the one client that all handlers use."""
    memo.api = httpx.AsyncClient(
        base_url=os.environ["NAIVE_ENDPOINT"], headers={"x-api-key": key()}
    )


@kopf.on.cleanup()
async def disconnect(memo: kopf.Memo, **_: Any) -> None:
    """Close it."""
    await memo.api.aclose()


@kopf.on.create("customevents.dev", "v1alpha1", "customevents")
@kopf.on.update("customevents.dev", "v1alpha1", "customevents", field="spec")
async def deliver(
    spec: kopf.Spec, name: str, namespace: str | None, memo: kopf.Memo, patch: kopf.Patch, **_: Any
) -> None:
    """Send the event; kopf tries again what is said to be temporary."""
    try:
        response = await memo.api.post("/mgmt/v1/events", json=body(spec, name, namespace))
    except httpx.HTTPError as error:
        raise kopf.TemporaryError(f"the events API did not answer: {error!r}", delay=5) from error
    if response.status_code in (400, 422):
        patch.status["delivery"] = {"state": "Failed"}
        raise kopf.PermanentError(f"the events API refused it: {response.status_code}")
    if response.is_error:
        raise kopf.TemporaryError(f"the events API answered {response.status_code}", delay=5)
    patch.status["delivery"] = {"state": "Delivered"}


def body(spec: kopf.Spec, name: str, namespace: str | None) -> dict[str, Any]:
    """The body of the POST, as the events API documents it."""
    severity = spec.get("severity", "information").lower()
    scope = spec.get("scope", {})
    lists = {
        "clusters": scope.get("clusters", [CLUSTER]),
        "namespaces": scope.get("namespaces", [namespace]),
        "servicesNames": scope.get("serviceNames"),
    }
    details = {key: str(value) for key, value in spec.get("details", {}).items()}
    return {
        "eventType": spec["eventType"],
        "summary": spec["summary"],
        "severity": SEVERITIES.get(severity, severity),
        "scope": {key: value for key, value in lists.items() if value},
        "details": {**details, "customevents.dev/source": f"{namespace}/{name}"},
    }


if __name__ == "__main__":
    kopf.configure()
    kopf.run(clusterwide=True, standalone=True)
