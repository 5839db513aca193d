"""Kubernetes: connection, reads, and the few writes. The only module that imports `kubernetes`.

Requests go through `kubernetes.aio` as plain dictionaries: its response models cost more CPU than
the requests themselves.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode

import aiohttp

from customevents import answers, lean, sessions, trust, way
from customevents.chosen import Chosen
from customevents.credentials import Credentials
from customevents.resource import names
from customevents.resource.errors import ClusterError, InvalidName, NotTheApi
from customevents.resource.event import GROUP, KIND, PLURAL, VERSION, CustomEvent
from customevents.resource.status import State

if TYPE_CHECKING:
    from kubernetes.aio.client.api_client import ApiClient

#: Seconds; longer than any answer of a healthy API server.
REQUEST_TIMEOUT = 30.0

#: What is not finished; `status.delivery.state` is selectable.
OPEN = ",".join(f"status.delivery.state!={state}" for state in State if state.finished)

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

#: A list of objects without their spec and status.
METADATA = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

#: Who the command line is in an object's managedFields.
FIELD_MANAGER = "customevents"

#: Who the operator is there.
OPERATOR = "customevents-operator"
AS_OPERATOR = urlencode({"fieldManager": OPERATOR})

#: How the command line writes: a field that nobody knows is refused.
STRICTLY = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}


class Timekeeper(Protocol):
    """What learns the API server's time."""

    def uptime(self) -> float:
        """Seconds since boot."""

    def heard(self, date: str | None, asked: float) -> None:
        """An answer bore this Date; it was asked for at this uptime, and has just arrived."""


