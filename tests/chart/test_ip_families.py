"""The chart's Services on clusters with IPv6 alone, and with both families."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from localcluster import Cluster

from chart.helm_cli import CHART, Helm

#: The addresses that a cluster gives to Services, and the families that a Service has there.
CLUSTERS = {
    "IPv6 alone": ("fd00:10::/112", ["IPv6"]),
    "dual-stack, IPv4 first": ("10.0.0.0/24,fd00:10::/112", ["IPv4", "IPv6"]),
    "dual-stack, IPv6 first": ("fd00:10::/112,10.0.0.0/24", ["IPv6", "IPv4"]),
}


@pytest.fixture(scope="module", params=CLUSTERS)
def families(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Cluster, list[str]]]:
    addresses, expected = CLUSTERS[request.param]
    ours = "::1" if addresses.startswith("fd") else "127.0.0.1"
    flags = (f"--service-cluster-ip-range={addresses}", f"--advertise-address={ours}")
    folder = tmp_path_factory.mktemp("families")
    with Cluster(folder, api_server_flags=flags, controllers=False) as running:
        running.kubectl("create", "namespace", "customevents")
        yield running, expected


def test_its_services_have_the_families_of_the_cluster(
    families: tuple[Cluster, list[str]], helm4: Helm
) -> None:
    cluster, expected = families
    sandbox = CHART / "ci" / "sandbox-values.yaml"
    services = [found for found in helm4.template("-f", sandbox) if found["kind"] == "Service"]
    told = ("create", "-o", 'jsonpath={.spec.ipFamilies}{"\\n"}', "-f", "-")
    created = cluster.kubectl(*told, input=yaml.safe_dump_all(services)).stdout
    assert list(map(json.loads, created.splitlines())) == [expected, expected]
