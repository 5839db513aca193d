"""A cluster whose authority has basic constraints alone: the operator leads, watches, delivers."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from localcluster import Cluster

from customevents import sandbox
from integration.conftest import HERE, StartOperator
from operator_process import eventually
from plain_cluster import PlainCluster

CRD = HERE.parents[1] / "crds" / "customevents.customevents.dev.yaml"
EVENT = {
    "apiVersion": "customevents.dev/v1alpha1",
    "kind": "CustomEvent",
    "metadata": {"name": "checkout", "namespace": "default"},
}


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Cluster]:
    with PlainCluster(tmp_path / "cluster", crds=[CRD]) as running:
        running.kubectl("apply", "-f", str(HERE / "rbac.yaml"))
        yield running


async def refusal(server: str, ca_file: Path) -> str:
    """Why Python 3.13 would not speak to it."""
    strict = ssl.create_default_context(cafile=ca_file)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    address = urlsplit(server)
    try:
        _, writer = await asyncio.open_connection(address.hostname, address.port, ssl=strict)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    writer.close()
    return ""


def test_an_event_and_its_edit_are_delivered(
    plain: Cluster, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    assert asyncio.run(refusal(plain.server, plain.ca_file)), "else this would show nothing"
    account = plain.service_account_kubeconfig("customevents", "customevents")
    start_operator(kubeconfig=account)
    for summary in ("checkout 1.4.2 is live", "checkout 1.4.3 is live"):
        event = {**EVENT, "spec": {"eventType": "release", "summary": summary}}
        plain.kubectl("apply", "-f", "-", input=json.dumps(event))
        eventually(f"{summary}: told", partial(_told, timeline, summary))


def _told(timeline: sandbox.Running, summary: str) -> bool | None:
    events = timeline.call("GET", "/events")["events"]
    return summary in [event["body"]["summary"] for event in events] or None