class Transport(Protocol):
    """What carries requests to the API server."""

    async def exchange(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> answers.Response:
        """One request, and its whole answer. Raises ClusterError if there was none."""


class Cluster:
    """One way to one API server."""

    def __init__(
        self,
        transport: Transport,
        found: way.Way,
        credentials: Credentials,
        clock: Timekeeper | None,
    ) -> None:
        """`connect` makes it."""
        self._transport = transport
        self._way = found
        self._credentials = credentials
        self._clock = clock

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._way.server

    @property
    def origin(self) -> str:
        """What says so, for messages: a context of a kubeconfig, or this pod."""
        return self._way.origin

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context, or this pod's own."""
        return self._way.namespace

    def session(self, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        """A session that leads there as this does, for another event loop: kopf has its own."""
        return aiohttp.ClientSession(**sessions.leading(self._way, self._credentials, middlewares))

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
        if event.stored_record is None:  # there may be no status at all to look into
            version = str(event.resource_version)
            operations[1] = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
        path = f"{_path(event.namespace, event.name)}/status?{AS_OPERATOR}"
        return await self.request("PATCH", path, operations, content_type=JSON_PATCH, kind=KIND)

    # Events, page by page; of the namespace "", those of all.

    def open_work(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """What is not finished."""
        return self._events(namespace, OPEN)

    def all_events(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """Everything."""
        return self._events(namespace)

    def events_in_state(self, namespace: str, state: State) -> AsyncIterator[dict[str, Any]]:
        """What is in this state of delivery."""
        return self._events(namespace, f"status.delivery.state={state}")

    def undelivered(self, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """What is in every other state than Delivered."""
        return self._events(namespace, f"status.delivery.state!={State.DELIVERED}")

    def labelled(self, namespace: str, label: str, value: str) -> AsyncIterator[dict[str, Any]]:
        """What has this label."""
        return self._pages(collection(namespace), labelSelector=f"{label}={value}")

    async def _events(self, namespace: str, selector: str = "") -> AsyncIterator[dict[str, Any]]:
        query = {"fieldSelector": selector} if selector else {}
        async for item in self._pages(collection(namespace), **query):
            yield item

    async def create_event(self, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create an event, for the command line alone; a field that nobody knows is refused."""
        where = f"{collection(namespace)}?{urlencode(STRICTLY)}"
        return await self.request("POST", where, manifest, kind=KIND)

    async def try_event(
        self, namespace: str, manifest: dict[str, Any], stored: dict[str, Any] | None
    ) -> None:
        """Have an event judged as if it were written, over what is stored there; nothing is.

        Raises ClusterError: Conflict if one of its name is there, and nothing is said to be stored.
        """
        query = urlencode({**STRICTLY, "dryRun": "All"})
        if stored is None:
            await self.request("POST", f"{collection(namespace)}?{query}", manifest)
            return
        version = {"resourceVersion": stored["metadata"]["resourceVersion"]}
        body = {**manifest, "metadata": {**version, **manifest["metadata"]}}
        path = _path(namespace, manifest["metadata"]["name"])
        await self.request("PUT", f"{path}?{query}", body)

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

    async def remove_event(self, namespace: str, name: str) -> None:
        """Delete an event at any version, for the command line alone. Raises Gone."""
        await self.request("DELETE", _path(namespace, name))

    async def create_notice(self, namespace: str, notice: dict[str, Any]) -> None:
        """Write a Kubernetes Event (events.k8s.io/v1) in this namespace."""
        where = f"/apis/events.k8s.io/v1/namespaces/{names.namespace(namespace)}/events"
        await self.request("POST", f"{where}?{AS_OPERATOR}", notice)

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
        kind, _, token = self._credentials.authorization.partition(" ")
        return token if kind == "Bearer" else ""

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

    async def text(self, path: str) -> str:
        """What is no object: a log. Raises ClusterError."""
        _check(path)
        headers = {"Accept": "*/*", "Content-Type": JSON}
        answer = await self._transport.exchange("GET", path, None, headers)
        if not 200 <= answer.status < 300:
            raise answers.refused(answers.asked(path), answer, of_patch=False)
        return answer.body.decode(errors="replace")

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
        _check(path)
        sent = self._clock.uptime() if self._clock else 0.0
        headers = {"Accept": accept, "Content-Type": content_type}
        answer = await self._transport.exchange(method, path, body, headers)
        about = answers.asked(path)
        if not 200 <= answer.status < 300:
            raise answers.refused(about, answer, of_patch=content_type == JSON_PATCH)
        # What is created may get its name there, and what is deleted may answer with a Status.
        of_one = method not in ("POST", "DELETE")
        read = answers.read(about, answer, of_one=of_one, kind=kind)
        if self._clock:  # what something in between answers is not the API server's time
            self._clock.heard(answer.date, sent)
        return read


class Pool:
    """A connection pool to one API server."""

    def __init__(self, client: ApiClient, server: str) -> None:
        self._client = client
        self._server = server

    async def exchange(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> answers.Response:
        """One request, and its whole answer. Raises ClusterError if there was none."""
        try:
            _, url, headers, body, _ = await self._client.param_serialize(
                method, path, header_params=headers, body=body
            )
            response = await self._client.call_api(
                method, url, headers, body, _request_timeout=REQUEST_TIMEOUT
            )
            content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            words = f"the Kubernetes API did not answer: {trust.why(error, self._server)}"
            raise (NotTheApi if trust.is_stranger(error) else ClusterError)(words) from error
        except Exception as error:  # whatever a library trips over
            words = f"the Kubernetes API cannot be asked: {trust.why(error)}"
            raise ClusterError(words) from error
        wait, date = (response.headers.get(name, "") for name in ("Retry-After", "Date"))
        return answers.Response(response.status, content, wait, date)


AnyCluster = TypeVar("AnyCluster", bound=Cluster)


class OneObject:
    """One object that the operator keeps for itself: read, made and swapped."""

    def __init__(self, cluster: Cluster, kind: str, group: str, namespace: str, name: str) -> None:
        """`group` is the path of the kind's API. Raises InvalidName if it cannot be called so."""
        self._request = cluster.request
        self._kind = kind
        where = names.namespace(namespace)
        self._all = f"{group}/namespaces/{where}/{kind.lower()}s"
        self._name = names.of_object(kind, name)

    async def read(self) -> dict[str, Any]:
        """It, as it is. Raises Gone."""
        return await self._request("GET", f"{self._all}/{self._name}", kind=self._kind)

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make it. Raises Conflict if it is there."""
        named = {**body, "metadata": {**body.get("metadata", {}), "name": self._name}}
        return await self._request("POST", f"{self._all}?{AS_OPERATOR}", named, kind=self._kind)

    async def replace(self, body: dict[str, Any]) -> dict[str, Any]:
        """Swap it for what was read before. Raises Conflict if it changed since, or Gone."""
        if not body["metadata"].get("resourceVersion"):
            # Sent, it would make what was deleted anew, and be no compare-and-swap.
            raise ClusterError(f"a {self._kind} without a resourceVersion is never written")
        path = f"{self._all}/{self._name}?{AS_OPERATOR}"
        return await self._request("PUT", path, body, kind=self._kind)


def lease(cluster: Cluster, namespace: str, name: str) -> OneObject:
    """The Lease of this name. Raises InvalidName."""
    return OneObject(cluster, "Lease", "/apis/coordination.k8s.io/v1", namespace, name)


def config_map(cluster: Cluster, namespace: str, name: str) -> OneObject:
    """The ConfigMap of this name. Raises InvalidName."""
    return OneObject(cluster, "ConfigMap", "/api/v1", namespace, name)


def connect(
    clock: Timekeeper | None = None, chosen: Chosen | None = None
) -> AbstractAsyncContextManager[Cluster]:
    """Connect as the kubeconfig says, or as this pod's service account; `clock` learns the time.

    Raises NoWay if there is neither, or one that cannot be used.
    """
    return connect_as(Cluster, clock, chosen)


@asynccontextmanager
async def connect_as(
    kind: type[AnyCluster], clock: Timekeeper | None = None, chosen: Chosen | None = None
) -> AsyncIterator[AnyCluster]:
    """Connect, to ask in the way of this kind of Cluster. Raises NoWay."""
    lean.package("kubernetes")
    lean.package("kubernetes.aio")
    from kubernetes.aio.client.api_client import ApiClient
    from kubernetes.aio.client.configuration import Configuration

    found = way.find(chosen or Chosen(), os.environ)
    credentials = Credentials(found.credentials, found.present)
    await credentials.start()
    configuration = Configuration(host=found.server)
    leading = sessions.leading(found, credentials)
    # The library's own pool would look for a proxy of its own, and ignores the rest.
    configuration.client_session_kwargs = leading
    try:
        async with leading["connector"], ApiClient(configuration) as client:
            yield kind(Pool(client, found.server), found, credentials, clock)
    finally:
        await credentials.stop()


def _check(path: str) -> None:
    if not names.is_path(path.partition("?")[0]):
        raise InvalidName(f"{answers.one_line(path)} is no path: one of its names is none")


def collection(namespace: str) -> str:
    """The path of a namespace's CustomEvents; of "", of all. Raises InvalidName."""
    within = f"namespaces/{names.namespace(namespace)}/" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}/{within}{PLURAL}"


def _path(namespace: str, name: str) -> str:
    where = names.namespace(namespace)
    return f"{collection(where)}/{names.of_object(KIND, name)}"
