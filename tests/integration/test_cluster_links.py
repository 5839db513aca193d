"""Each place that may tell the name, on a real API server and with the operator's rights."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from kubernetes import client
from localcluster import Cluster

from customevents import kube
from customevents.chosen import Chosen
from customevents.scope.cluster_links import Agents, chain
from customevents.scope.cluster_name import ClusterName, Link, Silent, Told, ask
from integration.conftest import Existing
from operator_process import eventually
from platforms import (
    GKE_ISSUER,
    UUID,
    Raw,
    agent,
    aws_node,
    cluster_properties,
    cluster_property,
    kubeadm_config,
    node,
    old_agent,
    token,
)

LINKS = {link.name: link for link in chain("", Agents(("komodor", "customevents")))}

CAPI = "cluster.x-k8s.io/cluster-name"
EKSCTL = "alpha.eksctl.io/cluster-name"
MINIKUBE = "minikube.k8s.io/name"
PROPERTY = "cluster.clusterset.k8s.io"


async def answer(link: Link, kubeconfig: Path) -> Told:
    """What a link tells whoever has this kubeconfig."""
    async with kube.connect(chosen=Chosen(str(kubeconfig))) as cluster:
        return await ask(link, cluster)


@pytest.fixture
def told(account: Path) -> Callable[[str], Told]:
    """What a link tells the operator."""
    return lambda link: asyncio.run(answer(LINKS[link], account))


OBJECTS = [
    ("Komodor agent", agent("komodor", "prod"), "Deployment komodor/komodor-agent"),
    ("Komodor agent", agent("komodor", None, label="prod"), "Deployment komodor/komodor-agent"),
    ("Komodor agent", old_agent("komodor", "prod"), "ConfigMap komodor/k8s-watcher-config"),
    ("Cluster API", node(annotations={CAPI: "prod"}), f"node annotation {CAPI}"),
    ("eksctl", node(labels={EKSCTL: "prod"}), f"node label {EKSCTL}"),
    ("EKS", aws_node("prod"), "DaemonSet kube-system/aws-node"),
    ("kubeadm", kubeadm_config("prod"), "ConfigMap kube-system/kubeadm-config"),
    (
        "kind",
        node("prod-worker", provider_id="kind://docker/prod/prod-worker"),
        "node providerID",
    ),
    ("minikube", node("minikube", labels={MINIKUBE: "prod"}), f"node label {MINIKUBE}"),
    ("k3d", node("k3d-prod-server-0"), "node k3d-prod-server-0"),
]


@pytest.mark.parametrize(("link", "holder", "source"), OBJECTS, ids=[o[0] for o in OBJECTS])
@pytest.mark.usefixtures("komodor")
def test_a_place_tells_the_name_while_it_is_there(
    told: Callable[[str], Told], existing: Existing, link: str, holder: Raw, source: str
) -> None:
    assert isinstance(told(link), Silent)
    with existing(holder):
        assert told(link) == ClusterName("prod", source)
    assert isinstance(told(link), Silent)


@pytest.fixture(params=["v1beta1", "v1alpha1"])
def version(
    api: client.ApiClient, existing: Existing, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The one version in which the API server knows ClusterProperties, while the test runs."""
    definition = cluster_properties(request.param)
    name = definition["metadata"]["name"]
    with existing(definition):
        objects = client.CustomObjectsApi(api)

        def served() -> bool:
            try:
                objects.list_cluster_custom_object(
                    "about.k8s.io", request.param, name.split(".")[0]
                )
            except client.ApiException:
                return False
            return True

        eventually("ClusterProperties are served", served)
        yield request.param


def test_a_cluster_property_tells_the_name_in_either_version(
    told: Callable[[str], Told], api: client.ApiClient, version: str
) -> None:
    objects = client.CustomObjectsApi(api)
    where = ("about.k8s.io", version, "clusterproperties")
    assert told("ClusterProperty") == Silent("it is not there")
    objects.create_cluster_custom_object(*where, cluster_property("prod", version))
    assert told("ClusterProperty") == ClusterName("prod", f"ClusterProperty {PROPERTY}")

    uid = {"spec": {"value": UUID}}
    objects.patch_cluster_custom_object(*where, PROPERTY, uid)
    assert told("ClusterProperty") == Silent("its value is empty or a UUID")


def test_the_operators_own_token_tells_a_gke_clusters_name(
    told: Callable[[str], Told], account: Path, tmp_path: Path
) -> None:
    assert told("GKE") == Silent("the issuer of the token is not GKE")

    content = yaml.safe_load(account.read_text())
    content["users"][0]["user"]["token"] = token(f"{GKE_ISSUER}/prod")
    on_gke = tmp_path / "kubeconfig"
    on_gke.write_text(yaml.safe_dump(content))
    assert asyncio.run(answer(LINKS["GKE"], on_gke)) == ClusterName(
        "prod", "issuer of the service account token"
    )


def test_without_any_right_every_place_is_silent_and_says_why(
    cluster: Cluster, namespace: str, existing: Existing
) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    with ExitStack() as stack:
        metadata = {"name": "powerless", "namespace": namespace}
        stack.enter_context(existing({**account, "metadata": metadata}))
        powerless = cluster.service_account_kubeconfig(namespace, "powerless")
        for name, link in LINKS.items():
            found = asyncio.run(answer(link, powerless))
            assert isinstance(found, Silent)
            if name not in ("setting", "GKE"):
                assert found.why.startswith("it may not be read: the Kubernetes API answered 403: ")
