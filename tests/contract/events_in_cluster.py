"""CustomEvents of a real API server, for the tests to create, read and get refused."""

import json
from typing import Any, cast

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from contract.cases import Json

COLLECTION = ("customevents.dev", "v1alpha1")


class Events:
    """The CustomEvents of one namespace."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._objects = client.CustomObjectsApi(api)
        self._where = (*COLLECTION, namespace, "customevents")

    def create(self, spec: Json, *, name: str = "event", **options: Any) -> Json:
        """Create an event as kubectl does it: unknown fields are refused."""
        options = {"field_validation": "Strict"} | options
        body = manifest(name, spec)
        return cast(
            Json, self._objects.create_namespaced_custom_object(*self._where, body, **options)
        )

    def refusal(self, spec: Json, **options: Any) -> str:
        """Try to create it, and return what the API server answers."""
        with pytest.raises(ApiException) as refused:
            self.create(spec, dry_run="All", **options)
        return answer(refused.value)

    def get(self, name: str = "event") -> Json:
        return cast(Json, self._objects.get_namespaced_custom_object(*self._where, name))

    def find(self, **options: Any) -> list[Json]:
        found = self._objects.list_namespaced_custom_object(*self._where, **options)
        return cast(list[Json], cast(Json, found)["items"])

    def first_watched(self) -> Json:
        """Return the first object that a watch reports of those that are there already."""
        response = cast(
            Any,  # with _preload_content off it is urllib3's, whatever the annotation says
            self._objects.list_namespaced_custom_object(
                *self._where,
                watch=True,
                resource_version="0",
                timeout_seconds=5,
                _preload_content=False,
            ),
        )
        try:
            return cast(Json, json.loads(next(response.stream()))["object"])
        finally:
            response.close()

    def table(self) -> Json:
        """Return what the API server answers to `kubectl get`."""
        accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        listed = self._objects.list_namespaced_custom_object(*self._where, _headers=accept)
        return cast(Json, listed)

    def patch_status(self, patch: Json, name: str = "event", **options: Any) -> Json:
        return cast(
            Json,
            self._objects.patch_namespaced_custom_object_status(
                *self._where, name, patch, _content_type="application/merge-patch+json", **options
            ),
        )


def manifest(name: str, spec: Json) -> Json:
    return {
        "apiVersion": "/".join(COLLECTION),
        "kind": "CustomEvent",
        "metadata": {"name": name},
        "spec": spec,
    }


def answer(refused: ApiException) -> str:
    """Return what was wrong, without the note that more was not looked at."""
    status = json.loads(refused.body or "")
    causes = status.get("details", {}).get("causes")
    if causes is None:
        return cast(str, status["message"])
    wrong = [f"{cause['field']}: {cause['message']}" for cause in causes]
    return "\n".join(line for line in wrong if "rules were not checked" not in line)
