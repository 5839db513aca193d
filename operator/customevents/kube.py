"""Kubernetes: connection, reads, and the few writes. The only module that imports `kubernetes`.

Requests go through `kubernetes.aio` as plain dictionaries: its response models cost more CPU than
the requests themselves.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import kube_config

from customevents import answers
from customevents.renewal import Renewal
from customevents.resource import names
from customevents.resource.errors import ClusterError, InvalidName
from customevents.resource.event import GROUP, KIND, PLURAL, VERSION, CustomEvent
from customevents.resource.status import State

#: Seconds; longer than any answer of a healthy API server.
REQUEST_TIMEOUT = 30.0

#: What is not finished; `status.delivery.state` is selectable.
OPEN = ",".join(f"status.delivery.state!={state}" for state in State if state.finished)

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

#: A list of objects without their spec and status.
METADATA = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

#: Where a pod finds the namespace of its service account.
OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

#: Who the command line is in an object's managedFields.
FIELD_MANAGER = "customevents"


class Clock(Protocol):
    """What learns the API server's time."""

    def uptime(self) -> float:
        """Seconds since boot."""

    def heard(self, date: str | None, asked: float) -> None:
        """An answer bore this Date; it was asked for at this uptime, and has just arrived."""


class Cluster:
    """One connection pool to one API server."""

    def __init__(self, client: ApiClient, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock

    @property
    def server(self) -> str:
        """The API server's address."""
        return str(self._client.configuration.host)

    def session(self, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        """A session that leads there as this does, for another event loop: kopf has its own."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._client.rest_client.ssl_context),
            proxy=self._client.configuration.proxy,
            trust_env=False,
            middlewares=(*middlewares, self._authorise),
        )

    async def get_event(self, namespace: str, name: str) -> dict[str, Any]:
        """Read one CustomEvent. Raises Gone if it is not there."""
        return await self.request("GET", _path(namespace, name), kind=KIND)

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
        return await self.request("PATCH", path, operations, content_type=JSON_PATCH, kind=KIND)

    async def open_work(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """A namespace's events that are not finished, page by page; "" = all namespaces'."""
        async for item in self._pages(_collection(namespace), fieldSelector=OPEN):
            yield item

    async def all_events(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """A namespace's events, page by page; "" = all namespaces'."""
        async for item in self._pages(_collection(namespace)):
            yield item

    async def events_in_state(self, namespace: str, state: State) -> AsyncIterator[dict[str, Any]]:
        """A namespace's events in one state of delivery, page by page."""
        async for item in self._pages(
            _collection(namespace), fieldSelector=f"status.delivery.state={state}"
        ):
            yield item

    async def undelivered(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """A namespace's events in every other state than Delivered; "" = all namespaces'."""
        selector = f"status.delivery.state!={State.DELIVERED}"
        async for item in self._pages(_collection(namespace), fieldSelector=selector):
            yield item

    async def create_event(self, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create an event, for the command line alone; a field that nobody knows is refused."""
        query = urlencode({"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"})
        return await self.request("POST", f"{_collection(namespace)}?{query}", manifest, kind=KIND)

    async def annotate(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        """Set annotations, for the command line alone. Flux keeps what this field manager wrote."""
        path = f"{_path(namespace, name)}?fieldManager={FIELD_MANAGER}"
        body = {"metadata": {"annotations": annotations}}
        await self.request("PATCH", path, body, content_type=MERGE_PATCH, kind=KIND)

    async def delete_event(
        self, namespace: str, name: str, *, uid: str, resource_version: int
    ) -> None:
        """Delete an event at this very version. Raises Gone, or Conflict if it is another one."""
        wanted = {"uid": uid, "resourceVersion": str(resource_version)}
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": wanted}
        await self.request("DELETE", _path(namespace, name), body)

    async def create_notice(self, namespace: str, notice: dict[str, Any]) -> None:
        """Write a Kubernetes Event (events.k8s.io/v1) in this namespace."""
        where = f"/apis/events.k8s.io/v1/namespaces/{names.namespace(namespace)}/events"
        await self.request("POST", where, notice)

    async def get(self, path: str) -> dict[str, Any]:
        """One object, or one page of a list.

        Raises ClusterError; Gone if it is not there, NoSuchKind if there can be none.
        """
        return await self.request("GET", path)

    async def list_metadata(self, path: str) -> list[dict[str, Any]]:
        """One page of a list, of each object only its metadata. Raises ClusterError."""
        return list(answers.metadata(await self.request("GET", path, accept=METADATA)))

    async def metadata(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The `metadata` of all objects of a list, page by page. Raises ClusterError."""
        async for item in self._pages(path, accept=METADATA):
            yield item["metadata"]

    async def token(self) -> str:
        """The token that requests carry now; empty if they carry none. It must not be logged."""
        carried = await self._client.configuration.get_api_key_with_prefix("BearerToken")
        return (carried or "").partition(" ")[2].strip()

    async def _authorise(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # As our own requests, of which there is one every few seconds, have last renewed it: what
        # renews it belongs to their event loop.
        carried = self._client.configuration.api_key.get("BearerToken")
        if carried:
            request.headers["Authorization"] = carried.strip()
        return await handler(request)

    async def _pages(
        self, path: str, *, accept: str = JSON, **query: str
    ) -> AsyncIterator[dict[str, Any]]:
        query["limit"] = str(answers.PAGE)
        while True:
            page = await self.request("GET", f"{path}?{urlencode(query)}", accept=accept)
            for item in page["items"]:
                yield item
            if not (more := answers.more(page)):
                return
            if more == query.get("continue"):
                raise ClusterError(f"the list {path} does not go on: its page was answered twice")
            query["continue"] = more

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
        kind: str = "",
    ) -> dict[str, Any]:
        """One request to the API server, answered by an object of this kind; empty: of any.

        Raises ClusterError, or one of its children.
        """
        if not names.is_path(path.partition("?")[0]):
            raise InvalidName(f"{answers.one_line(path)} is no path: one of its names is none")
        sent = self._clock.uptime() if self._clock else 0.0
        answer = await self._exchange(method, path, body, content_type, accept)
        about = answers.asked(path)
        if not 200 <= answer.status < 300:
            raise answers.refused(about, answer, of_patch=content_type == JSON_PATCH)
        # What is created may get its name there, and what is deleted may answer with a Status.
        of_one = method not in ("POST", "DELETE")
        read = answers.read(about, answer, of_one=of_one, kind=kind)
        if self._clock:  # what something in between answers is not the API server's time
            self._clock.heard(answer.date, sent)
        return read

    async def _exchange(
        self, method: str, path: str, body: Any, content_type: str, accept: str
    ) -> answers.Answer:
        headers = {"Accept": accept, "Content-Type": content_type}
        try:
            _, url, headers, body, _ = await self._client.param_serialize(
                method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            # A token's file may end in a newline, with which nothing would be sent.
            headers = {name: value.strip() for name, value in headers.items()}
            response = await self._client.call_api(
                method, url, headers, body, _request_timeout=REQUEST_TIMEOUT
            )
            content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ClusterError(
                f"the Kubernetes API did not answer: {type(error).__name__}"
            ) from error
        except Exception as error:  # whatever the library trips over in what should be a token
            words = f"the Kubernetes API cannot be asked: {type(error).__name__}"
            raise ClusterError(words) from error
        wait, date = (response.headers.get(name, "") for name in ("Retry-After", "Date"))
        return answers.Answer(response.status, content, wait, date)


class Lease:
    """One Lease, read and swapped. Raises InvalidName if it cannot be called so."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._request = cluster.request
        where = names.namespace(namespace)
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{where}/leases"
        self._path = f"{self._all}/{names.of_object('Lease', name)}"
        self._name = name

    async def read(self) -> dict[str, Any]:
        """The Lease as it is. Raises Gone."""
        return await self._request("GET", self._path, kind="Lease")

    async def create(self, lease: dict[str, Any]) -> dict[str, Any]:
        """Make it. Raises Conflict if it is there."""
        metadata = {**lease.get("metadata", {}), "name": self._name}
        body = {**lease, "metadata": metadata}
        return await self._request("POST", self._all, body, kind="Lease")

    async def replace(self, lease: dict[str, Any]) -> dict[str, Any]:
        """Swap it for what was read before. Raises Conflict if it changed since, or Gone."""
        if not lease["metadata"].get("resourceVersion"):
            # Sent, it would make a Lease that was deleted anew, and be no compare-and-swap.
            raise ClusterError("a Lease without a resourceVersion is never written")
        return await self._request("PUT", self._path, lease, kind="Lease")


@asynccontextmanager
async def connect(clock: Clock | None = None) -> AsyncIterator[Cluster]:
    """Connect as the kubeconfig says, or as this pod's service account; `clock` learns the time.

    Raises ClusterError if there is neither.
    """
    try:
        client = ApiClient(await _configuration())
    finally:
        _remove_certificate_files()
    async with client:
        yield Cluster(client, clock)


def _remove_certificate_files() -> None:
    """The library writes a kubeconfig's certificates and keys to the system's temporary folder.

    They are read once, when the client is made. A process that is killed would leave them there.
    """
    kube_config._cleanup_temp_files()


async def _token_of_the_pod() -> str | None:
    fresh = Configuration()
    config.load_incluster_config(client_configuration=fresh)
    return str(fresh.api_key["BearerToken"])


def _token_of(loader: kube_config.KubeConfigLoader) -> Callable[[], Awaitable[str | None]]:
    """As its kubeconfig said at first: by now, that may be about another cluster."""

    async def read() -> str | None:
        try:
            await loader._load_authentication()
        finally:
            _remove_certificate_files()
        token: str | None = loader.token
        return token

    return read


async def _configuration() -> Configuration:
    configuration = Configuration()
    try:
        if _in_a_pod():
            config.load_incluster_config(client_configuration=configuration)
            read: Callable[[], Awaitable[str | None]] = _token_of_the_pod
        else:
            loader = await config.load_kube_config(client_configuration=configuration)
            read = _token_of(loader)
    except Exception as error:  # whatever the library trips over in a file that is no kubeconfig
        words = " ".join(str(error).split())
        raise ClusterError(
            f"no way to the Kubernetes API: {words}; is KUBECONFIG set to a kubeconfig?"
        ) from None
    renewal: Any = Renewal(read)  # the library's stub types the hook as None
    configuration.refresh_api_key_hook = renewal
    configuration.proxy = configuration.proxy or _proxy_for(configuration.host)
    # Else aiohttp looks for a proxy and a .netrc at each request, in threads.
    configuration.client_session_kwargs = {"trust_env": False}
    return configuration


def _in_a_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and not os.environ.get("KUBECONFIG")


def _proxy_for(host: str) -> str | None:
    """The proxy that the environment names for the API server, as kubectl takes it."""
    server = urlsplit(host)
    if proxy_bypass(server.netloc):
        return None
    return getproxies().get(server.scheme)


def current_namespace() -> str:
    """The pod's own namespace, or that of the kubeconfig's current context; else `default`."""
    try:
        if _in_a_pod():
            return OWN_NAMESPACE.read_text().strip()
        _, current = config.list_kube_config_contexts()
    except (config.ConfigException, OSError):
        return "default"
    namespace: str = current.get("context", {}).get("namespace") or "default"
    return namespace


def _collection(namespace: str) -> str:
    within = f"namespaces/{names.namespace(namespace)}/" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}/{within}{PLURAL}"


def _path(namespace: str, name: str) -> str:
    where = names.namespace(namespace)
    return f"{_collection(where)}/{names.of_object(KIND, name)}"
