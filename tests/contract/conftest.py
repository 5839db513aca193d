"""What the tests of the CRD share."""

import pytest
from kubernetes import client

from contract.events_in_cluster import Events


@pytest.fixture
def events(api: client.ApiClient, namespace: str) -> Events:
    return Events(api, namespace)
