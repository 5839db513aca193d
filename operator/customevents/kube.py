"""Kubernetes: connection, reads, and the few writes. The only module that imports `kubernetes`.

Requests go through `kubernetes.aio` as plain dictionaries: its response models cost more CPU than
the requests themselves.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from customevents.resource.errors import ClusterError, Conflict, Gone
from customevents.resource.event import GROUP, PLURAL, VERSION, CustomEvent

#: Seconds; longer than any answer of a healthy API server.
REQUEST_TIMEOUT = 30.0

JSON_PATCH = "application/json-patch+json"


class Cluster:
    """One connection pool to one API server."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        """Read one CustomEvent. Raises Gone if it is not there."""
        return await self._request("GET", _path(namespace, name))

    async def patch_status(self, event: CustomEvent, status: dict[str, Any]) -> dict[str, Any]:
        """Replace an event's status, as a compare-and-swap on its delivery record.

        Raises Conflict if another object of the same name, or another record, stands there.
        """
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": event.uid},
            {"op": "test", "path": "/status/delivery", "value": event.stored_record},
            {"op": "add", "path": "/status", "value": status},
        ]
        if event.stored_record is None:
            del operations[1]
        path = f"{_path(event.namespace, event.name)}/status"
        return await self._request("PATCH", path, operations, content_type=JSON_PATCH)

    async def _request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            _, url, headers, body, _ = await self._client.param_serialize(
                method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            response = await self._client.call_api(
                method, url, headers, body, _request_timeout=REQUEST_TIMEOUT
            )
            content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ClusterError(
                f"the Kubernetes API did not answer: {type(error).__name__}"
            ) from error
        answer: dict[str, Any] = json.loads(content)
        if not 200 <= response.status < 300:
            raise _refused(response.status, answer)
        return answer


@asynccontextmanager
async def connect() -> AsyncIterator[Cluster]:
    """Connect as the kubeconfig says, or as this pod's service account.

    Raises ClusterError if there is neither.
    """
    configuration = await _configuration()
    async with ApiClient(configuration) as client:
        yield Cluster(client)


async def _configuration() -> Configuration:
    configuration = Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and not os.environ.get("KUBECONFIG"):
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(client_configuration=configuration)
    except config.ConfigException as error:
        raise ClusterError(f"no way to the Kubernetes API: {error}; is KUBECONFIG set?") from None
    return configuration


def _path(namespace: str, name: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}/{name}"


def _refused(status: int, answer: dict[str, Any]) -> ClusterError:
    words = f"the Kubernetes API answered {status}: {answer.get('message', '')}"
    match status:
        case 404:
            return Gone(words, status)
        case 409:
            return Conflict(words, status)
        # A failed `test` names no field; an object that breaks the schema does.
        case 422 if not answer.get("details", {}).get("causes"):
            return Conflict(words, status)
        case _:
            return ClusterError(words, status)
