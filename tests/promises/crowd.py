"""Many events at once, what became of them, what reached the other end, and what it cost.

It speaks to the API server as the administrator and shares no code with the operator, so that a
defect there cannot hide here.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3
import yaml

from customevents import sandbox

#: Where a delivery has ended; Held and Suspended wait, however long.
TERMINAL = frozenset({"Delivered", "Failed", "Expired"})

#: Selects what has not ended: the API server knows no "in".
OPEN = ",".join(f"status.delivery.state!={state}" for state in sorted(TERMINAL))

#: Concurrent requests; more make an API server on two cores no faster.
CONNECTIONS = 6

#: Seconds.
BETWEEN_POLLS = 0.1

MERGE_PATCH = "application/merge-patch+json"

_GROUP = "/apis/customevents.dev/v1alpha1"


@dataclass(frozen=True)
class Api:
    """An API server, and the right to do anything there."""

    server: str
    pool: urllib3.PoolManager

    def call(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """Send one request, and only one, and return the answer; fails if that is no success."""
        url = f"{self.server}{path}?{urlencode(query or {})}"
        headers = {"Content-Type": content_type}
        answer = self.pool.request(
            method, url, json=document, headers=headers, retries=False, timeout=30
        )
        assert answer.status < 300, f"{answer.status} for {method} {path}: {answer.data!r}"
        return answer.data


class Call(NamedTuple):
    """One kind of request, as the API server counts them: PATCH, customevents, status."""

    verb: str
    resource: str
    subresource: str = ""


@dataclass(frozen=True)
class Post:
    """One POST that the sandbox got, whatever became of it.

    `answered` is a status, or "waiting", "dropped", "garbage", "abandoned"; `accepted` says whether
    the event is on the timeline. What the request does not say is empty.
    """

    sequence: int
    received_at: str
    delivery_id: str
    #: namespace/name of the object, by the details.
    source: str
    body: dict[str, Any]
    answered: int | str
    accepted: bool


@contextmanager
def administrator(kubeconfig: Path) -> Iterator[Api]:
    """Connect to the API server of a kubeconfig that the local cluster wrote for a user."""
    content = yaml.safe_load(kubeconfig.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    authority = b64decode(cluster["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    with NamedTemporaryFile() as pem:
        for part in ("client-certificate-data", "client-key-data"):
            pem.write(b64decode(user[part]))
        pem.flush()
        tls.load_cert_chain(pem.name)
    with urllib3.PoolManager(maxsize=CONNECTIONS, block=True, ssl_context=tls) as pool:
        yield Api(cluster["server"], pool)


def release(number: int) -> dict[str, Any]:
    """The spec of an ordinary event."""
    return {"eventType": "release", "summary": f"checkout 1.4.{number} is live"}


def create(
    api: Api,
    namespaces: Sequence[str],
    count: int,
    *,
    prefix: str = "event",
    spec: Callable[[int], dict[str, Any]] = release,
) -> list[str]:
    """Create events spread over namespaces in turn, quickly; their namespace/name in order."""
    names = [(namespaces[i % len(namespaces)], f"{prefix}-{i:05}") for i in range(count)]

    def work(number: int) -> str:
        namespace, name = names[number]
        api.call("POST", _events_path(namespace), _manifest(name, spec(number)))
        return f"{namespace}/{name}"

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return list(threads.map(work, range(count)))


def create_one(api: Api, namespace: str, name: str, summary: str, **metadata: Any) -> None:
    """Create one ordinary event."""
    spec = {"eventType": "release", "summary": summary}
    api.call("POST", _events_path(namespace), _manifest(name, spec, **metadata))


def plant(api: Api, namespace: str, name: str, record: dict[str, Any]) -> None:
    """Write into an event's record what no operator wrote."""
    path = f"{_events_path(namespace)}/{name}/status"
    api.call("PATCH", path, {"status": {"delivery": record}}, content_type=MERGE_PATCH)


def change(api: Api, namespace: str, name: str, patch: dict[str, Any]) -> None:
    """Merge something into an event."""
    path = f"{_events_path(namespace)}/{name}"
    api.call("PATCH", path, patch, content_type=MERGE_PATCH)


def edit(api: Api, namespace: str, name: str, summary: str) -> None:
    """Give an event other content."""
    change(api, namespace, name, {"spec": {"summary": summary}})


def resend(api: Api, namespace: str, name: str, value: str) -> None:
    """Ask for an event to be told again."""
    annotations = {"customevents.dev/resend": value}
    change(api, namespace, name, {"metadata": {"annotations": annotations}})


