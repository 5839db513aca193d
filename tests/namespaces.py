"""Namespaces of tests, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes import client


@contextmanager
def temporary_namespace(api: client.ApiClient, name: str) -> Iterator[str]:
    """A namespace for as long as the block lasts; nobody waits for its end.

    Its events go at once, before the namespace does: the next test's operator would send what
    this one left open, and that test would see POSTs that are not its own.
    """
    namespaces = client.CoreV1Api(api)
    namespaces.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    yield name
    events = client.CustomObjectsApi(api)
    events.delete_collection_namespaced_custom_object(
        "customevents.dev", "v1alpha1", name, "customevents"
    )
    namespaces.delete_namespace(name)