def delete(api: Api, namespace: str, name: str) -> None:
    """Delete one event."""
    api.call("DELETE", f"{_events_path(namespace)}/{name}")


def listed(api: Api, namespace: str | None = None, *, page: int = 500) -> list[dict[str, Any]]:
    """All events, of one namespace or of all."""
    found: list[dict[str, Any]] = []
    more: str | None = ""
    while more is not None:
        document = _page(api, namespace, {"limit": str(page), "continue": more})
        found += document["items"]
        more = document["metadata"].get("continue") or None
    return found


def states(events: Sequence[dict[str, Any]]) -> Counter[str]:
    """How many events are in which state of delivery."""
    return Counter(event["status"]["delivery"]["state"] for event in events)


def until_terminal(
    api: Api, namespace: str | None = None, *, within: float
) -> list[dict[str, Any]]:
    """All events, once the delivery of each has ended; fails after so many seconds."""
    end = time.monotonic() + within
    while _page(api, namespace, {"fieldSelector": OPEN, "limit": "1"})["items"]:
        if time.monotonic() > end:
            counted = dict(states(listed(api, namespace)))
            raise AssertionError(f"not all deliveries ended in {within:g} s: {counted}")
        time.sleep(BETWEEN_POLLS)
    return listed(api, namespace)


def delete_all(api: Api, namespace: str) -> None:
    """Delete a namespace's events, in one request: one by one takes minutes."""
    api.call("DELETE", _events_path(namespace))


def posts(timeline: sandbox.Running, *, namespace: str | None = None, after: int = 0) -> list[Post]:
    """Every POST of an event that the sandbox got behind this sequence number, oldest first.

    With a namespace, only those for objects in it: operators of one test find what others left.
    A POST whose body was never read is then not among them.
    """
    found: list[Post] = []
    last: int | None = after
    while last is not None:
        page = timeline.call("GET", f"/sandbox/requests?limit=1000&after={last}")
        found += map(_post, page["requests"])
        last = page["next"]
    return [post for post in found if namespace in (None, post.source.partition("/")[0])]


def posts_of(timeline: sandbox.Running, namespace: str, name: str) -> list[Post]:
    """Every POST that the sandbox got for one object, or others of that name, oldest first."""
    source = f"{namespace}/{name}"
    return [post for post in posts(timeline, namespace=namespace) if post.source == source]


def by_delivery(found: Sequence[Post]) -> dict[str, list[Post]]:
    """The posts of each delivery id."""
    return _grouped(found, lambda post: post.delivery_id)


def by_source(found: Sequence[Post]) -> dict[str, list[Post]]:
    """The posts of each object, by namespace/name: for those who send no delivery id."""
    return _grouped(found, lambda post: post.source)


def calls(api: Api) -> Counter[Call]:
    """How many requests of each kind the API server has answered since its start.

    Those of everybody: controllers list and watch CustomEvents, too. A watch counts when it ends,
    and any request shortly after its answer. One count taken from a later one is what came between.
    """
    counted: Counter[Call] = Counter()
    for line in api.call("GET", "/metrics").decode().splitlines():
        if line.startswith("apiserver_request_total{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            call = Call(labels["verb"], labels["resource"], labels["subresource"])
            counted[call] += int(float(line.split()[-1]))
    return counted


def _events_path(namespace: str | None) -> str:
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{_GROUP}{inside}/customevents"


def _manifest(name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def _page(api: Api, namespace: str | None, query: Mapping[str, str]) -> dict[str, Any]:
    page: dict[str, Any] = json.loads(api.call("GET", _events_path(namespace), query=query))
    return page


def _post(request: dict[str, Any]) -> Post:
    body = _document(request["body"])
    details = body.get("details", {})
    return Post(
        sequence=request["sequence"],
        received_at=request["receivedAt"],
        delivery_id=request["idempotencyKey"] or "",
        source=details.get("customevents.dev/source", ""),
        body=body,
        answered=request["answered"],
        accepted=request["accepted"],
    )


def _document(body: str) -> dict[str, Any]:
    """The body as JSON; empty if the connection ended before it was read."""
    try:
        document: dict[str, Any] = json.loads(body)
    except ValueError:
        return {}
    return document


def _grouped(found: Sequence[Post], key: Callable[[Post], str]) -> dict[str, list[Post]]:
    groups = defaultdict(list)
    for post in found:
        groups[key(post)].append(post)
    return dict(groups)
